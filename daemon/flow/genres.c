#include "flow/genres.h"

#include <string.h>
#include <strings.h>

#include "flow/cohesion.h"

/*
 * Generic genres that every service knows, with their typical sound, for briefs that name none: rounded from what audio-analysis
 * services publish about such music.
 */
static const struct {
        const char *name;
        float acousticness, danceability, energy, instrumentalness, valence, tempo;
} GENERIC[] = {
        { "pop", .22f, .66f, .66f, .02f, .56f, 118.f },        { "rock", .16f, .48f, .74f, .10f, .52f, 124.f },
        { "soul", .46f, .58f, .48f, .04f, .58f, 106.f },       { "funk", .22f, .78f, .70f, .14f, .80f, 110.f },
        { "jazz", .65f, .52f, .38f, .45f, .50f, 112.f },       { "folk", .82f, .46f, .28f, .08f, .42f, 112.f },
        { "electronic", .14f, .64f, .68f, .52f, .48f, 122.f }, { "house", .06f, .76f, .76f, .46f, .62f, 124.f },
        { "hip hop", .16f, .76f, .64f, .04f, .52f, 98.f },     { "classical", .95f, .28f, .22f, .88f, .28f, 102.f },
        { "ambient", .78f, .24f, .16f, .88f, .18f, 84.f },     { "metal", .04f, .38f, .92f, .22f, .30f, 132.f },
        { "indie pop", .36f, .60f, .56f, .08f, .54f, 118.f },  { "reggae", .24f, .76f, .52f, .06f, .72f, 94.f },
        { "singer-songwriter", .70f, .50f, .32f, .04f, .38f, 112.f }, { "downtempo", .32f, .60f, .42f, .58f, .38f, 94.f },
        { "disco", .12f, .78f, .74f, .10f, .82f, 120.f },      { "dance pop", .10f, .72f, .76f, .02f, .64f, 124.f },
        { "r&b", .28f, .66f, .52f, .03f, .48f, 104.f },        { "latin", .30f, .70f, .64f, .04f, .70f, 112.f },
        { "techno", .04f, .72f, .80f, .76f, .36f, 130.f },     { "punk", .06f, .44f, .90f, .06f, .58f, 160.f },
        { "post-punk", .14f, .54f, .68f, .20f, .44f, 128.f },  { "trip hop", .26f, .62f, .46f, .36f, .34f, 92.f },
        { "indie folk", .72f, .46f, .32f, .12f, .36f, 112.f }, { "piano", .96f, .32f, .14f, .92f, .22f, 92.f },
        { "blues", .58f, .54f, .42f, .14f, .54f, 108.f },      { "country", .40f, .56f, .58f, .02f, .60f, 122.f },
        { "soundtrack", .74f, .24f, .34f, .84f, .20f, 100.f }, { "dream pop", .36f, .42f, .46f, .34f, .30f, 108.f },
        { "bossa nova", .84f, .58f, .26f, .20f, .58f, 108.f }, { "new age", .84f, .28f, .18f, .84f, .28f, 86.f },
};
#define GUESSES 6u      /* generic genres looked into */
#define GUESS_WEIGHT .6f

static bool is_excluded(const struct rf_brief *b, const char *genre)
{
        for (size_t i = 0; i < b->n_excluded_genres; i++)
                if (strcasecmp(b->excluded_genres[i], genre) == 0)
                        return true;
        return false;
}

static bool is_listed(const struct rf_run_genre *list, size_t n, const char *genre)
{
        for (size_t i = 0; i < n; i++)
                if (strcasecmp(list[i].name, genre) == 0)
                        return true;
        return false;
}

/* Keeps the list sorted by weight, named ones first among equals, earlier mentions first. */
static size_t insert(struct rf_run_genre *list, size_t n, struct rf_run_genre g)
{
        size_t at = n;

        while (at > 0 && (g.weight > list[at - 1].weight || (g.weight == list[at - 1].weight && g.is_named && !list[at - 1].is_named)))
                at--;
        if (at >= RF_RUN_GENRES_MAX)
                return n;
        if (n == RF_RUN_GENRES_MAX)
                n--;
        memmove(&list[at + 1], &list[at], (n - at) * sizeof(*list));
        list[at] = g;
        return n + 1;
}

static float generic_fit(const struct rf_brief *b, size_t i)
{
        struct rf_features f = { 0 };
        const struct {
                enum rf_feature feature;
                float value;
        } sound[] = {
                { RF_FEATURE_ACOUSTICNESS, GENERIC[i].acousticness }, { RF_FEATURE_DANCEABILITY, GENERIC[i].danceability },
                { RF_FEATURE_ENERGY, GENERIC[i].energy },             { RF_FEATURE_INSTRUMENTALNESS, GENERIC[i].instrumentalness },
                { RF_FEATURE_VALENCE, GENERIC[i].valence },           { RF_FEATURE_TEMPO, GENERIC[i].tempo },
        };

        for (size_t k = 0; k < ARRAY_SIZE(sound); k++) {
                f.has |= RF_FEATURE_BIT(sound[k].feature);
                f.value[sound[k].feature] = sound[k].value;
        }
        return rf_fit(b, &f);
}

static size_t guess(const struct rf_brief *b, struct rf_run_genre *ret)
{
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(GENERIC); i++)
                if (!is_excluded(b, GENERIC[i].name))
                        n = insert(ret, n, (struct rf_run_genre){ .name = GENERIC[i].name, .weight = generic_fit(b, i) });
        n = MIN(n, (size_t)GUESSES);
        for (size_t i = 0; i < n; i++)
                ret[i].weight = GUESS_WEIGHT;
        return n;
}

size_t rf_genres_of(const struct rf_brief *b, struct rf_run_genre ret[static RF_RUN_GENRES_MAX], bool *ret_is_guess)
{
        size_t n = 0;

        for (size_t i = 0; i < b->n_genres; i++) {
                const struct rf_genre_wish *g = &b->genres[i];

                if (g->weight > 0.f && !is_excluded(b, g->name) && !is_listed(ret, n, g->name))
                        n = insert(ret, n, (struct rf_run_genre){ .name = g->name, .weight = g->weight, .is_named = g->is_named });
        }
        *ret_is_guess = n == 0;
        return n > 0 ? n : guess(b, ret);
}
