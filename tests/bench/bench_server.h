/* A fast HTTP/1.1 server in a process of its own, so that its processor time isn't the client's: every request gets the same 1 KB of JSON. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

pid_t bench_server_start(uint16_t *ret_port);
void bench_server_stop(pid_t pid);
