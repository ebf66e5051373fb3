/* A real HTTP server on a loopback port, in threads of its own, with every bad manner that a client must survive. */
#pragma once

#include <stdint.h>

/*
 * Paths: /ok, /echo, /close (says nothing, ends the connection after the answer), /drip (a byte each 100 ms), /huge (100 MB),
 * /truncated, /headers (10,000 of them), /long-header, /garbage, /redirect-file, /redirect-private, /hang, /status/NNN,
 * /429-cut and /429-hang (in the middle of the body), /json-truncated, /json-deep (5,000 levels), /json-shape, /json-types, /not-utf8; each also before "/artist/search".
 */
uint16_t rude_server_start(void);
void rude_server_stop(void); /* waits for all its threads */

/* Connections accepted so far, requests seen, and connections that the client ended while they were being answered. */
unsigned rude_server_connections(void);
unsigned rude_server_requests(void);
unsigned rude_server_hangups(void);
