#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/random.h"
#include "provider/answer.h"
#include "provider/host.h"
#include "provider/provider.h"
#include "sched/sched.h"
#include "upstream/upstream.h"

#define LIBS TEST_BUILDDIR "/.libs/"

static struct rf_providers *all;
static char message[512];

static int open_all(void **state)
{
        (void)state;
        return rf_providers_new(TEST_BUILDDIR "/.libs", &all);
}

static int close_all(void **state)
{
        (void)state;
        rf_providers_free(all);
        return 0;
}

static int load(const char *name, const char *plugin)
{
        message[0] = '\0';
        return rf_providers_load(all, &(struct rf_provider_config){ .name = name, .plugin = plugin }, message, sizeof(message));
}

/* ---- Descriptors ---- */

static void each_mistake_is_refused_with_its_reason_and_the_others_go_on(void **state)
{
        static const struct {
                const char *plugin, *words;
        } mistakes[] = {
                { "misbehaving_magic", "magic number is deadbeef" }, { "misbehaving_major", "built for plugin interface 2.1" },
                { "misbehaving_minor", "built for plugin interface 1.2" }, { "misbehaving_short", "24 bytes long" },
                { "misbehaving_no_operations", "declares no operation" }, { "misbehaving_no_parse", "lacks its parse function" },
                { "misbehaving_no_symbol", "doesn't export" }, { "misbehaving_name", "its name must be" },
                { "misbehaving_open", "could not be opened: Input/output error" }, { "misbehaving_no_way", "neither a base address nor a transport" },
                { "misbehaving_timeout", "timeout of 0 ms; allowed: 1 to" }, { "misbehaving_twice", "declared twice" },
                { "misbehaving_ways", "declared in more than 2 ways" }, { "misbehaving_classes", "more than 8 pacing classes" },
                { "misbehaving_auth", "logging in is incomplete" },
                { "misbehaving_operation_size", "8 bytes long; this daemon needs" }, { "misbehaving_operation_number", "unknown number 99" },
                { "misbehaving_option", "option 0 is incomplete" },
        };
        char file[64], name[16];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
                const struct rf_provider *p;

                snprintf(file, sizeof(file), "%s.so", mistakes[i].plugin);
                snprintf(name, sizeof(name), "bad%zu", i);
                if (load(name, file) != -RF_EPLUGIN)
                        fail_msg("%s was loaded", file);
                if (!strstr(message, mistakes[i].words) || !(strstr(message, mistakes[i].plugin) || strstr(message, name)))
                        fail_msg("%s: \"%s\" lacks \"%s\"", file, message, mistakes[i].words);
                p = rf_providers_find(all, name);
                assert_non_null(p);
                assert_string_equal(rf_provider_problem(p), message);
                assert_null(rf_provider_operation(p, RF_OP_SEARCH_TRACKS));
                if (i + 1 == RF_PLUGINS_MAX - 1)
                        break;
        }
        assert_int_equal(load("good", LIBS "misbehaving_not.so"), 0);
        assert_null(rf_provider_problem(rf_providers_find(all, "good")));
}

static void more_providers_than_allowed_are_refused(void **state)
{
        char name[16];
        int r = 0;

        (void)state;
        for (unsigned i = 0; i <= RF_PLUGINS_MAX && r >= 0; i++) {
                snprintf(name, sizeof(name), "p%u", i);
                r = load(name, "misbehaving_not.so");
        }
        assert_true(r < 0);
        assert_int_equal(rf_providers_count(all), RF_PLUGINS_MAX);
}

/* ---- Files ---- */

static void copy_file(const char *from, const char *to, mode_t mode)
{
        char command[512];

        snprintf(command, sizeof(command), "cp %s %s", from, to);
        assert_int_equal(system(command), 0);
        assert_int_equal(chmod(to, mode), 0);
}

static void a_file_is_judged_before_it_is_opened(void **state)
{
        char directory[] = "/tmp/recflow-loader-XXXXXX", path[128];
        FILE *f;

        (void)state;
        assert_non_null(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/p.so", directory);
        assert_int_equal(load("absent", path), -RF_EPLUGIN);
        assert_non_null(strstr(message, "No such file"));
        copy_file(LIBS "misbehaving_not.so", path, 0666);
        assert_int_equal(load("writable", path), -RF_EPLUGIN);
        assert_non_null(strstr(message, "chmod go-w"));
        assert_int_equal(chmod(path, 0644), 0);
        assert_int_equal(chmod(directory, 0777), 0);
        assert_int_equal(load("open", path), -RF_EPLUGIN);
        assert_non_null(strstr(message, "directory"));
        assert_int_equal(chmod(directory, 0755), 0);
        if (geteuid() == 0) {
                assert_int_equal(chown(path, 65534, 65534), 0);
                assert_int_equal(load("foreign", path), -RF_EPLUGIN);
                assert_non_null(strstr(message, "belongs to user 65534"));
                assert_int_equal(chown(path, 0, 0), 0);
        }
        assert_int_equal(load("fine", path), 0);
        unlink(path);
        snprintf(path, sizeof(path), "%s/text.so", directory);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs("text", f);
        fclose(f);
        assert_int_equal(load("text", path), -RF_EPLUGIN);
        assert_non_null(strstr(message, "text.so"));
        assert_int_equal(load("directory", directory), -RF_EPLUGIN);
        assert_non_null(strstr(message, "not a regular file"));
        assert_int_equal(load("relative", "../x/p.so"), -RF_EPLUGIN);
        assert_non_null(strstr(message, "absolute path"));
        unlink(path);
        rmdir(directory);
}

/* ---- Options ---- */

static int load_with(const char *option, const char *value)
{
        struct rf_provider_config c = { .name = option, .plugin = "misbehaving_not.so", .n_options = 1 };
        int r;

        c.options = calloc(1, sizeof(*c.options));
        c.options[0].name = option;
        c.options[0].value = value;
        c.options[0].where = "/etc/x.conf:12";
        message[0] = '\0';
        r = rf_providers_load(all, &c, message, sizeof(message));
        free(c.options);
        return r;
}

static void an_option_that_is_wrong_names_its_place_and_what_is_allowed(void **state)
{
        (void)state;
        assert_int_equal(load_with("speed", "10"), -RF_ECONFIG);
        assert_non_null(strstr(message, "/etc/x.conf:12"));
        assert_non_null(strstr(message, "1 to 9"));
        assert_int_equal(load_with("sped", "5"), -RF_ECONFIG);
        assert_non_null(strstr(message, "speed"));
}

/* ---- Answers ---- */

struct asking {
        const char *text;
        struct rf_answer *answer;
        int r;
};

static int ask_main(void *arg)
{
        struct asking *a = arg;
        struct rf_upstream *u = NULL;
        struct rf_query q = { .op = RF_OP_SEARCH_TRACKS, .text = a->text, .limit = 10 };
        struct rf_caller caller = { .deadline_us = RF_FOREVER };
        int r = rf_upstream_new(&(struct rf_upstream_options){ .concurrency = 4, .seed = 1, .refusal_us = 1 }, all, NULL, &u);

        a->r = r < 0 ? r : rf_upstream_call(u, &caller, &q, &a->answer);
        rf_upstream_free(u);
        return 0;
}

static struct asking ask(const char *text)
{
        struct asking a = { .text = text };
        struct rf_sched *s = NULL;

        assert_int_equal(load("misbehaving", "misbehaving_not.so"), 0);
        assert_int_equal(rf_sched_new(&(struct rf_sched_options){ .virtual_clock = true, .virtual_wall_us = 1 }, &s), 0);
        assert_int_equal(rf_sched_run(s, ask_main, &a), 0);
        rf_sched_free(s);
        return a;
}

static void hostile_records_are_left_out_or_repaired_and_counted(void **state)
{
        struct asking a = ask("x");

        (void)state;
        assert_int_equal(a.r, 0);
        assert_string_equal(a.answer->tracks[0].id, "good");
        assert_string_equal(a.answer->tracks[a.answer->n_tracks - 1].id, "last");
        assert_true(a.answer->n_refused >= 4);
        assert_int_equal(a.answer->n_tracks + a.answer->n_refused, 12);
        for (size_t i = 0; i < a.answer->n_tracks; i++) {
                const struct rf_track *t = &a.answer->tracks[i];

                assert_non_null(t->id);
                assert_non_null(t->title);
                assert_true(strlen(t->title) <= RF_RECORD_STRING_MAX && strlen(t->id) <= RF_RECORD_STRING_MAX);
                assert_true(t->popularity >= -1 && t->popularity <= 100);
                assert_true(t->n_artists <= RF_RECORD_ARTISTS_MAX);
                for (unsigned f = 0; f < RF_FEATURE_COUNT; f++)
                        if (t->features.has & RF_FEATURE_BIT(f))
                                assert_true(t->features.value[f] >= -60.f && t->features.value[f] <= 250.f);
                if (t->features.has & RF_FEATURE_BIT(RF_FEATURE_ENERGY))
                        assert_true(t->features.value[RF_FEATURE_ENERGY] <= 1.f);
        }
        rf_answer_unref(a.answer);
}

static void a_flood_of_records_ends_at_the_limit(void **state)
{
        struct asking a = ask("flood");

        (void)state;
        assert_int_equal(a.r, 0);
        assert_true(a.answer->n_tracks > 0 && a.answer->n_tracks <= RF_ANSWER_RECORDS_MAX);
        rf_answer_unref(a.answer);
}

static void a_request_beyond_its_limit_is_never_made(void **state)
{
        struct asking a = ask("huge");

        (void)state;
        assert_true(a.r < 0);
        assert_null(a.answer);
}

static struct rf_answer *sample_answer(void)
{
        struct rf_artist_ref artists[2] = { { "1", "Ä" }, { NULL, "Bo" } };
        struct rf_track t = { .id = "id", .title = "Title", .artists = artists, .n_artists = 2, .isrc = "USABC1234567", .duration_ms = 1000,
                              .popularity = 7, .is_explicit = 1, .release_year = 1999 };
        struct rf_answer *a = NULL;
        struct rf_sink *s = NULL;

        t.features.has = RF_FEATURE_BIT(RF_FEATURE_TEMPO);
        t.features.value[RF_FEATURE_TEMPO] = 120.f;
        assert_int_equal(rf_sink_new("misbehaving", RF_OP_SEARCH_TRACKS, 10, &s), 0);
        for (int i = 0; i < 5; i++)
                assert_int_equal(rf_sink_track(s, &t), 0);
        assert_int_equal(rf_sink_finish(s, &a), 0);
        rf_sink_free(s);
        return a;
}

static void stored_answers_come_back_the_same_and_damage_never_crashes(void **state)
{
        struct rf_answer *a = sample_answer(), *b = NULL;
        struct rf_buf stored = RF_BUF_INIT, again = RF_BUF_INIT;
        struct rf_random random;

        (void)state;
        a->took_ms = 43210;
        assert_int_equal(rf_answer_encode(a, &stored), 0);
        assert_int_equal(rf_answer_decode("misbehaving", stored.data, stored.size, &b), 0);
        assert_int_equal(b->took_ms, 43210);
        assert_int_equal(rf_answer_encode(b, &again), 0);
        assert_int_equal(stored.size, again.size);
        assert_memory_equal(stored.data, again.data, stored.size);
        rf_answer_unref(b);
        for (size_t n = 0; n < stored.size; n++) {
                b = NULL;
                assert_true(rf_answer_decode("misbehaving", stored.data, n, &b) < 0);
        }
        rf_random_seed(&random, 3);
        for (unsigned i = 0; i < 20000; i++) {
                size_t at = rf_random_below(&random, (uint32_t)stored.size);
                char old = stored.data[at];

                stored.data[at] = (char)(old ^ (1 << rf_random_below(&random, 8)));
                b = NULL;
                if (rf_answer_decode("misbehaving", stored.data, stored.size, &b) >= 0)
                        rf_answer_unref(b);
                stored.data[at] = old;
        }
        /* what was stored before answers had their time: the same without it */
        memmove(stored.data + 2, stored.data + 6, stored.size - 6);
        stored.data[0] = 1;
        assert_int_equal(rf_answer_decode("misbehaving", stored.data, stored.size - 4, &b), 0);
        assert_true(b->took_ms == 0 && b->n_tracks == a->n_tracks);
        rf_answer_unref(b);
        rf_buf_done(&stored);
        rf_buf_done(&again);
        rf_answer_unref(a);
}

/* ---- The documentation's example ---- */

static void the_example_builds_requests_and_parses_answers(void **state)
{
        static const char body[] = "{\"tracks\":[{\"id\":\"17\",\"title\":\"Rain\",\"by\":\"Ada\",\"seconds\":201.5},{\"id\":5}]}";
        static const char *const ids[] = { "17", "18" };
        struct rf_query search = { .op = RF_OP_SEARCH_TRACKS, .text = "a b&c", .limit = 5 },
                        sound = { .op = RF_OP_AUDIO_FEATURES, .ids = ids, .n_ids = 2 };
        struct rf_response response = { .size = sizeof(response), .status = 200, .body = body, .body_size = sizeof(body) - 1 };
        struct rf_provider_config c = { .name = "tunebox", .plugin = "tunebox.so", .n_options = 1 };
        struct rf_request_builder *b = rf_request_new("https://api.tunebox.example");
        const struct rf_request *request;
        const struct rf_operation *o;
        struct rf_verdict verdict = { 0 };
        struct rf_answer *a = NULL;
        struct rf_sink *s = NULL;
        struct rf_provider *p;

        (void)state;
        c.options = calloc(1, sizeof(*c.options));
        c.options[0].name = "api_key";
        c.options[0].value = "secret";
        c.options[0].where = "test";
        if (rf_providers_load(all, &c, message, sizeof(message)) < 0)
                fail_msg("%s", message);
        free(c.options);
        p = rf_providers_find(all, "tunebox");
        o = rf_provider_operation(p, RF_OP_SEARCH_TRACKS);
        assert_int_equal(o->build(rf_provider_instance(p), &search, b), 0);
        assert_int_equal(rf_request_finish(b, &request), 0);
        assert_string_equal(request->url, "https://api.tunebox.example/v1/tracks?limit=5&q=a%20b%26c");
        assert_string_equal(request->headers[0].value, "secret");
        rf_request_free(b);

        assert_int_equal(rf_sink_new("tunebox", RF_OP_SEARCH_TRACKS, 10, &s), 0);
        assert_int_equal(o->parse(rf_provider_instance(p), &search, &response, s), 0);
        assert_int_equal(rf_sink_finish(s, &a), 0);
        assert_int_equal(a->n_tracks, 1);
        assert_int_equal(a->n_refused, 1);
        assert_int_equal(a->tracks[0].duration_ms, 201500);
        rf_answer_unref(a);
        response.body = "[]";
        response.body_size = 2;
        assert_int_equal(o->parse(rf_provider_instance(p), &search, &response, s), -EBADMSG);
        rf_sink_free(s);

        o = rf_provider_operation(p, RF_OP_AUDIO_FEATURES);
        b = rf_request_new("https://api.tunebox.example");
        assert_int_equal(o->build(rf_provider_instance(p), &sound, b), 0);
        assert_int_equal(rf_request_finish(b, &request), 0);
        assert_string_equal(request->url, "https://api.tunebox.example/v1/sound?ids=17%2C18");
        rf_request_free(b);
        response.body = "{\"17\":{\"energy\":80,\"bpm\":120},\"18\":{\"energy\":900}}";
        response.body_size = strlen(response.body);
        assert_int_equal(rf_sink_new("tunebox", RF_OP_AUDIO_FEATURES, 10, &s), 0);
        assert_int_equal(o->parse(rf_provider_instance(p), &sound, &response, s), 0);
        assert_int_equal(rf_sink_finish(s, &a), 0);
        assert_true(a->n_features >= 1);
        assert_true(a->features[0].features.value[RF_FEATURE_ENERGY] == .8f);
        rf_answer_unref(a);
        rf_sink_free(s);
        response.status = 402;
        assert_int_equal(rf_provider_plugin(p)->classify(rf_provider_instance(p), RF_OP_SEARCH_TRACKS, &response, &verdict), 0);
        assert_int_equal(verdict.outcome, RF_OUTCOME_QUOTA);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

int main(void)
{
        const struct CMUnitTest tests[] = {
                FRESH(each_mistake_is_refused_with_its_reason_and_the_others_go_on),
                FRESH(more_providers_than_allowed_are_refused),
                FRESH(a_file_is_judged_before_it_is_opened),
                FRESH(an_option_that_is_wrong_names_its_place_and_what_is_allowed),
                FRESH(hostile_records_are_left_out_or_repaired_and_counted),
                FRESH(a_flood_of_records_ends_at_the_limit),
                FRESH(a_request_beyond_its_limit_is_never_made),
                FRESH(stored_answers_come_back_the_same_and_damage_never_crashes),
                FRESH(the_example_builds_requests_and_parses_answers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
