#include "provider/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"

void rf_secret_free(char *secret)
{
        if (secret)
                explicit_bzero(secret, strlen(secret));
        free(secret);
}

_printf_(3, 4) static int refuse(char *message, size_t size, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        vsnprintf(message, size, format, ap);
        va_end(ap);
        return -RF_ECONFIG;
}

/* What is in the file, less the newline that editors leave at its end. */
static int read_secret(int fd, const char *where, const char *path, char **ret, char *message, size_t size)
{
        char text[RF_SECRET_BYTES_MAX + 2];
        ssize_t n = 0, got;
        int r = 0;

        do {
                got = read(fd, text + n, sizeof(text) - 1 - (size_t)n);
                n += MAX(got, 0);
        } while (got > 0 || (got < 0 && errno == EINTR));
        if (got < 0)
                r = refuse(message, size, "%s: %s: %s", where, path, rf_strerror(-errno));
        else if ((size_t)n > RF_SECRET_BYTES_MAX)
                r = refuse(message, size, "%s: %s: more than %u bytes", where, path, RF_SECRET_BYTES_MAX);
        while (r == 0 && n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
                n--;
        if (r == 0 && (n == 0 || memchr(text, '\0', (size_t)n)))
                r = refuse(message, size, "%s: %s: holds no text", where, path);
        if (r == 0) {
                text[n] = '\0';
                *ret = strdup(text);
                r = *ret ? 0 : -ENOMEM;
        }
        explicit_bzero(text, sizeof(text));
        return r;
}

int rf_secret_from_credential(const char *provider, const char *option, char **ret, char *message, size_t size)
{
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        char path[512];
        int fd, r;

        if (!directory || directory[0] != '/')
                return 0;
        if ((size_t)snprintf(path, sizeof(path), "%s/%s.%s", directory, provider, option) >= sizeof(path))
                return 0;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
                return 0;
        if (fd < 0)
                return refuse(message, size, "credential %s: %s", path, rf_strerror(-errno));
        r = read_secret(fd, "credential", path, ret, message, size);
        close(fd);
        return r < 0 ? r : 1;
}

int rf_secret_from_file(const struct rf_provider_config *c, size_t i, char **ret, char *message, size_t size)
{
        const char *path = c->options[i].value, *where = c->options[i].where;
        struct stat st;
        int fd, r;

        if (path[0] != '/')
                return refuse(message, size, "%s: [provider %s] %s = %.200s: must be an absolute path", where, c->name, c->options[i].name, path);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0)
                r = refuse(message, size, "%s: [provider %s] %s = %.200s: %s", where, c->name, c->options[i].name, path, rf_strerror(-errno));
        else if (!S_ISREG(st.st_mode))
                r = refuse(message, size, "%s: [provider %s] %s = %.200s: not a file", where, c->name, c->options[i].name, path);
        else if (st.st_uid != 0 && st.st_uid != geteuid())
                r = refuse(message, size, "%s: [provider %s] %s = %.200s: must belong to root or to the daemon's user", where, c->name,
                           c->options[i].name, path);
        else if (st.st_mode & 077)
                r = refuse(message, size, "%s: [provider %s] %s = %.200s: others can read it (mode %04o); \"chmod 600\" mends that", where,
                           c->name, c->options[i].name, path, (unsigned)st.st_mode & 07777);
        else
                r = read_secret(fd, where, path, ret, message, size);
        if (fd >= 0)
                close(fd);
        return r;
}

void rf_secret_warn(const struct rf_provider_config *c, size_t i, char *message, size_t size)
{
        const char *where = c->options[i].where ? c->options[i].where : "", *colon = strrchr(where, ':');
        char path[512];
        struct stat st;

        snprintf(path, sizeof(path), "%.*s", colon ? (int)(colon - where) : (int)strlen(where), where);
        if (stat(path, &st) < 0 || !(st.st_mode & S_IROTH))
                return;
        snprintf(message, size, "%s: [provider %s] %s: everybody can read this file (mode %04o); the credential %s.%s or %s_file keeps the secret",
                 where, c->name, c->options[i].name, (unsigned)st.st_mode & 07777, c->name, c->options[i].name, c->options[i].name);
}
