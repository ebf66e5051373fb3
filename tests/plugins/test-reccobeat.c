#include "translator.h"

static const char *const ids[] = { "2f2c53bc-6ad5-4bdc-9f0a-b6aa9a0e4b1c", "11dFghVXANMlKmJXsNCbNl" };

static void every_operation_builds_its_request(void **state)
{
        static const char *many[41];
        struct rf_query recommend = { .op = RF_OP_RECOMMENDATIONS, .seeds = ids, .n_seeds = 2, .negative_seeds = ids, .n_negative_seeds = 2,
                                      .limit = 30 };

        (void)state;
        translator_open("reccobeat", "share_spotify_ids", "yes");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_SEARCH_ARTISTS, .text = "ada", .limit = 10, .offset = 20 }),
                            "GET /artist/search?page=2&searchText=ada&size=10");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_SEARCH_ARTISTS, .genre = "pop" }), "");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_ARTIST_TOP_TRACKS, .ids = ids, .n_ids = 1, .limit = 500 }),
                            "GET /artist/2f2c53bc-6ad5-4bdc-9f0a-b6aa9a0e4b1c/track?size=50");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_ARTIST_TOP_TRACKS, .ids = ids + 1, .n_ids = 1 }), "");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_TRACKS, .ids = ids, .n_ids = 2 }),
                            "GET /track?ids=2f2c53bc-6ad5-4bdc-9f0a-b6aa9a0e4b1c,11dFghVXANMlKmJXsNCbNl");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_AUDIO_FEATURES, .ids = ids, .n_ids = 1 }),
                            "GET /audio-features?ids=2f2c53bc-6ad5-4bdc-9f0a-b6aa9a0e4b1c");
        assert_string_equal(translator_build(&recommend), /* fewer negative seeds than seeds */
                            "GET /track/recommendation?negativeSeeds=2f2c53bc-6ad5-4bdc-9f0a-b6aa9a0e4b1c"
                            "&seeds=2f2c53bc-6ad5-4bdc-9f0a-b6aa9a0e4b1c,11dFghVXANMlKmJXsNCbNl&size=30");
        recommend.n_seeds = 1;
        recommend.limit = 1000;
        recommend.target = (struct rf_features){ .has = RF_FEATURE_BIT(RF_FEATURE_ENERGY) | RF_FEATURE_BIT(RF_FEATURE_MODE),
                                                 .value = { [RF_FEATURE_ENERGY] = .5f, [RF_FEATURE_MODE] = 1 } };
        recommend.weight = (struct rf_features){ .has = RF_FEATURE_BIT(RF_FEATURE_ENERGY), .value = { [RF_FEATURE_ENERGY] = 1 } };
        assert_string_equal(translator_build(&recommend), "GET /track/recommendation?energy=0.5000&featureWeight=5&mode=1"
                                                          "&seeds=2f2c53bc-6ad5-4bdc-9f0a-b6aa9a0e4b1c&size=100");
        recommend.n_seeds = 0;
        assert_string_equal(translator_build(&recommend), "");
        for (size_t i = 0; i < ARRAY_SIZE(many); i++)
                many[i] = ids[0];
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_TRACKS, .ids = many, .n_ids = 41 }), "");
        assert_string_not_equal(translator_build(&(struct rf_query){ .op = RF_OP_TRACKS, .ids = many, .n_ids = 40 }), "");
        recommend.seeds = many;
        recommend.n_seeds = 6;
        assert_string_equal(translator_build(&recommend), "");
}

static void records_carry_spotifys_id_and_the_isrc(void **state)
{
        struct rf_answer *a;

        (void)state;
        translator_open("reccobeat", NULL, NULL);
        for (size_t i = 0; i < 3; i++) {
                a = translator_parse(((const enum rf_op[]){ RF_OP_TRACKS, RF_OP_RECOMMENDATIONS, RF_OP_ARTIST_TOP_TRACKS })[i],
                                     "reccobeat-tracks");
                assert_int_equal(a->n_tracks, 3);
                assert_string_equal(a->tracks[0].id, ids[0]);
                assert_string_equal(a->tracks[0].spotify_id, ids[1]);
                assert_string_equal(a->tracks[0].isrc, "USUM71703861");
                assert_int_equal(a->tracks[0].duration_ms, 207959);
                assert_int_equal(a->tracks[0].popularity, 63);
                assert_true(!a->tracks[1].spotify_id && !a->tracks[1].isrc && a->tracks[1].n_artists == 0 && a->tracks[1].popularity == -1);
                assert_true(!a->tracks[2].spotify_id && a->tracks[2].duration_ms == 0 && a->tracks[2].popularity == -1);
                rf_answer_unref(a);
        }
        a = translator_parse(RF_OP_AUDIO_FEATURES, "reccobeat-features");
        assert_int_equal(a->n_features, 2);
        assert_string_equal(a->features[0].spotify_id, ids[1]);
        assert_int_equal(a->features[0].features.has, (1u << 11) - 1);
        assert_int_equal(a->features[1].features.has, RF_FEATURE_BIT(RF_FEATURE_VALENCE));
        rf_answer_unref(a);
        a = translator_parse(RF_OP_SEARCH_ARTISTS, "reccobeat-artists");
        assert_int_equal(a->n_artists, 1);
        rf_answer_unref(a);
}

static void what_is_not_an_answer_is_refused(void **state)
{
        (void)state;
        translator_open("reccobeat", NULL, NULL);
        translator_refuses(RF_OP_TRACKS, "{\"content\":[{\"id\":\"t\",\"trackTitle\":\"n\"}]}");
        translator_refuses(RF_OP_AUDIO_FEATURES, "{\"content\":[]}");
        translator_refuses(RF_OP_SEARCH_ARTISTS, "{\"content\":[]}");
}

static void errors_are_told_apart(void **state)
{
        static const struct { enum rf_op op; uint16_t status; const char *after, *body; enum rf_outcome outcome; uint32_t after_s; } cases[] = {
                { RF_OP_RECOMMENDATIONS, 400, NULL, "{\"status\":4001,\"errors\":[{\"path\":\"seeds\",\"message\":\"unknown seeds\"}]}", RF_OUTCOME_EMPTY, 0 },
                { RF_OP_TRACKS, 400, NULL, "{\"status\":4001,\"errors\":[{\"path\":\"ids\",\"message\":\"size must be between 1 and 40\"}]}", RF_OUTCOME_INVALID, 0 },
                { RF_OP_ARTIST_TOP_TRACKS, 404, NULL, "{\"status\":4004,\"errors\":[{\"message\":\"not found\"}]}", RF_OUTCOME_EMPTY, 0 },
                { RF_OP_TRACKS, 403, NULL, "error code: 1010", RF_OUTCOME_TRANSIENT, 0 },
                { RF_OP_TRACKS, 429, "3", "{\"status\":4029,\"errors\":[]}", RF_OUTCOME_RATE, 3 },
                { RF_OP_TRACKS, 429, NULL, "Too many requests, retry after 12 seconds", RF_OUTCOME_RATE, 12 },
                { RF_OP_TRACKS, 429, NULL, "Retry after 7 seconds.", RF_OUTCOME_RATE, 7 },
                { RF_OP_TRACKS, 429, NULL, "retry after a while", RF_OUTCOME_RATE, 5 },
                { RF_OP_TRACKS, 429, NULL, "", RF_OUTCOME_RATE, 5 },
                { RF_OP_TRACKS, 502, NULL, "<html>", RF_OUTCOME_TRANSIENT, 0 },
        };

        (void)state;
        translator_open("reccobeat", NULL, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct rf_verdict v = translator_judge(cases[i].op, cases[i].status, cases[i].after, cases[i].body);

                if (v.outcome != cases[i].outcome || v.retry_after_s != cases[i].after_s)
                        fail_msg("%u %s: %s, %u s", cases[i].status, cases[i].body, rf_outcome_name(v.outcome), v.retry_after_s);
        }
        assert_string_equal(translator_judge(RF_OP_TRACKS, 400, NULL, cases[1].body).message, "400 size must be between 1 and 40");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_operation_builds_its_request),
                cmocka_unit_test(records_carry_spotifys_id_and_the_isrc),
                cmocka_unit_test(what_is_not_an_answer_is_refused),
                cmocka_unit_test(errors_are_told_apart),
        };

        return cmocka_run_group_tests_name("reccobeat", tests, NULL, translator_close);
}
