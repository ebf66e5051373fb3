#include "test.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "flow/lexicon.h"
#include "flow/understand.h"
#include "judge.h"
#include "sim/bound.h"
#include "sim/families.h"
#include "sim/nearest.h"
#include "sim/setup.h"
#include "sim/statistics.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

/* ---- Statistics ---- */

static void percentiles_lie_between_ranks(void **state)
{
        double five[] = { 50, 10, 40, 20, 30 }, one[] = { 7 };

        (void)state;
        NEAR(sim_percentile(five, 5, 50), 30);
        NEAR(sim_percentile(five, 5, 0), 10);
        NEAR(sim_percentile(five, 5, 100), 50);
        NEAR(sim_percentile(five, 5, 95), 48);
        NEAR(sim_percentile(one, 1, 99), 7);
        NEAR(sim_percentile(NULL, 0, 50), 0);
        NEAR(sim_mean(five, 5), 30);
        NEAR(sim_mean(NULL, 0), 0);
}

static void intervals_hold_the_mean_and_are_the_same_each_time(void **state)
{
        double differences[40];
        size_t subjects[40];
        struct sim_interval a, b, c;

        (void)state;
        for (size_t i = 0; i < 40; i++) {
                differences[i] = 0.1 + ((double)(i % 7) - 3) * 0.01;
                subjects[i] = i % 10;
        }
        assert_int_equal(sim_paired_interval(differences, subjects, 40, 10, 1, &a), 0);
        assert_int_equal(sim_paired_interval(differences, subjects, 40, 10, 1, &b), 0);
        assert_int_equal(sim_paired_interval(differences, subjects, 40, 10, 2, &c), 0);
        assert_memory_equal(&a, &b, sizeof(a));
        assert_true(a.low < a.mean && a.mean < a.high);
        assert_true(a.low > 0.05 && a.high < 0.15);
        assert_true(c.low != a.low || c.high != a.high);
}

static void many_runs_of_one_prompt_count_as_one(void **state)
{
        /* nine runs of one subject say no more than one: the mean is that of the subjects */
        double differences[10] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 0 };
        size_t subjects[10] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
        struct sim_interval v;

        (void)state;
        assert_int_equal(sim_paired_interval(differences, subjects, 10, 2, 1, &v), 0);
        NEAR(v.mean, 0.5);
        NEAR(v.low, 0.0);
        NEAR(v.high, 1.0);
}

/* ---- Names ---- */

static void the_nearest_name_is_offered_if_it_is_near(void **state)
{
        struct sim_nearest n = { 0 };
        char buf[160];

        (void)state;
        sim_nearest_offer(&n, "upstream.retrys", "upstream.refusal");
        sim_nearest_offer(&n, "upstream.retrys", "upstream.retries");
        sim_nearest_offer(&n, "upstream.retrys", "cache.size");
        assert_string_equal(sim_nearest_text(&n, "upstream.retrys", buf, sizeof(buf)), ", did you mean upstream.retries?");
        n = (struct sim_nearest){ 0 };
        sim_nearest_offer(&n, "xyzzy", "coalesce");
        assert_string_equal(sim_nearest_text(&n, "xyzzy", buf, sizeof(buf)), "");
}

static struct sim_setup *new_setup(void)
{
        struct sim_setup *s = NULL;
        char message[512] = "";

        assert_int_equal(sim_setup_new(sim_model_find("mock"), TEST_BUILDDIR "/.libs", &s, message, sizeof(message)), 0);
        return s;
}

static void overrides_set_what_they_name(void **state)
{
        struct sim_setup *s = new_setup();
        struct rf_optimizations set = rf_optimizations_full();
        const struct rf_provider_config *c;
        char message[512] = "";
        bool is_found = false;

        (void)state;
        assert_int_equal(sim_setup_get(s, RF_SET_UPSTREAM_RETRIES)->integer, 2);
        assert_int_equal(sim_setup_override(s, "upstream.retries=4", message, sizeof(message)), 0);
        assert_int_equal(sim_setup_get(s, RF_SET_UPSTREAM_RETRIES)->integer, 4);
        assert_int_equal(sim_setup_override(s, "optimizations.coalesce=off", message, sizeof(message)), 0);
        set = sim_setup_optimizations(s, set);
        assert_false(rf_is_on(&set, RF_OPT_COALESCE));
        assert_true(rf_is_on(&set, RF_OPT_PARALLEL_ARTISTS));
        assert_int_equal(sim_setup_override(s, "provider.mock.latency=3s", message, sizeof(message)), 0);
        c = sim_setup_provider(s, 0);
        for (size_t i = 0; i < c->n_options; i++)
                is_found |= strcmp(c->options[i].name, "latency") == 0 && strcmp(c->options[i].value, "3s") == 0;
        assert_true(is_found);
        sim_setup_free(s);
}

static void wrong_overrides_are_named(void **state)
{
        static const struct {
                const char *assignment, *words;
        } wrong[] = {
                { "upstream.retrys=3", "did you mean upstream.retries?" },
                { "optimizations.coalesc=on", "did you mean optimizations.coalesce?" },
                { "provider.mock.latenci=1s", "did you mean provider.mock.latency?" },
                { "provider.spotify.rate=1", "there is no option provider.spotify.rate" }, /* not in this model */
                { "upstream.retries=99", "0 to 5" },
                { "optimizations.coalesce=maybe", "yes or no" },
                { "provider.mock.latency=soon", "such as" },
                { "retries=3", "there is no option retries" },
                { "upstream.retries", "NAME=VALUE" },
                { "=3", "NAME=VALUE" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                struct sim_setup *s = new_setup();
                char message[512] = "";

                assert_int_equal(sim_setup_override(s, wrong[i].assignment, message, sizeof(message)), -RF_ECONFIG);
                if (!strstr(message, wrong[i].words))
                        print_message("# %s: %s\n", wrong[i].assignment, message);
                assert_non_null(strstr(message, wrong[i].words));
                sim_setup_free(s);
        }
}

/* ---- Bounds ---- */

static struct sim_call call_at(const char *provider, enum rf_op op, uint64_t start_ms, uint64_t wait_ms, uint64_t latency_ms)
{
        return (struct sim_call){ provider, op, start_ms * 1000, (start_ms + wait_ms + latency_ms) * 1000, latency_ms * 1000 };
}

static uint64_t bound_ms(const struct sim_call *calls, size_t n, const struct sim_allowance *a, size_t n_a)
{
        uint64_t us;

        assert_int_equal(sim_bound_us(calls, n, a, n_a, &us), 0);
        return us / 1000;
}

static void a_chain_is_of_calls_that_need_each_other(void **state)
{
        const struct sim_call calls[] = {
                call_at("s", RF_OP_SEARCH_TRACKS, 0, 0, 300),        call_at("s", RF_OP_SEARCH_ARTISTS, 0, 0, 200),
                call_at("s", RF_OP_ARTIST_TOP_TRACKS, 300, 0, 250),  call_at("s", RF_OP_ARTIST_TOP_TRACKS, 550, 0, 100),
                call_at("r", RF_OP_AUDIO_FEATURES, 700, 500, 100),   call_at("r", RF_OP_RECOMMENDATIONS, 1300, 0, 200),
                call_at("r", RF_OP_AUDIO_FEATURES, 1500, 0, 100),    call_at("s", RF_OP_ARTIST_TOP_TRACKS, 1600, 0, 90),
        };

        (void)state;
        /* the second artist waited for a place only; tracks of a genre help nobody to find an artist's */
        assert_int_equal(bound_ms(calls, 4, NULL, 0), 450);
        assert_int_equal(bound_ms(calls, 5, NULL, 0), 550); /* the wait for the pace is no latency */
        assert_int_equal(bound_ms(calls, 7, NULL, 0), 850);
        assert_int_equal(bound_ms(calls, 8, NULL, 0), 940); /* only what was recommended told that more is needed */
        assert_int_equal(bound_ms(NULL, 0, NULL, 0), 0);
}

static void limits_bind_from_the_first_call_that_could_go(void **state)
{
        const struct sim_allowance pace = { .provider = "r", .rate_per_s = 2, .burst = 1 }, window = { "r", 2, 1000000, 0, 0 };
        const struct sim_call calls[] = {
                call_at("s", RF_OP_SEARCH_TRACKS, 0, 0, 200),       call_at("r", RF_OP_AUDIO_FEATURES, 200, 0, 100),
                call_at("r", RF_OP_AUDIO_FEATURES, 200, 500, 150),  call_at("r", RF_OP_AUDIO_FEATURES, 200, 1000, 120),
        };

        (void)state;
        assert_int_equal(sim_allowance_us(&pace, 3), 1000000);
        assert_int_equal(sim_allowance_us(&pace, 1), 0);
        assert_int_equal(sim_allowance_us(&window, 2), 0);
        assert_int_equal(sim_allowance_us(&window, 3), 1000000);
        assert_int_equal(sim_allowance_us(&window, 5), 2000000);
        assert_int_equal(bound_ms(calls, 4, NULL, 0), 350);
        assert_int_equal(bound_ms(calls, 4, &pace, 1), 1300); /* after the search; whichever of them is the last takes 100 ms at least */
        assert_int_equal(bound_ms(calls, 4, &window, 1), 1300);
        assert_int_equal(bound_ms(calls, 4, &(struct sim_allowance){ .provider = "s", .rate_per_s = .01, .burst = 1 }, 1), 350);
}

/* ---- Families ---- */

/* Those who asked before must not have asked the same: otherwise hits would say nothing. */
static void related_prompts_are_other_wishes(void **state)
{
        struct rf_lexicon *lexicon = NULL;
        char message[256];

        (void)state;
        assert_int_equal(rf_lexicon_load(TEST_SRCDIR "/data", &lexicon, message, sizeof(message)), 0);
        for (size_t i = 0; i < mock_n_prompts; i++) {
                const struct sim_family *family = sim_family_of(mock_prompts[i].prompt);
                struct rf_brief *own = NULL, *other = NULL;

                assert_non_null(family);
                assert_int_equal(rf_understand(lexicon, &(struct rf_wish){ .prompt = mock_prompts[i].prompt }, &own), 0);
                for (size_t k = 0; k < SIM_FAMILY_MAX; k++) {
                        bool differs;

                        assert_int_equal(rf_understand(lexicon, &(struct rf_wish){ .prompt = family->related[k] }, &other), 0);
                        differs = memcmp(own->targets, other->targets, sizeof(own->targets)) != 0 || own->n_genres != other->n_genres ||
                                  own->year_from != other->year_from;
                        for (size_t g = 0; g < MIN(own->n_genres, other->n_genres) && !differs; g++)
                                differs = strcmp(own->genres[g].name, other->genres[g].name) != 0;
                        if (!differs)
                                fail_msg("%s is the same wish as %s", family->related[k], family->prompt);
                        other = rf_brief_free(other);
                }
                rf_brief_free(own);
        }
        assert_null(sim_family_of("nobody's prompt"));
        rf_lexicon_free(lexicon);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(percentiles_lie_between_ranks),
                cmocka_unit_test(intervals_hold_the_mean_and_are_the_same_each_time),
                cmocka_unit_test(many_runs_of_one_prompt_count_as_one),
                cmocka_unit_test(the_nearest_name_is_offered_if_it_is_near),
                cmocka_unit_test(overrides_set_what_they_name),
                cmocka_unit_test(wrong_overrides_are_named),
                cmocka_unit_test(a_chain_is_of_calls_that_need_each_other),
                cmocka_unit_test(limits_bind_from_the_first_call_that_could_go),
                cmocka_unit_test(related_prompts_are_other_wishes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
