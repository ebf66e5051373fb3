#include "flow/receipt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "provider/provider.h"

enum { LINES_MAX = 64, SUMMARIES_MAX = 64 };

struct rf_receipt_book {
        struct rf_arena arena;
        struct rf_step_time steps[RF_STEP_COUNT];
        struct rf_skipped skipped[LINES_MAX];
        size_t n_skipped;
        struct rf_unmet unmet[LINES_MAX];
        size_t n_unmet;
        struct rf_call_summary summaries[SUMMARIES_MAX];
        enum rf_op summary_ops[SUMMARIES_MAX];
        size_t n_summaries;
        uint32_t calls, cache_hits, saved;
        bool is_short; /* of memory */
};

struct rf_receipt_book *rf_receipt_book_new(void)
{
        return calloc(1, sizeof(struct rf_receipt_book));
}

struct rf_receipt_book *rf_receipt_book_free(struct rf_receipt_book *k)
{
        if (k)
                rf_arena_done(&k->arena);
        free(k);
        return NULL;
}

uint32_t rf_receipt_calls(const struct rf_receipt_book *k)
{
        return k->calls;
}

static const char *copy(struct rf_receipt_book *k, struct rf_arena *arena, const char *s)
{
        const char *c = rf_arena_strdup(arena, s);

        if (s && !c && k)
                k->is_short = true;
        return c;
}

void rf_receipt_skip(struct rf_receipt_book *k, const char *what, const char *why, uint32_t count)
{
        if (count == 0)
                return;
        for (size_t i = 0; i < k->n_skipped; i++)
                if (strcmp(k->skipped[i].what, what) == 0 && strcmp(k->skipped[i].why, why) == 0) {
                        k->skipped[i].count += count;
                        return;
                }
        /* past the limit the last line stands for the rest */
        if (k->n_skipped == LINES_MAX) {
                k->skipped[LINES_MAX - 1] = (struct rf_skipped){ "more", "too many to list", k->skipped[LINES_MAX - 1].count + count };
                return;
        }
        what = copy(k, &k->arena, what);
        why = copy(k, &k->arena, why);
        if (what && why)
                k->skipped[k->n_skipped++] = (struct rf_skipped){ what, why, count };
}

void rf_receipt_unmet(struct rf_receipt_book *k, const char *wish, const char *why, const char *relaxation)
{
        for (size_t i = 0; i < k->n_unmet; i++)
                if (strcmp(k->unmet[i].wish, wish) == 0)
                        return;
        if (k->n_unmet == LINES_MAX) {
                rf_receipt_skip(k, "unmet wishes", "too many to list", 1);
                return;
        }
        wish = copy(k, &k->arena, wish);
        why = copy(k, &k->arena, why);
        if (wish && why)
                k->unmet[k->n_unmet++] = (struct rf_unmet){ wish, why, copy(k, &k->arena, relaxation) };
}

static struct rf_call_summary *summary_of(struct rf_receipt_book *k, const char *provider, enum rf_op op)
{
        size_t at;

        if (!provider)
                provider = "none";
        for (at = 0; at < k->n_summaries; at++) {
                if (k->summary_ops[at] == op && strcmp(k->summaries[at].provider, provider) == 0)
                        return &k->summaries[at];
                /* kept sorted, so that the order of completion doesn't show */
                if (k->summary_ops[at] > op || (k->summary_ops[at] == op && strcmp(k->summaries[at].provider, provider) > 0))
                        break;
        }
        if (k->n_summaries == SUMMARIES_MAX)
                return NULL;
        memmove(&k->summaries[at + 1], &k->summaries[at], (k->n_summaries - at) * sizeof(k->summaries[0]));
        memmove(&k->summary_ops[at + 1], &k->summary_ops[at], (k->n_summaries - at) * sizeof(k->summary_ops[0]));
        k->n_summaries++;
        k->summary_ops[at] = op;
        k->summaries[at] = (struct rf_call_summary){ .provider = provider, .operation = rf_op_name(op) };
        return &k->summaries[at];
}

void rf_receipt_call(struct rf_receipt_book *k, enum rf_step step, const struct rf_call_record *r)
{
        struct rf_call_summary *s = summary_of(k, r->provider, r->op);
        bool is_hit = r->cache == RF_CACHE_HIT || r->cache == RF_CACHE_STALE || r->cache == RF_CACHE_NEGATIVE;
        bool is_call = !is_hit && !r->coalesced && r->provider && (r->attempts > 0 || r->error == 0);

        if (is_hit) {
                k->cache_hits++;
                k->steps[step].cache_hits++;
        }
        if (is_hit || r->coalesced)
                k->saved++;
        if (is_call) {
                k->calls++;
                k->steps[step].calls++;
        }
        if (!s)
                return;
        s->calls += is_call;
        s->cache_hits += is_hit;
        s->coalesced += r->coalesced;
        s->failures += r->error < 0 && r->error != -ECANCELED;
        s->upstream_us += r->upstream_us;
}

void rf_receipt_time(struct rf_receipt_book *k, enum rf_step step, uint64_t us)
{
        k->steps[step].total_us += us;
}

int rf_receipt_finish(const struct rf_receipt_book *k, struct rf_arena *arena, struct rf_receipt *ret)
{
        struct rf_receipt receipt = { .calls = k->calls, .cache_hits = k->cache_hits, .saved = k->saved };
        struct rf_skipped *skipped = rf_arena_array(arena, k->n_skipped, sizeof(*skipped));
        struct rf_unmet *unmet = rf_arena_array(arena, k->n_unmet, sizeof(*unmet));
        struct rf_call_summary *summaries = rf_arena_array(arena, k->n_summaries, sizeof(*summaries));

        if (k->is_short || !skipped || !unmet || !summaries)
                return -ENOMEM;
        for (size_t i = 0; i < k->n_skipped; i++) {
                skipped[i] = (struct rf_skipped){ copy(NULL, arena, k->skipped[i].what), copy(NULL, arena, k->skipped[i].why),
                                                  k->skipped[i].count };
                if (!skipped[i].what || !skipped[i].why)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < k->n_unmet; i++) {
                unmet[i] = (struct rf_unmet){ copy(NULL, arena, k->unmet[i].wish), copy(NULL, arena, k->unmet[i].why),
                                              copy(NULL, arena, k->unmet[i].relaxation) };
                if (!unmet[i].wish || !unmet[i].why || (k->unmet[i].relaxation && !unmet[i].relaxation))
                        return -ENOMEM;
        }
        memcpy(receipt.steps, k->steps, sizeof(receipt.steps));
        if (k->n_summaries > 0)
                memcpy(summaries, k->summaries, k->n_summaries * sizeof(*summaries));
        receipt.skipped = skipped;
        receipt.n_skipped = k->n_skipped;
        receipt.unmet = unmet;
        receipt.n_unmet = k->n_unmet;
        receipt.by_operation = summaries;
        receipt.n_by_operation = k->n_summaries;
        *ret = receipt;
        return 0;
}
