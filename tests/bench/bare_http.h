/* A bare libcurl-multi program: pooled easy handles, epoll, its body read and, if asked, parsed. Nothing else of what recflow does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Makes `n` requests, `at_once` of them under way; exits on any failure. */
void bare_http_run(uint16_t port, unsigned n, unsigned at_once, bool parses);
