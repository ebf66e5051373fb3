/* The signals that the daemon is told things by: SIGTERM and SIGINT to stop, SIGHUP to read its configuration. */
#pragma once

/* Waits until there is one to stop (yields); `reload` is called for the others. 0, or a negative error. They're blocked already. */
int rf_signals_serve(void (*reload)(void *arg), void *arg);
