#include "judgements.h"

#include <stddef.h>
#include <string.h>

#define MILLISECOND UINT64_C(1000)

static const struct {
        const char *about;
        uint64_t us;
} judgements[] = {
        { "intent", 3000 * MILLISECOND },         { "mood", 3100 * MILLISECOND },          { "mentions", 1000 * MILLISECOND },
        { "candidates", 10600 * MILLISECOND },    { "anchor_strategy", 2000 * MILLISECOND }, { "anchor_scores", 3900 * MILLISECOND },
        { "anchors", 2300 * MILLISECOND },        { "artists", 5900 * MILLISECOND },       { "seeds", 2400 * MILLISECOND },
        { "evaluation", 3300 * MILLISECOND },     { "strategy", 6200 * MILLISECOND },      { "order_batch", 8600 * MILLISECOND },
        { "order", 5300 * MILLISECOND },
};

uint64_t mock_judgement_us(const char *about)
{
        for (size_t i = 0; about && i < sizeof(judgements) / sizeof(judgements[0]); i++)
                if (strcmp(judgements[i].about, about) == 0)
                        return judgements[i].us;
        return 3000 * MILLISECOND;
}
