#include "translator.h"

static const char *const ids[] = { "11dFghVXANMlKmJXsNCbNl", "2", "3" };
static const char *const foreign[] = { "2f2c53bc-6ad5-4bdc-9f0a-b6aa9a0e4b1c" };

static void searches_say_what_they_want(void **state)
{
        (void)state;
        translator_open("spotify", "market", "SE");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .track = "Say \"Yes\"", .artist = "Ada", .limit = 20,
                                                                 .offset = 20 }),
                            "GET /search?limit=20&market=SE&offset=20&q=track:\"Say  Yes \" artist:\"Ada\"&type=track");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .isrc = "USUM71703861" }),
                            "GET /search?limit=50&market=SE&q=isrc:USUM71703861&type=track");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .genre = "bossa nova", .year_from = 1960,
                                                                 .year_to = 1969, .market = "BR", .limit = 500 }),
                            "GET /search?limit=50&market=BR&q=genre:\"bossa nova\" year:1960-1969&type=track");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_SEARCH_ARTISTS, .text = "ada", .limit = 5 }),
                            "GET /search?limit=5&market=SE&q=ada&type=artist");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_SEARCH_TRACKS }), ""); /* for anything */
}

static void every_operation_builds_its_request(void **state)
{
        (void)state;
        translator_open("spotify", NULL, NULL);
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_ARTIST_TOP_TRACKS, .ids = ids, .n_ids = 1 }),
                            "GET /artists/11dFghVXANMlKmJXsNCbNl/top-tracks");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_ARTIST_ALBUMS, .ids = ids, .n_ids = 1, .limit = 50 }),
                            "GET /artists/11dFghVXANMlKmJXsNCbNl/albums?include_groups=album,single&limit=10");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_ALBUM_TRACKS, .ids = ids, .n_ids = 1 }),
                            "GET /albums/11dFghVXANMlKmJXsNCbNl/tracks?limit=50");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_TRACKS, .ids = ids, .n_ids = 3 }),
                            "GET /tracks?ids=11dFghVXANMlKmJXsNCbNl,2,3");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_AUDIO_FEATURES, .ids = ids, .n_ids = 3 }),
                            "GET /audio-features?ids=11dFghVXANMlKmJXsNCbNl,2,3");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_RECOMMENDATIONS, .seeds = ids, .n_seeds = 2, .limit = 30,
                                                                 .target = { .has = RF_FEATURE_BIT(RF_FEATURE_ENERGY),
                                                                             .value = { [RF_FEATURE_ENERGY] = .5f } } }),
                            "GET /recommendations?limit=30&seed_tracks=11dFghVXANMlKmJXsNCbNl,2&target_energy=0.500");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_USER_TOP, .limit = 5 }),
                            "GET /me/top/tracks?limit=5&time_range=medium_term");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_CREATE_PLAYLIST, .name = "Sunday \"mix\"", .description = "d" }),
                            "POST /me/playlists {\"name\":\"Sunday \\\"mix\\\"\",\"public\":false,\"description\":\"d\"}");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_ADD_TO_PLAYLIST, .playlist = "p1", .ids = ids, .n_ids = 2 }),
                            "POST /playlists/p1/items {\"uris\":[\"spotify:track:11dFghVXANMlKmJXsNCbNl\",\"spotify:track:2\"]}");
}

static void another_services_ids_are_not_sent(void **state)
{
        static const enum rf_op ops[] = { RF_OP_ARTIST_TOP_TRACKS, RF_OP_ARTIST_ALBUMS, RF_OP_ALBUM_TRACKS, RF_OP_TRACKS, RF_OP_AUDIO_FEATURES };
        static const char *many[101];

        (void)state;
        translator_open("spotify", NULL, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
                assert_string_equal(translator_build(&(struct rf_query){ .op = ops[i], .ids = foreign, .n_ids = 1 }), "");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_RECOMMENDATIONS, .seeds = foreign, .n_seeds = 1 }), "");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_ADD_TO_PLAYLIST, .playlist = "../me", .ids = ids, .n_ids = 1 }), "");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_ADD_TO_PLAYLIST, .playlist = "p1", .ids = foreign, .n_ids = 1 }), "");
        for (size_t i = 0; i < ARRAY_SIZE(many); i++)
                many[i] = "2";
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_TRACKS, .ids = many, .n_ids = 51 }), "");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_ADD_TO_PLAYLIST, .playlist = "p1", .ids = many, .n_ids = 101 }), "");
}

static void development_mode_has_its_own_ways(void **state)
{
        (void)state;
        translator_open("spotify", "profile", "development");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_SEARCH_TRACKS, .text = "a", .limit = 50 }),
                            "GET /search?limit=10&q=a&type=track");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_TRACKS, .ids = ids, .n_ids = 1 }),
                            "GET /tracks/11dFghVXANMlKmJXsNCbNl");
        assert_string_equal(translator_build(&(struct rf_query){ .op = RF_OP_TRACKS, .ids = ids, .n_ids = 2 }), "");
        assert_null(rf_provider_operation(provider, RF_OP_RECOMMENDATIONS));
        assert_null(rf_provider_operation(provider, RF_OP_AUDIO_FEATURES));
        assert_null(rf_provider_operation(provider, RF_OP_ARTIST_TOP_TRACKS));
}

static void check_known_track(const struct rf_track *t, int popularity)
{
        assert_string_equal(t->id, "11dFghVXANMlKmJXsNCbNl");
        assert_string_equal(t->spotify_id, t->id);
        assert_string_equal(t->title, "Cut To The Feeling");
        assert_string_equal(t->artists[0].name, "Carly Rae Jepsen");
        assert_string_equal(t->artists[0].id, "6sFIWsNpZYqfjUpaCgueju");
        assert_string_equal(t->isrc, "USUM71703861");
        assert_string_equal(t->uri, "spotify:track:11dFghVXANMlKmJXsNCbNl");
        assert_int_equal(t->duration_ms, 207959);
        assert_int_equal(t->release_year, 2017);
        assert_int_equal(t->popularity, popularity);
        assert_int_equal(t->is_explicit, 0);
}

static void tracks_come_with_the_fields_there_are(void **state)
{
        struct rf_answer *a;

        (void)state;
        translator_open("spotify", NULL, NULL);
        a = translator_parse(RF_OP_SEARCH_TRACKS, "spotify-search-extended");
        assert_int_equal(a->n_tracks, 2);
        check_known_track(&a->tracks[0], 63);
        assert_int_equal(a->tracks[1].release_year, 1999);
        assert_null(a->tracks[1].isrc);
        rf_answer_unref(a);
        a = translator_parse(RF_OP_SEARCH_TRACKS, "spotify-search-development");
        assert_int_equal(a->n_tracks, 1);
        check_known_track(&a->tracks[0], -1);
        rf_answer_unref(a);
        a = translator_parse(RF_OP_SEARCH_TRACKS, "spotify-wrong-types");
        assert_int_equal(a->n_tracks, 2);
        assert_string_equal(a->tracks[0].id, "ok");
        assert_true(a->tracks[0].n_artists == 0 && a->tracks[0].duration_ms == 0 && a->tracks[0].popularity == -1 &&
                    a->tracks[0].is_explicit == -1);
        assert_true(a->tracks[1].n_artists == 1 && a->tracks[1].popularity == -1 && a->tracks[1].release_year == 0);
        rf_answer_unref(a);
}

static void every_list_is_found(void **state)
{
        struct rf_answer *a;

        (void)state;
        translator_open("spotify", NULL, NULL);
        a = translator_parse(RF_OP_SEARCH_ARTISTS, "spotify-artists");
        assert_true(a->n_artists == 2 && a->artists[0].n_genres == 2 && a->artists[0].popularity == 80 && a->artists[1].popularity == -1);
        rf_answer_unref(a);
        a = translator_parse(RF_OP_ARTIST_ALBUMS, "spotify-albums");
        assert_true(a->n_albums == 2 && a->albums[0].release_year == 1999 && a->albums[0].n_tracks == 12 && a->albums[1].n_tracks == 0);
        rf_answer_unref(a);
        a = translator_parse(RF_OP_ALBUM_TRACKS, "spotify-album-tracks");
        assert_int_equal(a->n_tracks, 1);
        rf_answer_unref(a);
        a = translator_parse(RF_OP_USER_TOP, "spotify-album-tracks");
        assert_int_equal(a->n_tracks, 1);
        rf_answer_unref(a);
        a = translator_parse(RF_OP_TRACKS, "spotify-tracks");
        assert_int_equal(a->n_tracks, 2);
        rf_answer_unref(a);
        a = translator_parse(RF_OP_AUDIO_FEATURES, "spotify-features");
        assert_int_equal(a->n_features, 1);
        assert_int_equal(a->features[0].features.has, (1u << 11) - 1);
        assert_true(a->features[0].features.value[RF_FEATURE_LOUDNESS] < -11.8f && a->features[0].features.value[RF_FEATURE_KEY] == 5.f);
        rf_answer_unref(a);
}

static void what_was_written_is_named(void **state)
{
        static const char created[] = "{\"id\":\"p1\",\"external_urls\":{\"spotify\":\"https://open.spotify.com/playlist/p1\"}}";
        struct rf_query create = { .op = RF_OP_CREATE_PLAYLIST }, add = { .op = RF_OP_ADD_TO_PLAYLIST, .playlist = "p1" };
        struct rf_answer *a;

        (void)state;
        translator_open("spotify", NULL, NULL);
        assert_int_equal(translator_parse_text(&create, created, strlen(created), &a), 0);
        assert_string_equal(a->created->uri, "https://open.spotify.com/playlist/p1");
        rf_answer_unref(a);
        assert_int_equal(translator_parse_text(&create, "{\"id\":\"p1\"}", 11, &a), 0);
        assert_string_equal(a->created->uri, "https://open.spotify.com/playlist/p1");
        rf_answer_unref(a);
        assert_int_equal(translator_parse_text(&add, "{\"snapshot_id\":\"s\"}", 19, &a), 0);
        assert_string_equal(a->created->id, "p1");
        rf_answer_unref(a);
        assert_int_equal(translator_parse_text(&add, "{}", 2, &a), -EBADMSG);
}

/* The description that is looked for, of the only playlist there is. */
static bool is_found(const char *text, const char *description)
{
        struct rf_query q = { .op = RF_OP_FIND_PLAYLIST, .text = text };
        struct rf_answer *a;
        char body[256];
        bool found;

        snprintf(body, sizeof(body), "{\"items\":[null,{\"id\":\"p0\",\"description\":null},{\"id\":\"p1\",\"description\":\"%s\"}]}", description);
        assert_int_equal(translator_parse_text(&q, body, strlen(body), &a), 0);
        found = a->created && strcmp(a->created->id, "p1") == 0;
        rf_answer_unref(a);
        return found;
}

static void a_playlist_is_known_by_its_description(void **state)
{
        (void)state;
        translator_open("spotify", NULL, NULL);
        assert_true(is_found("recflow run ab-1:", "recflow run ab-1: R&amp;B, &quot;slow&quot;"));
        assert_true(is_found("recflow run ab/1:", "recflow run ab&#x2F;1: R&amp;B")); /* as they were marked once */
        assert_true(is_found("recflow run ab/1:", "recflow run ab&#47;1: x"));
        assert_true(is_found("recflow run ab/1:", "recflow run ab/1: x"));
        assert_false(is_found("recflow run ab-1:", "recflow run ab-12: x"));
        assert_true(is_found("<é\U0001f3b5' & \"", "&LT; &lt;&#233;&#X1F3B5;&#39; &amp; &quot;"));
        assert_true(is_found("it's", "it&apos;s"));
        /* what is no entity stays */
        assert_true(is_found("&; &# &#x; &#0; &#xd800; &#x110000; &#12a; &none; &amp", "&; &# &#x; &#0; &#xd800; &#x110000; &#12a; &none; &amp"));
        assert_true(is_found("&#x2F;", "&amp;#x2F;")); /* once, not again */
}

static void what_is_not_an_answer_is_refused(void **state)
{
        (void)state;
        translator_open("spotify", NULL, NULL);
        translator_refuses(RF_OP_SEARCH_TRACKS, "{\"tracks\":{\"items\":[{\"id\":\"t\",\"name\":\"n\"}]}}");
        translator_refuses(RF_OP_SEARCH_ARTISTS, "{\"artists\":{\"items\":[]}}");
        translator_refuses(RF_OP_TRACKS, "{\"tracks\":[null]}");
        translator_refuses(RF_OP_ARTIST_ALBUMS, "{\"items\":[]}");
        translator_refuses(RF_OP_AUDIO_FEATURES, "{\"audio_features\":[]}");
        translator_refuses(RF_OP_CREATE_PLAYLIST, "{\"id\":\"p\"}");
}

static void errors_are_told_apart(void **state)
{
        static const struct { enum rf_op op; uint16_t status; const char *after, *body; enum rf_outcome outcome; uint32_t after_s; } cases[] = {
                { RF_OP_SEARCH_TRACKS, 401, NULL, "{\"error\":{\"status\":401,\"message\":\"The access token expired\"}}", RF_OUTCOME_LOGIN, 0 },
                { RF_OP_SEARCH_TRACKS, 403, NULL, "Active premium subscription required for the owner of the app.", RF_OUTCOME_LOGIN, 0 },
                { RF_OP_AUDIO_FEATURES, 403, NULL, "{\"error\":{\"status\":403}}", RF_OUTCOME_REFUSED, 0 },
                { RF_OP_RECOMMENDATIONS, 404, NULL, "", RF_OUTCOME_REFUSED, 0 },
                { RF_OP_TRACKS, 404, NULL, "{\"error\":{\"status\":404,\"message\":\"Non existing id\"}}", RF_OUTCOME_EMPTY, 0 },
                { RF_OP_SEARCH_TRACKS, 400, NULL, "{\"error\":{\"status\":400,\"message\":\"Invalid limit\"}}", RF_OUTCOME_REFUSED, 0 },
                { RF_OP_SEARCH_TRACKS, 400, NULL, "{\"error\":{\"status\":400,\"message\":\"invalid id\"}}", RF_OUTCOME_INVALID, 0 },
                { RF_OP_SEARCH_TRACKS, 429, "16", "Too many requests", RF_OUTCOME_RATE, 16 },
                { RF_OP_SEARCH_TRACKS, 429, "763", "{\"error\":{\"status\":429,\"message\":\"API rate limit exceeded\"}}", RF_OUTCOME_RATE, 763 },
                { RF_OP_SEARCH_TRACKS, 429, NULL, "", RF_OUTCOME_RATE, 5 },
                { RF_OP_SEARCH_TRACKS, 429, "Fri, 15 Jan 2027 08:00:09 GMT", "", RF_OUTCOME_RATE, 9 },
                { RF_OP_SEARCH_TRACKS, 429, "48925", "{\"error\":{\"status\":429,\"message\":\"m\",\"reason\":\"QUOTA_EXCEEDED\"}}", RF_OUTCOME_QUOTA, 48925 },
                { RF_OP_SEARCH_TRACKS, 429, NULL, "{\"error\":{\"status\":429,\"message\":\"m\",\"reason\":\"QUOTA_EXCEEDED\"}}", RF_OUTCOME_QUOTA, 3600 },
                { RF_OP_SEARCH_TRACKS, 429, "13749", "Too many requests", RF_OUTCOME_QUOTA, 13749 },
                { RF_OP_SEARCH_TRACKS, 500, NULL, "", RF_OUTCOME_TRANSIENT, 0 },
                { RF_OP_SEARCH_TRACKS, 503, "30", "{\"error\":7}", RF_OUTCOME_TRANSIENT, 0 },
        };

        (void)state;
        translator_open("spotify", NULL, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct rf_verdict v = translator_judge(cases[i].op, cases[i].status, cases[i].after, cases[i].body);

                if (v.outcome != cases[i].outcome || v.retry_after_s != cases[i].after_s)
                        fail_msg("%u %s: %s, %u s", cases[i].status, cases[i].body, rf_outcome_name(v.outcome), v.retry_after_s);
        }
        assert_string_equal(translator_judge(RF_OP_TRACKS, 401, NULL, cases[0].body).message, "401 The access token expired");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(searches_say_what_they_want),
                cmocka_unit_test(every_operation_builds_its_request),
                cmocka_unit_test(another_services_ids_are_not_sent),
                cmocka_unit_test(development_mode_has_its_own_ways),
                cmocka_unit_test(tracks_come_with_the_fields_there_are),
                cmocka_unit_test(every_list_is_found),
                cmocka_unit_test(what_was_written_is_named),
                cmocka_unit_test(a_playlist_is_known_by_its_description),
                cmocka_unit_test(what_is_not_an_answer_is_refused),
                cmocka_unit_test(errors_are_told_apart),
        };

        return cmocka_run_group_tests_name("spotify", tests, NULL, translator_close);
}
