#include "judge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOODS(...) .moods = { __VA_ARGS__ }
#define GENRES(...) .genres = { __VA_ARGS__ }

const struct mock_prompt mock_prompts[] = {
        { "rainy sunday jazz", { MOODS("rainy", "cozy"), GENRES("jazz") } },
        { "happy pop songs", { MOODS("happy"), GENRES("pop") } },
        { "calm music to relax", { MOODS("calm", "cozy") } },
        { "sad and melancholic", { MOODS("melancholic") } },
        { "energetic workout", { MOODS("energetic", "uplifting", "angry") } },
        { "party all night", { MOODS("party") } },
        { "music to focus while coding", { MOODS("focus") } },
        { "falling asleep", { MOODS("sleepy") } },
        { "romantic dinner", { MOODS("romantic", "sensual", "cozy") } },
        { "dark techno", { MOODS("dark"), GENRES("techno") } },
        { "dreamy shoegaze", { MOODS("dreamy"), GENRES("shoegaze") } },
        { "angry metal", { MOODS("angry"), GENRES("metal", "heavy metal") } },
        { "sunny reggae", { MOODS("sunny", "happy"), GENRES("reggae") } },
        { "epic soundtrack", { MOODS("epic"), GENRES("soundtrack") } },
        { "uplifting house", { MOODS("uplifting", "party"), GENRES("house", "deep house") } },
        { "Caribbean rhythms for vacation mode", { MOODS("sunny", "happy", "party") } },
        { "nostalgic 80s", { MOODS("nostalgic"), .year_from = 1980, .year_to = 1989 } },
        { "chill bossa nova, 45 minutes", { MOODS("calm", "cozy", "romantic"), GENRES("bossa nova") } },
        { "10 calm piano pieces", { MOODS("calm", "sleepy"), GENRES("piano") } },
        { "an hour of upbeat funk", { MOODS("happy", "party", "uplifting"), GENRES("funk") } },
        { "☔️🎷", { MOODS("rainy", "cozy"), GENRES("jazz", "smooth jazz", "cool jazz") } },
};
const size_t mock_n_prompts = sizeof(mock_prompts) / sizeof(mock_prompts[0]);

const struct mock_taste *mock_taste_of(const char *prompt)
{
        for (size_t i = 0; i < mock_n_prompts; i++)
                if (strcmp(mock_prompts[i].prompt, prompt) == 0)
                        return &mock_prompts[i].taste;
        return NULL;
}

static double relevance(const struct mock_taste *taste, const struct mock_track *t)
{
        double best = 0.0;

        if ((taste->year_from && t->year < taste->year_from) || (taste->year_to && t->year > taste->year_to))
                return 0.0;
        for (size_t m = 0; m < 3 && (m == 0 || taste->moods[m]); m++)
                for (size_t g = 0; g < 3 && (g == 0 || taste->genres[g]); g++)
                        best = fmax(best, mock_world_relevance(t, taste->moods[m], taste->genres[g]));
        return best;
}

static int downwards(const void *pa, const void *pb)
{
        double a = *(const double *)pa, b = *(const double *)pb;

        return a > b ? -1 : a < b;
}

int mock_ideal_of(const struct mock_world *w, const struct mock_taste *taste, struct mock_ideal *ret)
{
        double *all = calloc(MOCK_TRACKS, sizeof(*all));
        size_t n = 0;

        if (!all)
                return -ENOMEM;
        for (size_t i = 0; i < MOCK_TRACKS; i++)
                if (w->tracks[i].version == MOCK_ORIGINAL)
                        all[n++] = relevance(taste, &w->tracks[i]);
        qsort(all, n, sizeof(*all), downwards);
        memcpy(ret->gain, all, sizeof(ret->gain));
        free(all);
        return 0;
}

double mock_ndcg(const struct mock_taste *taste, const struct mock_ideal *ideal, const struct mock_track *const *tracks, size_t n, size_t k)
{
        double gain = 0.0, most = 0.0;

        for (size_t i = 0; i < k && i < MOCK_JUDGED_MAX; i++) {
                most += ideal->gain[i] / log2((double)i + 2.0);
                if (i < n && tracks[i])
                        gain += relevance(taste, tracks[i]) / log2((double)i + 2.0);
        }
        return most > 0.0 ? gain / most : 0.0;
}
