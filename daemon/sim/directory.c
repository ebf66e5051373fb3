#include "sim/directory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sim_directory {
        char path[64];
};

int sim_directory_new(struct sim_directory **ret, char *message, size_t size)
{
        static const char *const places[] = { "/dev/shm", NULL, "/tmp" };
        struct sim_directory *d = calloc(1, sizeof(*d));

        if (!d)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                const char *place = places[i] ? places[i] : getenv("TMPDIR");

                if (place && snprintf(d->path, sizeof(d->path), "%s/recflow-sim-XXXXXX", place) < (int)sizeof(d->path) && mkdtemp(d->path)) {
                        *ret = d;
                        return 0;
                }
        }
        free(d);
        snprintf(message, size, "no directory can be made in /dev/shm, $TMPDIR or /tmp: %s", strerror(errno));
        return -errno;
}

struct sim_directory *sim_directory_free(struct sim_directory *d)
{
        DIR *dir = d ? opendir(d->path) : NULL;
        char name[512];

        for (struct dirent *e; dir && (e = readdir(dir));)
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
                        snprintf(name, sizeof(name), "%s/%.255s", d->path, e->d_name);
                        (void)unlink(name);
                }
        if (dir)
                closedir(dir);
        if (d)
                (void)rmdir(d->path);
        free(d);
        return NULL;
}

const char *sim_directory_path(const struct sim_directory *d)
{
        return d->path;
}
