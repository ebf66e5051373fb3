/* What we say to systemd and get from it; the only user of libsystemd. Everything is harmless where systemd isn't. Never yields. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The UNIX stream sockets that were handed over under the name "varlink", the unit's own name, or none, non-blocking; others are
 * closed. How many; -errno.
 */
int rf_systemd_sockets(int *ret_fds, size_t max);
bool rf_systemd_is_listening(int fd); /* or connected */

void rf_systemd_ready(const char *status); /* a line for people; NULL: as it was */
void rf_systemd_reloading(void);
void rf_systemd_stopping(void);
void rf_systemd_alive(void);
uint64_t rf_systemd_watchdog_us(void); /* 0: none wished */

/* Whether what is written to standard error goes to the journal, and an entry for it: "NAME=value" each. -errno. */
bool rf_systemd_has_journal(void);
int rf_systemd_journal(const char *const *fields, size_t n);
