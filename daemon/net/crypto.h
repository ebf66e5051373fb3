/* libcrypto, which libcurl and the logins use. */
#pragma once

/*
 * Readies it, at the start: what it then can't allocate it never asks for again, and it crashes at the first use. -ENOMEM: it isn't
 * usable. Never yields.
 */
int rf_crypto_start(void);
