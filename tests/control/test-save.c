/* Savings as they lie on disk. */
#include "test.h"

#include "base/error.h"
#include "control/save_record.h"

#include <stdlib.h>
#include <string.h>

static struct rf_save_record sample(void)
{
        return (struct rf_save_record){ .state = RF_SAVE_FAILED, .number = 2, .is_public = true, .is_create_sent = true, .n_sent = 3, .n_added = 2,
                                        .n_total = 3, .name = strdup("A \"name\""), .description = strdup("recflow run x/2: é"),
                                        .playlist = strdup("pl"), .message = strdup("why"), .error = -RF_ELOGIN,
                                        .tracks = json_pack("[s, s, s]", "a", "b", "c"),
                                        .not_saved = json_pack("[{s:i}]", "position", 4) };
}

static void a_record_comes_back_as_it_was(void **state)
{
        struct rf_save_record in = sample(), out;
        struct rf_buf b = RF_BUF_INIT;

        (void)state;
        assert_int_equal(rf_save_record_encode(&in, &b), 0);
        assert_int_equal(rf_save_record_decode(b.data, b.size, &out), 0);
        assert_int_equal(out.state, RF_SAVE_FAILED);
        assert_int_equal(out.number, 2);
        assert_true(out.is_public && out.is_create_sent);
        assert_int_equal(out.n_sent, 3);
        assert_int_equal(out.n_added, 2);
        assert_int_equal(out.n_total, 3);
        assert_int_equal(out.error, -RF_ELOGIN);
        assert_string_equal(out.name, in.name);
        assert_string_equal(out.description, in.description);
        assert_string_equal(out.playlist, "pl");
        assert_null(out.link);
        assert_true(json_equal(out.tracks, in.tracks) && json_equal(out.not_saved, in.not_saved));
        rf_save_record_done(&in);
        rf_save_record_done(&out);
        rf_buf_done(&b);
}

/* Each with one member changed: nothing of it is believed. */
static void what_cannot_be_is_refused(void **state)
{
        static const char *const bad[] = {
                "", "{}", "[]", "{\"version\":1}", "\xff",
        };
        static const struct {
                const char *name;
                json_int_t value;
        } numbers[] = { { "version", 2 }, { "state", 3 }, { "state", -1 }, { "number", 0 }, { "sent", 1 }, { "sent", 4 }, { "added", -1 },
                        { "total", -1 }, { "error", -5 } };
        struct rf_save_record in = sample(), out;
        struct rf_buf b = RF_BUF_INIT;
        json_t *good;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(rf_save_record_decode(bad[i], strlen(bad[i]), &out), -RF_ECORRUPT);
        assert_int_equal(rf_save_record_encode(&in, &b), 0);
        good = json_loadb(b.data, b.size, 0, NULL);
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
                json_t *j = json_copy(good);
                char *text;

                json_object_set_new(j, numbers[i].name, json_integer(numbers[i].value));
                text = json_dumps(j, 0);
                assert_int_equal(rf_save_record_decode(text, strlen(text), &out), -RF_ECORRUPT);
                free(text);
                json_decref(j);
        }
        for (size_t n = 0; n < b.size; n++)
                assert_int_equal(rf_save_record_decode(b.data, n, &out), -RF_ECORRUPT);
        json_object_set_new(good, "tracks", json_pack("[s, i, s]", "a", 1, "c"));
        rf_buf_done(&b);
        b.data = json_dumps(good, 0);
        b.size = strlen(b.data);
        assert_int_equal(rf_save_record_decode(b.data, b.size, &out), -RF_ECORRUPT);
        free(b.data);
        json_decref(good);
        rf_save_record_done(&in);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_record_comes_back_as_it_was),
                cmocka_unit_test(what_cannot_be_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
