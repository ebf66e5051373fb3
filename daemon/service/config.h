/*
 * The configuration: a file in INI format and the drop-ins beside it (FILE.d/NAME.conf, in order of their names; later ones win).
 * Checked as a whole before anything of it counts. Never yields.
 */
#pragma once

#include "provider/provider.h"
#include "service/options.h"

struct rf_config;

/* A mistake: where, and what would be right. */
struct rf_config_error {
        char file[256], message[512];
        unsigned line; /* 0: the file as a whole */
};

/*
 * Reads `path`. A file that is missing is a mistake only if `is_required`; then the defaults count. -RF_ECONFIG with `ret_error`;
 * -ENOMEM.
 */
int rf_config_load(const char *path, bool is_required, struct rf_config **ret, struct rf_config_error *ret_error);
struct rf_config *rf_config_free(struct rf_config *c);
DEFINE_CLEANUP(struct rf_config *, rf_config_free);

/* Sets one from the command line or the environment, over what the files say; `where` is for messages. -RF_ECONFIG. */
int rf_config_set(struct rf_config *c, enum rf_setting setting, const char *text, const char *where, struct rf_config_error *ret_error);

/* Values live as long as the configuration. */
const struct rf_value *rf_config_get(const struct rf_config *c, enum rf_setting setting);
/* Whether a file, the command line or the environment says something. */
bool rf_config_is_default(const struct rf_config *c, enum rf_setting setting);

/* Where it was said: "file:line", "--socket", "the default". */
const char *rf_config_where(const struct rf_config *c, enum rf_setting setting);
/* Takes apart such a place. */
void rf_config_place(struct rf_config_error *e, const char *where);

size_t rf_config_n_providers(const struct rf_config *c);
const struct rf_provider_config *rf_config_provider(const struct rf_config *c, size_t i);

/* Takes over one setting. -ENOMEM: it stays as it was. */
int rf_config_copy(struct rf_config *to, const struct rf_config *from, enum rf_setting setting);

/* Whether a setting, or the list of providers, says the same in both. */
bool rf_config_same(const struct rf_config *a, const struct rf_config *b, enum rf_setting setting);
bool rf_config_same_providers(const struct rf_config *a, const struct rf_config *b);
