/* Secret options from where only the daemon can read them. They're in no message. Never yields. */
#pragma once

#include "provider/provider.h"

/* The systemd credential PROVIDER.OPTION. 1: `ret` is a new string; 0: there is none; -RF_ECONFIG with `message`. */
int rf_secret_from_credential(const char *provider, const char *option, char **ret, char *message, size_t size);
/* The file that option `i` of the section names. -RF_ECONFIG: it can't be read, or others can read it. */
int rf_secret_from_file(const struct rf_provider_config *c, size_t i, char **ret, char *message, size_t size);
/* Warns if everybody can read the file in which option `i` of the section, a secret, is written. */
void rf_secret_warn(const struct rf_provider_config *c, size_t i, char *message, size_t size);
void rf_secret_free(char *secret); /* wipes it; accepts NULL */
