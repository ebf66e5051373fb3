#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "flow/analysis.h"
#include "flow/assemble.h"
#include "flow/flow.h"
#include "flow/gather.h"
#include "flow/genres.h"
#include "flow/improve.h"
#include "flow/run.h"
#include "sched/sched.h"

static void run_done(struct rf_run *run)
{
        rf_upstream_end(run->flow->upstream, &run->turn);
        rf_pool_free(run->pool);
        rf_receipt_book_free(run->book);
        rf_arena_done(&run->arena);
}

static int run_begin(struct rf_run *run)
{
        rf_upstream_begin(run->flow->upstream, &run->turn, run->hooks->client);
        run->pool = rf_pool_new();
        run->book = rf_receipt_book_new();
        run->started_us = rf_now_us();
        run->deadline_us = run->hooks->deadline_us ? run->hooks->deadline_us : RF_FOREVER;
        return run->pool && run->book ? 0 : -ENOMEM;
}

/* Wishes beyond a limit, or that no provider can keep by what it tells: said before anything is asked. */
static void report_untold(struct rf_run *run, bool is_guess)
{
        const struct rf_brief *b = run->brief;
        char wish[128];

        if (is_guess && b->n_terms == 0 && b->n_mentions == 0)
                rf_receipt_unmet(run->book, "the whole wish", "nothing of it was understood; this is a general selection",
                                 "name a mood, a genre, an occasion or an artist");
        for (size_t i = 0; i < b->n_left_out; i++)
                rf_receipt_unmet(run->book, b->left_out[i].wish, b->left_out[i].why, b->left_out[i].relaxation);
        for (size_t i = 0; i < b->n_languages; i++) {
                snprintf(wish, sizeof(wish), "lyrics in %.40s", b->languages[i]);
                rf_receipt_unmet(run->book, wish, "no service tells the language of a track; its usual genres were searched", NULL);
        }
        for (size_t i = 0; i < b->n_excluded_regions; i++) {
                snprintf(wish, sizeof(wish), "nothing from %.60s", b->excluded_regions[i]);
                rf_receipt_unmet(run->book, wish, "no service tells where a track is from; its usual genres were left out", NULL);
        }
}

static int gather(struct rf_run *run)
{
        uint64_t start_us = rf_now_us();
        bool is_guess;
        int r;

        run->n_genres = rf_genres_of(run->brief, run->genres, &is_guess);
        report_untold(run, is_guess);
        rf_run_progress(run, RF_STEP_GATHER, 0, "looking into %zu %s", run->n_genres, run->n_genres == 1 ? "genre" : "genres");
        r = rf_gather(run);
        rf_receipt_time(run->book, RF_STEP_GATHER, rf_now_us() - start_us);
        if (r >= 0)
                rf_run_progress(run, RF_STEP_GENERATE, 0, "%zu anchors, %zu artists", run->n_anchors, run->n_matched);
        return r;
}

/* Which service failed, why, and when it may be asked again. */
static int explain(const struct rf_trouble *t, const char *what, char *message, size_t size)
{
        time_t until_s = (time_t)((t->until_us + USEC_PER_SEC - 1) / USEC_PER_SEC);
        int words = (int)strcspn(t->message, "\r\n");
        char until[48] = "";
        struct tm tm;

        while (words > 0 && t->message[words - 1] == ' ')
                words--;
        if (until_s > 0 && gmtime_r(&until_s, &tm))
                strftime(until, sizeof(until), "; try again after %Y-%m-%dT%H:%M:%SZ", &tm);
        snprintf(message, size, "%s: %s%s%s%s%.*s%s%s", what, t->provider ? t->provider : "", t->provider ? ": " : "", rf_strerror(t->error),
                 words > 0 ? " (" : "", words, t->message, words > 0 ? ")" : "", until);
        return t->error;
}

/* That there is nothing is no news of the music while a service that should know some can't be asked. */
static bool is_outage(int error)
{
        return error == -RF_EUPSTREAM || error == -RF_EOPEN || error == -RF_ERATE || error == -RF_EQUOTA || error == -RF_ELOGIN;
}

/* Nothing to play: because no service answered, or because nothing fits. */
static int nothing(const struct rf_run *run, char *message, size_t size)
{
        if (run->answered == 0 && run->trouble.error == -ETIMEDOUT) {
                snprintf(message, size, "no service has answered within the time that was given");
                return -ETIMEDOUT;
        }
        if (run->answered == 0 && run->trouble.error < 0)
                return explain(&run->trouble, "no service could be asked", message, size);
        if (run->answered == 0) {
                snprintf(message, size, "no service can search for tracks now");
                return -RF_EUNSUPPORTED;
        }
        if (rf_pool_size(run->pool) == 0 && is_outage(run->trouble.error))
                return explain(&run->trouble, "no track was found, and a service couldn't be asked", message, size);
        if (rf_pool_size(run->pool) == 0)
                snprintf(message, size, "no service knows any track for this wish");
        else
                snprintf(message, size, "none of the %zu tracks found fits everything that is wished", rf_pool_size(run->pool));
        return -RF_ENOTRACKS;
}

static int finish(struct rf_run *run, struct rf_brief **brief, const struct rf_choice *choice, const struct rf_evaluation *evaluation,
                  struct rf_playlist **ret)
{
        _cleanup_(rf_playlist_freep) struct rf_playlist *p = calloc(1, sizeof(*p));
        uint64_t start_us = rf_now_us();
        struct rf_quality quality;
        bool was_skipped;
        int r;

        if (!p)
                return -ENOMEM;
        rf_run_progress(run, RF_STEP_ORDER, choice->n, "ordering %zu tracks", choice->n);
        r = rf_assemble(run, choice, evaluation, p);
        if (r >= 0 && !p->receipt.ordering_was_skipped)
                r = rf_analysis_judge(run, RF_STEP_ORDER, RF_JUDGE_ORDER_BATCH);
        if (r >= 0 && !p->receipt.ordering_was_skipped)
                r = rf_analysis_judge(run, RF_STEP_ORDER, RF_JUDGE_ORDER);
        if (r < 0)
                return r;
        rf_constraints_report(run->pool, run->brief, choice, run->book);
        rf_run_report_cuts(run);
        rf_receipt_time(run->book, RF_STEP_ORDER, rf_now_us() - start_us);
        quality = p->receipt.quality;
        was_skipped = p->receipt.ordering_was_skipped;
        r = rf_receipt_finish(run->book, &p->arena, &p->receipt);
        if (r < 0)
                return r;
        p->receipt.quality = quality;
        p->receipt.ordering_was_skipped = was_skipped;
        p->receipt.passes = run->passes;
        p->receipt.total_us = rf_now_us() - run->started_us;
        p->title = rf_arena_strdup(&p->arena, run->brief->title ? run->brief->title : "Playlist");
        if (!p->title)
                return -ENOMEM;
        p->brief = TAKE_PTR(*brief);
        *ret = TAKE_PTR(p);
        return 0;
}

int rf_flow_recommend(const struct rf_flow *f, const struct rf_wish *wish, const struct rf_run_hooks *hooks,
                      struct rf_playlist **ret, char *message, size_t message_size)
{
        _cleanup_(rf_brief_freep) struct rf_brief *brief = NULL;
        _cleanup_(run_done) struct rf_run run = { .flow = f, .seed = wish->seed, .hooks = hooks };
        _cleanup_(rf_choice_done) struct rf_choice choice = { 0 };
        struct rf_evaluation evaluation;
        int r;

        if (message_size > 0)
                message[0] = '\0';
        r = run_begin(&run);
        if (r < 0)
                return r;
        r = rf_understand(f->lexicon, wish, &brief);
        if (r < 0)
                return r;
        run.brief = brief;
        r = rf_analysis_read(&run, brief);
        if (r < 0)
                return r;
        rf_receipt_time(run.book, RF_STEP_UNDERSTAND, rf_now_us() - run.started_us);
        r = gather(&run);
        if (r < 0)
                return r;
        r = rf_improve(&run, &choice, &evaluation);
        if (r < 0)
                return r;
        if (choice.n == 0)
                return nothing(&run, message, message_size);
        return finish(&run, &brief, &choice, &evaluation, ret);
}
