/* Binding a UNIX socket that a process before us may have left behind. Never yields. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * Listens at `path` with `mode`; a socket file that nobody answers at is replaced. The descriptor is non-blocking. -RF_EBUSY:
 * somebody answers there; -EEXIST: it's something else than a socket; -errno. `message` then says what and where.
 */
int rf_socket_listen(const char *path, mode_t mode, int *ret_fd, char *message, size_t message_size);
