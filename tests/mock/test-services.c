#include "test.h"

#include "../plugins/mock/services.h"
#include "base/limits.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000)

static struct mock_world *world;
static char bearer[96];

struct reply {
        uint16_t status;
        enum rf_fault fault;
        uint64_t delay_us;
        char retry_after[16];
        char location[512];
        json_t *json; /* NULL: it isn't JSON */
        char *body;
        size_t size;
};

static int make(void **state)
{
        (void)state;
        return mock_world_new(1, &world);
}

static int unmake(void **state)
{
        (void)state;
        world = mock_world_free(world);
        return 0;
}

static struct mock_services *services(enum mock_weather weather, enum mock_profile profile)
{
        struct mock_services *s;

        assert_int_equal(mock_services_new(&(struct mock_services_options){ .world = world, .weather = weather, .weather_seed = 1,
                                           .profile = profile }, &s), 0);
        return s;
}

/* `query`: "name=value&name=value", not encoded; cut up here. */
static struct reply ask(struct mock_services *s, const char *dialect, enum rf_method method, const char *path, const char *query,
                        const char *authorization, const char *body, uint64_t now_us)
{
        struct rf_header params[16], headers[1] = { { "Authorization", authorization } };
        char *copy = strdup(query), *at = copy, url[256];
        struct rf_request q = { .size = sizeof(q), .method = method, .url = url, .path = path, .params = params, .headers = headers,
                                .n_headers = authorization ? 1 : 0, .body = body, .body_size = body ? strlen(body) : 0 };
        struct rf_reply r;
        struct reply reply = { 0 };

        snprintf(url, sizeof(url), "https://service.example/v1%s", path);
        while (at && *at) {
                char *value = strchr(at, '='), *next = strchr(at, '&');

                *value = '\0';
                if (next)
                        *next = '\0';
                params[q.n_params++] = (struct rf_header){ at, value + 1 };
                at = next ? next + 1 : NULL;
        }
        assert_int_equal(mock_services_answer(s, dialect, &q, now_us, &r, NULL), 0);
        free(copy);
        reply.status = r.status;
        reply.fault = r.fault;
        reply.delay_us = r.delay_us;
        for (size_t i = 0; i < r.n_headers; i++) {
                if (strcmp(r.headers[i].name, "Retry-After") == 0)
                        snprintf(reply.retry_after, sizeof(reply.retry_after), "%s", r.headers[i].value);
                if (strcmp(r.headers[i].name, "Location") == 0)
                        snprintf(reply.location, sizeof(reply.location), "%s", r.headers[i].value);
        }
        reply.body = r.body;
        reply.size = r.body_size;
        reply.json = r.body && r.body_size < 400000 ? json_loadb(r.body, r.body_size, 0, NULL) : NULL;
        return reply;
}

static void done(struct reply *r)
{
        json_decref(r->json);
        free(r->body);
        *r = (struct reply){ 0 };
}

/* The status alone. */
static uint16_t status_of(struct reply r)
{
        uint16_t status = r.status;

        done(&r);
        return status;
}

static void log_in_app(struct mock_services *s, uint64_t now_us)
{
        struct reply r = ask(s, "spotify", RF_METHOD_POST, "/api/token", "", "Basic YWJjOmRlZg==", "grant_type=client_credentials", now_us);

        assert_int_equal(r.status, 200);
        snprintf(bearer, sizeof(bearer), "Bearer %s", json_string_value(json_object_get(r.json, "access_token")));
        done(&r);
}

static struct reply get(struct mock_services *s, const char *path, const char *query, uint64_t now_us)
{
        return ask(s, "spotify", RF_METHOD_GET, path, query, bearer, NULL, now_us);
}

static struct reply get_reccobeat(struct mock_services *s, const char *path, const char *query, uint64_t now_us)
{
        return ask(s, "reccobeat", RF_METHOD_GET, path, query, NULL, NULL, now_us);
}

static void bearers_are_checked(void **state)
{
        struct mock_services *s = services(MOCK_WEATHER_FINE, MOCK_PROFILE_WEATHER);

        (void)state;
        assert_int_equal(status_of(ask(s, "spotify", RF_METHOD_GET, "/search", "q=a&type=track", NULL, NULL, 0)), 401);
        assert_int_equal(status_of(ask(s, "spotify", RF_METHOD_GET, "/search", "q=a&type=track", "Bearer x", NULL, 0)), 401);
        log_in_app(s, 0);
        assert_int_equal(status_of(get(s, "/search", "q=a&type=track", 3599 * SECOND)), 200);
        assert_int_equal(status_of(get(s, "/search", "q=a&type=track", 3600 * SECOND)), 401);
        assert_int_equal(status_of(get(s, "/me/top/tracks", "limit=5", 0)), 401); /* an app is no person */
        /* wrong:def */
        assert_int_equal(status_of(ask(s, "spotify", RF_METHOD_POST, "/api/token", "", "Basic d3Jvbmc6ZGVm", "grant_type=client_credentials", 0)),
                         400);
        mock_services_free(s);
}

/* RFC 7636, appendix B. */
/* Albums first, then a single of each of the best known tracks, with just that. */
static void artists_have_albums_and_singles(void **state)
{
        struct mock_services *s = services(MOCK_WEATHER_FINE, MOCK_PROFILE_WEATHER);
        struct reply r;
        json_t *items, *last;
        char path[64];

        (void)state;
        log_in_app(s, 0);
        r = get(s, "/search", "q=genre:jazz&type=artist", 0);
        items = json_object_get(json_object_get(r.json, "artists"), "items");
        snprintf(path, sizeof(path), "/artists/%s/albums", json_string_value(json_object_get(json_array_get(items, 0), "id")));
        done(&r);
        r = get(s, path, "limit=50", 0);
        items = json_object_get(r.json, "items");
        assert_true(json_array_size(items) > 1);
        assert_int_equal(json_array_size(items), json_integer_value(json_object_get(r.json, "total")));
        last = json_array_get(items, json_array_size(items) - 1);
        assert_string_equal(json_string_value(json_object_get(last, "album_type")), "single");
        snprintf(path, sizeof(path), "/albums/%s/tracks", json_string_value(json_object_get(last, "id")));
        done(&r);
        r = get(s, path, "", 0);
        assert_int_equal(r.status, 200);
        assert_int_equal(json_array_size(json_object_get(r.json, "items")), 1);
        done(&r);
        mock_services_free(s);
}

static void a_person_logs_in_by_proof(void **state)
{
        struct mock_services *s = services(MOCK_WEATHER_FINE, MOCK_PROFILE_WEATHER);
        char form[512], refresh[96];
        struct reply r;

        (void)state;
        r = ask(s, "spotify", RF_METHOD_GET, "/authorize", "client_id=abc&redirect_uri=http://127.0.0.1:5/cb&response_type=code&state=xyz&"
                "code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", NULL, NULL, 0);
        assert_int_equal(r.status, 302);
        assert_non_null(strstr(r.location, "&state=xyz"));
        snprintf(form, sizeof(form), "grant_type=authorization_code&client_id=abc&redirect_uri=http%%3A%%2F%%2F127.0.0.1%%3A5%%2Fcb&code=%.*s&"
                 "code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", (int)strcspn(strstr(r.location, "code=") + 5, "&"),
                 strstr(r.location, "code=") + 5);
        done(&r);
        r = ask(s, "spotify", RF_METHOD_POST, "/api/token", "", NULL, form, 0);
        assert_int_equal(r.status, 200);
        snprintf(refresh, sizeof(refresh), "%s", json_string_value(json_object_get(r.json, "refresh_token")));
        done(&r);
        assert_int_equal(status_of(ask(s, "spotify", RF_METHOD_POST, "/api/token", "", NULL, form, 0)), 400); /* once */
        snprintf(form, sizeof(form), "grant_type=refresh_token&client_id=abc&refresh_token=%s", refresh);
        for (int i = 0; i < 2; i++) { /* without a new refresh token, then with one */
                r = ask(s, "spotify", RF_METHOD_POST, "/api/token", "", NULL, form, 0);
                assert_int_equal(r.status, 200);
                assert_int_equal(json_object_get(r.json, "refresh_token") != NULL, i == 1);
                snprintf(bearer, sizeof(bearer), "Bearer %s", json_string_value(json_object_get(r.json, "access_token")));
                done(&r);
        }
        r = ask(s, "spotify", RF_METHOD_POST, "/api/token", "", NULL, form, 0); /* the old one is worth nothing now */
        assert_string_equal(json_string_value(json_object_get(r.json, "error")), "invalid_grant");
        done(&r);
        assert_int_equal(status_of(get(s, "/me/top/tracks", "limit=5", 0)), 200);
        r = ask(s, "spotify", RF_METHOD_POST, "/me/playlists", "", bearer, "{\"name\":\"x\",\"public\":false}", 0);
        assert_int_equal(r.status, 201);
        snprintf(form, sizeof(form), "/playlists/%s/items", json_string_value(json_object_get(r.json, "id")));
        done(&r);
        {
                char body[128];

                snprintf(body, sizeof(body), "{\"uris\":[\"spotify:track:%s\"]}", world->tracks[3].id);
                assert_int_equal(status_of(ask(s, "spotify", RF_METHOD_POST, form, "", bearer, body, 0)), 201);
                assert_int_equal(status_of(ask(s, "spotify", RF_METHOD_POST, form, "", bearer, body, 0)), 201);
        }
        r = ask(s, "stats", RF_METHOD_GET, "/stats", "", NULL, NULL, 0); /* duplicates can be seen */
        assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(r.json, "playlists"), 0), "uris")), 2);
        done(&r);
        mock_services_free(s);
}

static void development_mode_lacks_what_it_lacks(void **state)
{
        static const struct {
                const char *path, *query;
                uint16_t extended, development;
        } cases[] = { { "/search", "q=love&type=track&limit=10", 200, 200 }, { "/search", "q=love&type=track&limit=11", 200, 400 },
                      { "/search", "q=love&type=track&limit=51", 400, 400 }, { "/recommendations", "seed_tracks=x&limit=3", 200, 404 },
                      { "/audio-features", "ids=x", 200, 403 }, { "/tracks", "ids=x", 200, 403 }, { "/nothing", "", 404, 404 } };
        struct mock_services *s;

        (void)state;
        for (int d = 0; d < 2; d++) {
                s = services(MOCK_WEATHER_FINE, d ? MOCK_PROFILE_DEVELOPMENT : MOCK_PROFILE_EXTENDED);
                log_in_app(s, 0);
                for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                        assert_int_equal(status_of(get(s, cases[i].path, cases[i].query, 0)), d ? cases[i].development : cases[i].extended);
                mock_services_free(s);
        }
}

static void reccobeats_leaves_out_and_drops(void **state)
{
        struct mock_services *s = services(MOCK_WEATHER_FINE, MOCK_PROFILE_WEATHER);
        char query[4096] = "ids=";
        size_t known = 0;
        struct reply r;

        (void)state;
        for (size_t i = 0; i < 45; i++) {
                snprintf(query + strlen(query), sizeof(query) - strlen(query), "%s%s", i > 0 ? "," : "", world->tracks[i].id);
                known += i < 40 && mock_reccobeat_knows(&world->tracks[i]);
        }
        r = get_reccobeat(s, "/track", query, 0);
        assert_int_equal(json_array_size(json_object_get(r.json, "content")), known);
        assert_true(known < 40 || mock_reccobeat_knows(&world->tracks[0]));
        done(&r);
        r = get_reccobeat(s, "/audio-features", "ids=nobody", 0);
        assert_int_equal(r.status, 200);
        assert_int_equal(json_array_size(json_object_get(r.json, "content")), 0);
        done(&r);
        assert_int_equal(status_of(get_reccobeat(s, "/track/recommendation", "size=3&seeds=nobody", 0)), 400);
        assert_int_equal(status_of(get_reccobeat(s, "/track/recommendation", "size=0&seeds=nobody", 0)), 400);
        mock_services_free(s);
}

/* 180 in any 30 s are fine; who calls again before Retry-After has ended is noticed and waits longer. */
static void the_window_is_counted(void **state)
{
        struct mock_services *s = services(MOCK_WEATHER_LOGGED_RUN, MOCK_PROFILE_WEATHER);
        struct reply r;

        (void)state;
        log_in_app(s, 0);
        for (int i = 0; i < 180; i++) {
                r = get(s, "/search", "q=love&type=track", SECOND);
                assert_int_equal(r.status, 200);
                assert_in_range(r.delay_us, 80000, 350000);
                done(&r);
        }
        r = get(s, "/search", "q=love&type=track", 11 * SECOND);
        assert_int_equal(r.status, 429);
        assert_string_equal(r.retry_after, "20");
        done(&r);
        assert_int_equal(mock_services_stats(s, MOCK_SPOTIFY)->violations, 0);
        assert_int_equal(status_of(get(s, "/search", "q=love&type=track", 11 * SECOND + 1000)), 429); /* it can't know yet */
        assert_int_equal(mock_services_stats(s, MOCK_SPOTIFY)->violations, 0);
        assert_int_equal(status_of(get(s, "/search", "q=love&type=track", 30 * SECOND)), 429);
        assert_int_equal(mock_services_stats(s, MOCK_SPOTIFY)->violations, 1);
        assert_int_equal(status_of(get(s, "/search", "q=love&type=track", 49 * SECOND)), 429); /* extended */
        assert_int_equal(status_of(get(s, "/search", "q=love&type=track", 69 * SECOND)), 200);
        assert_int_equal(mock_services_stats(s, MOCK_SPOTIFY)->most_in_window, 183);
        mock_services_free(s);
}

static void the_quota_ends(void **state)
{
        struct mock_services *s = services(MOCK_WEATHER_QUOTA, MOCK_PROFILE_WEATHER);
        struct reply r;

        (void)state;
        log_in_app(s, 0);
        for (uint64_t i = 0; i < 200; i++)
                assert_int_equal(status_of(get(s, "/search", "q=love&type=track", i * SECOND)), 200);
        r = get(s, "/search", "q=love&type=track", 200 * SECOND);
        assert_int_equal(r.status, 429);
        assert_string_equal(r.retry_after, "48925");
        assert_string_equal(json_string_value(json_object_get(json_object_get(r.json, "error"), "reason")), "QUOTA_EXCEEDED");
        done(&r);
        mock_services_free(s);
}

/* A client that waits as it is told sees every length and every kind of body. */
static void the_storm_has_all_kinds(void **state)
{
        struct mock_services *s = services(MOCK_WEATHER_STORM, MOCK_PROFILE_WEATHER);
        unsigned lengths = 0, kinds = 0;
        uint64_t now_us = 0;

        (void)state;
        for (int i = 0; i < 1200; i++) {
                struct reply r;

                if (i % 100 == 0 || now_us % (3000 * SECOND) < SECOND)
                        log_in_app(s, now_us);
                r = get(s, "/search", "q=love&type=track", now_us);
                if (r.status == 401)
                        log_in_app(s, now_us);
                if (r.status == 429) {
                        unsigned long s_told = strtoul(r.retry_after, NULL, 10);

                        lengths |= s_told == 16 ? 1u : s_told == 41 ? 2u : s_told == 763 ? 4u : s_told == 0 ? 8u : 16u;
                        kinds |= !r.json ? 1u : json_object_get(json_object_get(r.json, "error"), "reason") ? 2u : 4u;
                        now_us += (s_told ? s_told : 5) * SECOND;
                }
                now_us += SECOND;
                done(&r);
        }
        assert_int_equal(lengths, 15);
        assert_int_equal(kinds, 7);
        assert_int_equal(mock_services_stats(s, MOCK_SPOTIFY)->violations, 0);
        mock_services_free(s);
}

static void reccobeats_has_its_bad_days(void **state)
{
        static const enum rf_fault falls[] = { RF_FAULT_REFUSED, RF_FAULT_HANG, RF_FAULT_NONE };
        struct mock_services *s = services(MOCK_WEATHER_BAD_DAY, MOCK_PROFILE_WEATHER);
        size_t lost = 0, errors = 0;
        struct reply r;
        char query[64];

        (void)state;
        for (uint64_t i = 0; i < 1000; i++) {
                snprintf(query, sizeof(query), "ids=%s", world->tracks[i].id);
                r = get_reccobeat(s, "/track", query, i * SECOND);
                lost += r.fault != RF_FAULT_NONE;
                errors += r.status >= 500;
                if (r.status == 200)
                        assert_in_range(r.delay_us, 20 * SECOND, 140 * SECOND);
                done(&r);
        }
        assert_in_range(lost, 70, 130);
        assert_in_range(errors, 30, 70);
        mock_services_free(s);
        s = services(MOCK_WEATHER_RECCOBEATS_DOWN, MOCK_PROFILE_WEATHER);
        for (uint64_t i = 0; i < 15; i++) {
                r = get_reccobeat(s, "/track", "ids=x", i * SECOND);
                assert_int_equal(r.fault, falls[i / 5]);
                assert_int_equal(r.status, i < 10 ? 0 : 503);
                done(&r);
        }
        mock_services_free(s);
        s = services(MOCK_WEATHER_PLAN, MOCK_PROFILE_WEATHER);
        r = get_reccobeat(s, "/track", "ids=x", 0);
        assert_in_range(r.delay_us, 30 * SECOND, 45 * SECOND);
        done(&r);
        mock_services_free(s);
}

static void hostile_answers_are_of_every_kind(void **state)
{
        struct mock_services *s = services(MOCK_WEATHER_HOSTILE, MOCK_PROFILE_WEATHER);
        size_t huge = 0, drips = 0, broken = 0, fine = 0;
        char query[64];

        (void)state;
        for (uint64_t i = 0; i < 300; i++) {
                struct reply r;

                snprintf(query, sizeof(query), "ids=%s", world->tracks[i].id);
                r = get_reccobeat(s, "/track", query, i * SECOND);
                huge += r.size > RF_RESPONSE_BYTES_MAX;
                drips += r.delay_us >= r.size * SECOND;
                broken += !r.json && r.size < 400000;
                fine += r.json != NULL;
                done(&r);
        }
        assert_true(huge > 5 && drips > 5 && broken > 20 && fine > 150);
        mock_services_free(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bearers_are_checked),
                cmocka_unit_test(artists_have_albums_and_singles),
                cmocka_unit_test(a_person_logs_in_by_proof),
                cmocka_unit_test(development_mode_lacks_what_it_lacks),
                cmocka_unit_test(reccobeats_leaves_out_and_drops),
                cmocka_unit_test(the_window_is_counted),
                cmocka_unit_test(the_quota_ends),
                cmocka_unit_test(the_storm_has_all_kinds),
                cmocka_unit_test(reccobeats_has_its_bad_days),
                cmocka_unit_test(hostile_answers_are_of_every_kind),
        };

        return cmocka_run_group_tests_name("services", tests, make, unmake);
}
