#include "service/directories.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/macros.h"

/* `variable` where it names an absolute path (others are to be ignored), otherwise `fallback` below the home directory; then `rest`. */
static int find(char ret[static RF_DIRECTORY_SIZE], const char *variable, const char *fallback, const char *rest, char *message, size_t size)
{
        const char *base = getenv(variable), *home = getenv("HOME");
        int n;

        if (base && base[0] == '/')
                n = snprintf(ret, RF_DIRECTORY_SIZE, "%s/%s", base, rest);
        else if (home && home[0] == '/')
                n = snprintf(ret, RF_DIRECTORY_SIZE, "%s/%s/%s", home, fallback, rest);
        else {
                snprintf(message, size, "neither $%s nor $HOME says where a user's files lie", variable);
                return -RF_ECONFIG;
        }
        if (n >= RF_DIRECTORY_SIZE) {
                snprintf(message, size, "$%s or $HOME is too long", variable);
                return -RF_ECONFIG;
        }
        return 0;
}

static int find_socket(struct rf_directories *ret, char *message, size_t size)
{
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        int n;

        if (runtime && runtime[0] == '/')
                n = snprintf(ret->socket, sizeof(ret->socket), "%s/recflow/recflowd.sock", runtime);
        else
                n = snprintf(ret->socket, sizeof(ret->socket), "/run/user/%u/recflow/recflowd.sock", (unsigned)getuid());
        if (n < RF_DIRECTORY_SIZE)
                return 0;
        snprintf(message, size, "$XDG_RUNTIME_DIR is too long");
        return -RF_ECONFIG;
}

int rf_directories_find(struct rf_directories *ret, char *message, size_t size)
{
        int r = find(ret->config_path, "XDG_CONFIG_HOME", ".config", "recflow/recflowd.conf", message, size);

        if (r >= 0)
                r = find(ret->state, "XDG_STATE_HOME", ".local/state", "recflow", message, size);
        if (r >= 0)
                r = find(ret->cache, "XDG_CACHE_HOME", ".cache", "recflow", message, size);
        return r < 0 ? r : find_socket(ret, message, size);
}

/* Each part of the path in turn. */
static int make(const char *path, char *message, size_t size)
{
        char part[RF_DIRECTORY_SIZE];

        for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
                size_t n = slash ? (size_t)(slash - path) : strlen(path);

                memcpy(part, path, n);
                part[n] = '\0';
                if (mkdir(part, 0700) < 0 && errno != EEXIST) {
                        int r = -errno;

                        snprintf(message, size, "%.300s: %s", part, rf_strerror(r));
                        return r;
                }
                if (!slash)
                        return 0;
        }
}

int rf_directories_make(const struct rf_directories *d, char *message, size_t size)
{
        int r = make(d->state, message, size);

        return r < 0 ? r : make(d->cache, message, size);
}
