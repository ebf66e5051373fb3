#include "sim/stage.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define CACHE_SIZE (256u << 20)

/* In memory where there is such a file system: hundreds of daemons put thousands of answers into it. */
static int open_cache(struct sim_stage *s, char *message, size_t size)
{
        static const char *const places[] = { "/dev/shm", NULL, "/tmp" };
        struct rf_cache_options o = { .directory = s->directory, .size_max = CACHE_SIZE, .sync_interval_us = 3600 * USEC_PER_SEC };

        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                const char *place = places[i] ? places[i] : getenv("TMPDIR");

                if (!place || snprintf(s->directory, sizeof(s->directory), "%s/recflow-sim-XXXXXX", place) >= (int)sizeof(s->directory))
                        continue;
                if (mkdtemp(s->directory))
                        return rf_cache_open(&o, &s->cache, message, size);
        }
        s->directory[0] = '\0';
        snprintf(message, size, "no directory for the cache can be made in /dev/shm, $TMPDIR or /tmp: %s", strerror(errno));
        return -errno;
}

int sim_stage_open(const struct sim_stage_options *o, struct sim_stage *ret, char *message, size_t size)
{
        struct sim_stage s = { .plugin_directory = o->plugin_directory };
        int r = rf_lexicon_load(o->data_directory, &s.lexicon, message, size);

        if (r >= 0)
                r = mock_world_new(1, &s.world);
        if (r >= 0)
                r = sim_prompts_new(o->prompts, s.world, &s.prompts, message, size);
        if (r >= 0)
                r = open_cache(&s, message, size);
        if (r < 0) {
                sim_stage_close(&s);
                return r;
        }
        *ret = s;
        return 0;
}

/* The cache makes plain files only. */
static void remove_directory(const char *path)
{
        DIR *d = opendir(path);
        char name[512];

        for (struct dirent *e; d && (e = readdir(d));)
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
                        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
                        (void)unlink(name);
                }
        if (d)
                closedir(d);
        (void)rmdir(path);
}

void sim_stage_close(struct sim_stage *s)
{
        rf_cache_close(s->cache);
        if (s->directory[0])
                remove_directory(s->directory);
        sim_prompts_free(s->prompts);
        mock_world_free(s->world);
        rf_lexicon_free(s->lexicon);
        *s = (struct sim_stage){ 0 };
}
