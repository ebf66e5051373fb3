#include "sim/prompts.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "sim/families.h"

enum { PROMPTS_MAX = 10000 };

struct entry {
        const char *text;
        const struct mock_taste *taste; /* NULL: unknown */
        struct mock_ideal ideal;
};

struct sim_prompts {
        struct rf_arena arena;
        struct entry *list;
        size_t n;
};

static int add(struct sim_prompts *p, const char *text, const struct mock_world *world)
{
        struct entry *bigger = reallocarray(p->list, p->n + 1, sizeof(*bigger)), *e;

        if (!bigger)
                return -ENOMEM;
        p->list = bigger;
        e = &p->list[p->n];
        *e = (struct entry){ .text = rf_arena_strdup(&p->arena, text), .taste = mock_taste_of(text) };
        if (!e->text)
                return -ENOMEM;
        p->n++;
        return e->taste ? mock_ideal_of(world, e->taste, &e->ideal) : 0;
}

/* One prompt a line; empty lines and those that begin with # are left out. */
static int read_file(struct sim_prompts *p, const char *path, const struct mock_world *world, char *message, size_t size)
{
        char line[RF_PROMPT_MAX + 2];
        FILE *f = fopen(path, "re");
        int r = 0;

        if (!f) {
                snprintf(message, size, "%.200s: %s", path, strerror(errno));
                return -errno;
        }
        for (unsigned number = 1; r >= 0 && fgets(line, sizeof(line), f); number++) {
                size_t n = strcspn(line, "\r\n");

                if (!line[n] && n == sizeof(line) - 1) {
                        snprintf(message, size, "%.200s:%u: the prompt is longer than %u bytes", path, number, RF_PROMPT_MAX);
                        r = -RF_ECONFIG;
                        break;
                }
                line[n] = '\0';
                if (n > 0 && line[0] != '#')
                        r = add(p, line, world);
                if (p->n > PROMPTS_MAX) {
                        snprintf(message, size, "%.200s: more than %d prompts", path, PROMPTS_MAX);
                        r = -RF_ECONFIG;
                }
        }
        fclose(f);
        if (r >= 0 && p->n == 0) {
                snprintf(message, size, "%.200s: there is no prompt in it", path);
                r = -RF_ECONFIG;
        }
        return r;
}

/* The words are the lexicon's. */
static int make_up(struct sim_prompts *p, size_t n, const struct mock_world *world)
{
        static const char *const moods[] = { "happy", "calm", "sad", "energetic", "romantic", "dark", "dreamy", "angry", "nostalgic", "epic",
                                             "cozy", "rainy", "sunny", "sensual", "uplifting", "stormy", "snowy", "windy", "cheerful",
                                             "melancholic", "peaceful", "hopeful", "intense", "gentle" };
        static const char *const genres[] = { "jazz", "rock", "metal", "house", "techno", "ambient", "piano", "hip hop", "soul", "funk",
                                              "disco", "blues", "folk", "country", "pop", "indie pop", "bossa nova", "salsa", "reggae", "ska",
                                              "trance", "punk", "shoegaze", "swing", "classical", "soundtrack", "gospel", "bluegrass",
                                              "synthwave", "trip hop", "samba", "tango", "flamenco", "afrobeat", "dub", "celtic",
                                              "indie rock", "drum and bass", "dream pop", "lo-fi beats" };
        static const char *const times[] = { "", " for the morning", " for the evening", " for midnight", " for a sunday", " for friday night",
                                             " for autumn", " for winter", " for the beach", " for cooking", " for dinner", " for running",
                                             " for a road trip", " for yoga", " for cleaning", " for gaming" };
        const size_t all = ARRAY_SIZE(moods) * ARRAY_SIZE(genres) * ARRAY_SIZE(times);
        char text[128];
        int r = n <= all ? 0 : -RF_ELIMIT;

        for (size_t i = 0; i < n && r >= 0; i++) {
                size_t k = i * 40013 % all; /* a prime: each number comes once */

                snprintf(text, sizeof(text), "%s %s%s", moods[k % ARRAY_SIZE(moods)], genres[k / ARRAY_SIZE(moods) % ARRAY_SIZE(genres)],
                         times[k / ARRAY_SIZE(moods) / ARRAY_SIZE(genres)]);
                r = add(p, text, world);
        }
        return r;
}

int sim_prompts_new(const char *path, size_t distinct, const struct mock_world *world, struct sim_prompts **ret, char *message, size_t size)
{
        _cleanup_(sim_prompts_freep) struct sim_prompts *p = calloc(1, sizeof(*p));
        int r = p ? 0 : -ENOMEM;

        if (r >= 0 && path)
                r = read_file(p, path, world, message, size);
        if (r >= 0 && !path && distinct > 0)
                r = make_up(p, distinct, world);
        for (size_t i = 0; i < mock_n_prompts && !path && distinct == 0 && r >= 0; i++)
                r = add(p, mock_prompts[i].prompt, world);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        return 0;
}

struct sim_prompts *sim_prompts_free(struct sim_prompts *p)
{
        if (p) {
                rf_arena_done(&p->arena);
                free(p->list);
        }
        free(p);
        return NULL;
}

size_t sim_prompts_count(const struct sim_prompts *p)
{
        return p->n;
}

const char *sim_prompts_text(const struct sim_prompts *p, size_t i)
{
        return p->list[i].text;
}

static bool share_a_word(const char *const a[3], const char *const b[3])
{
        for (size_t i = 0; i < 3 && a[i]; i++)
                for (size_t k = 0; k < 3 && b[k]; k++)
                        if (strcmp(a[i], b[k]) == 0)
                                return true;
        return false;
}

size_t sim_prompts_related(const struct sim_prompts *p, size_t i, const char **ret, size_t max)
{
        const struct sim_family *family = sim_family_of(p->list[i].text);
        const struct mock_taste *taste = p->list[i].taste;
        size_t n = 0;

        for (size_t k = 0; family && k < SIM_FAMILY_MAX && n < max; k++)
                ret[n++] = family->related[k];
        for (size_t k = 0; !family && k < p->n && n < max; k++) {
                const struct mock_taste *other = p->list[k].taste;

                if (k != i && taste && other && (share_a_word(taste->moods, other->moods) || share_a_word(taste->genres, other->genres)))
                        ret[n++] = p->list[k].text;
        }
        if (n == 0 && p->n > 1 && max > 0)
                ret[n++] = p->list[(i + 1) % p->n].text;
        return n;
}

double sim_prompts_judge(const struct sim_prompts *p, size_t i, const struct mock_track *const *tracks, size_t n, size_t k)
{
        const struct entry *e = &p->list[i];

        return e->taste ? mock_ndcg(e->taste, &e->ideal, tracks, n, k) : -1.0;
}
