/*
 * What a compiled plugin and the daemon must agree on, for abidw: every public type of plugin.h is reached from a symbol here, and
 * every public constant is an enumerator.
 */
#include <recflow/plugin.h>

/* Reaches everything but what is below. A pointer: the structure itself may grow. */
RF_EXPORT extern const struct rf_plugin *abi_plugin;
const struct rf_plugin *abi_plugin;

RF_EXPORT extern enum rf_feature abi_feature;
enum rf_feature abi_feature;

RF_EXPORT extern struct rf_verdict abi_verdict;
struct rf_verdict abi_verdict;

/* Macros and nameless enumerators leave no type of their own. */
enum abi_constants {
        ABI_MAGIC = RF_PLUGIN_MAGIC,
        ABI_FEATURE_BIT = RF_FEATURE_BIT(RF_FEATURE_TEMPO),
        ABI_OPTION_SECRET = RF_OPTION_SECRET,
        ABI_OPTION_RELOAD = RF_OPTION_RELOAD,
        ABI_OPERATION_IDEMPOTENT = RF_OPERATION_IDEMPOTENT,
        ABI_OPERATION_USER = RF_OPERATION_USER,
        ABI_AUTH_CLIENT_CREDENTIALS = RF_AUTH_CLIENT_CREDENTIALS,
        ABI_AUTH_PKCE = RF_AUTH_PKCE,
};
RF_EXPORT extern enum abi_constants abi_constants;
enum abi_constants abi_constants;

/* The version is compared by check-interface, not by abidiff: it changes with what it tells of. */
enum abi_version { ABI_MAJOR = RF_PLUGIN_ABI_MAJOR, ABI_MINOR = RF_PLUGIN_ABI_MINOR };
RF_EXPORT extern enum abi_version abi_version;
enum abi_version abi_version;
