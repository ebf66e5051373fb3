/*
 * The end of an OAuth login on this machine (RFC 8252): a listener on 127.0.0.1 that waits for the browser to be sent back. Whatever
 * else asks there gets a short answer and changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { REDIRECT_TEXT_MAX = 1024, REDIRECT_REQUEST_MAX = 8192 };

#define REDIRECT_PATH "/callback"

/* What the service sent back with the browser. */
struct redirect {
        char state[REDIRECT_TEXT_MAX], code[REDIRECT_TEXT_MAX], error[REDIRECT_TEXT_MAX]; /* "" where there is none */
};

/* From an address, or the part behind its path: false if it has neither code nor error, or something over-long. */
bool redirect_parse(const char *address, struct redirect *ret);

/* Listens on 127.0.0.1. `port` 0: any free one. A descriptor, or -errno. */
int redirect_listen(unsigned port, unsigned *ret_port);

/*
 * Waits until a browser comes back with `state`. 0: `ret_fd` is its connection, for redirect_answer(). -ETIMEDOUT; -EINTR; -errno.
 */
int redirect_wait(int listener, const char *state, uint64_t timeout_ms, struct redirect *ret, int *ret_fd);
/* A small page for the person; closes the connection. */
void redirect_answer(int fd, unsigned status, const char *title, const char *text);
