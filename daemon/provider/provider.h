/*
 * Providers: plugins loaded, configured and opened, and what each can do.
 */
#pragma once

#include <recflow/plugin.h>

#include "base/macros.h"

struct rf_provider;
struct rf_providers;

/* One `[provider NAME]` section: what the host needs, and the plugin's own options as text. */
struct rf_provider_config {
        const char *name;      /* the section's */
        const char *plugin;    /* file name or absolute path; NULL = name.so in the plugin directory */
        const char *transport; /* name of the provider, loaded before, that answers instead of HTTP; NULL = its own, or HTTP */
        const char *api_url;   /* in place of the plugin's base address; NULL = the plugin's */
        bool is_disabled;      /* configured, but not to be used */
        const char *where;     /* its first line, as "file:line", for messages; NULL */
        struct {
                const char *name, *value;
                const char *where; /* "file:line", for messages */
        } *options;
        size_t n_options;
};

int rf_providers_new(const char *plugin_directory, struct rf_providers **ret);
struct rf_providers *rf_providers_free(struct rf_providers *p);
DEFINE_CLEANUP(struct rf_providers *, rf_providers_free);

/*
 * Options that are flagged as secret can be given in three ways: as the systemd credential PROVIDER.OPTION (a file of that name in
 * $CREDENTIALS_DIRECTORY), by OPTION_file, which names a file that only its owner can read, or as OPTION itself, which is warned about
 * where everybody can read the configuration file.
 */

/*
 * Loads and opens one provider and appends it to the order of routing. On failure -RF_EPLUGIN (the file: path, owner, mode,
 * symbol, magic, ABI, size, missing operations, name) or -RF_ECONFIG (an option), with a sentence in `message` that names what,
 * where and what would be right; the provider is listed all the same, as unusable, with that message. Doesn't yield; may take as
 * long as the plugin's open(). On success `message` may hold a warning.
 */
int rf_providers_load(struct rf_providers *p, const struct rf_provider_config *c, char *message, size_t message_size);

/*
 * The same, but it answers no queries of its own: it only stands in for the services of those that name it as their transport, and are
 * loaded after it. All of them share it.
 */
int rf_providers_load_transport(struct rf_providers *p, const struct rf_provider_config *c, char *message, size_t message_size);

/* From now on plugins are loaded and their options read and checked, but nothing is opened: for looking at a configuration. */
void rf_providers_only_check(struct rf_providers *p);

size_t rf_providers_count(const struct rf_providers *p);
struct rf_provider *rf_providers_at(const struct rf_providers *p, size_t i);
struct rf_provider *rf_providers_find(const struct rf_providers *p, const char *name);

const char *rf_provider_name(const struct rf_provider *p);
const char *rf_provider_problem(const struct rf_provider *p);     /* NULL if usable */
const struct rf_plugin *rf_provider_plugin(const struct rf_provider *p); /* NULL if it couldn't be loaded */
void *rf_provider_instance(const struct rf_provider *p);
const char *rf_provider_base_url(const struct rf_provider *p);
/* The provider whose transport answers this one's requests; NULL = HTTP. */
struct rf_provider *rf_provider_transport(const struct rf_provider *p);
const struct rf_operation *rf_provider_operation(const struct rf_provider *p, enum rf_op op); /* NULL: can't */

/*
 * Capability state: the way of doing an operation that is used now was refused by the service, until `until_us` (wall-clock time). Where
 * the plugin has another way, that is used from now on; otherwise the operation is left alone.
 */
void rf_provider_refuse(struct rf_provider *p, enum rf_op op, uint64_t until_us, const char *reason);
/* The same of a certain way (0..RF_OPERATION_WAYS_MAX-1), as it was kept. */
void rf_provider_refuse_way(struct rf_provider *p, enum rf_op op, unsigned way, uint64_t until_us, const char *reason);
/* Another credential may be allowed more: nothing counts as refused any longer. */
void rf_provider_forgive(struct rf_provider *p);
/* NULL: may be used now. Otherwise why not. */
const char *rf_provider_refusal(struct rf_provider *p, enum rf_op op, uint64_t now_wall_us);
/* What is known of one way (0..RF_OPERATION_WAYS_MAX-1), for keeping it. False: it isn't refused. */
bool rf_provider_refused_way(const struct rf_provider *p, enum rf_op op, unsigned way, uint64_t now_wall_us, uint64_t *ret_until_us,
                             const char **ret_reason);

/* Whether it may be told the ids that Spotify gives to tracks: its own, or configured so (share_spotify_ids). */
bool rf_provider_takes_spotify_ids(const struct rf_provider *p);

/* The value in effect of one of the plugin's own options; NULL: it has none of that name, or it isn't set. */
const struct rf_value *rf_provider_value(const struct rf_provider *p, const char *option);

const char *rf_op_name(enum rf_op op); /* "search_tracks", … */
const char *rf_outcome_name(enum rf_outcome o);

/* Request building, for upstream/: makes the builder that a plugin's build() fills, and the finished request. */
struct rf_request_builder *rf_request_new(const char *base_url);
struct rf_request_builder *rf_request_free(struct rf_request_builder *b);
DEFINE_CLEANUP(struct rf_request_builder *, rf_request_free);
/* First error of the building (-E2BIG past RF_REQUEST_BYTES_MAX, -EINVAL, -ENOMEM), else the request, which the builder owns. */
int rf_request_finish(struct rf_request_builder *b, const struct rf_request **ret);
/* Adds or replaces the bearer token of a finished request. It's seen by the transport only: never in records, logs or errors. */
int rf_request_authorise(struct rf_request_builder *b, const char *bearer);
/* Method, path and parameters, for people; cut where it doesn't fit. Holds no credential: those travel in headers and bodies. */
void rf_request_describe(const struct rf_request *q, char *buf, size_t size);
