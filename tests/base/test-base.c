#include "test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/option.h"
#include "base/random.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void errors_all_have_a_text(void **state)
{
        (void)state;
        for (int e = RF_ECONFIG; e < RF_ELAST_; e++) {
                assert_non_null(rf_strerror(e));
                assert_string_equal(rf_strerror(e), rf_strerror(-e));
        }
        assert_string_equal(rf_strerror(-ENOENT), strerror(ENOENT));
}

static void buf_grows_and_consumes(void **state)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;

        (void)state;
        for (int i = 0; i < 1000; i++)
                assert_int_equal(rf_buf_addf(&b, "%04d", i), 0);
        assert_int_equal(b.size, 4000);
        rf_buf_consume(&b, 3996);
        assert_string_equal(b.data, "0999");
        assert_int_equal(rf_buf_reserve(&b, SIZE_MAX - 2), -ENOMEM);
        assert_string_equal(b.data, "0999");
}

static void reader_gives_back_what_was_put_and_never_reads_past_the_end(void **state)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        float f;
        const char *s;
        size_t n;

        (void)state;
        rf_buf_put_u8(&b, 200);
        rf_buf_put_u16(&b, 60000);
        rf_buf_put_u32(&b, 4000000000u);
        rf_buf_put_u64(&b, UINT64_MAX - 1);
        rf_buf_put_float(&b, -0.25f);
        rf_buf_put_string(&b, "abc");
        rf_buf_put_string(&b, NULL);
        for (size_t cut = 0; cut <= b.size; cut++) {
                struct rf_reader r = { .data = (const uint8_t *)b.data, .size = cut };
                int ok = rf_reader_u8(&r, &u8) | rf_reader_u16(&r, &u16) | rf_reader_u32(&r, &u32) |
                         rf_reader_u64(&r, &u64) | rf_reader_float(&r, &f) | rf_reader_string(&r, &s, &n);

                if (ok == 0) {
                        assert_int_equal(u8, 200);
                        assert_int_equal(u16, 60000);
                        assert_int_equal(u32, 4000000000u);
                        assert_true(u64 == UINT64_MAX - 1);
                        assert_true(f == -0.25f);
                        assert_int_equal(n, 3);
                        assert_memory_equal(s, "abc", 3);
                }
                assert_true(r.at <= r.size);
                assert_int_equal(ok == 0 && rf_reader_string(&r, &s, &n) == 0, cut == b.size);
        }
        assert_null(s);
}

static void arena_is_aligned_zeroed_and_bounded(void **state)
{
        _cleanup_arena_ struct rf_arena a = { .limit = 10000 };
        char *p;

        (void)state;
        for (int i = 1; i < 50; i++) {
                p = rf_arena_alloc(&a, (size_t)i);
                assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
                for (int j = 0; j < i; j++)
                        assert_int_equal(p[j], 0);
                memset(p, 0xff, (size_t)i);
        }
        assert_null(rf_arena_alloc(&a, 10001));
        assert_null(rf_arena_array(&a, SIZE_MAX / 2, 3));
        assert_string_equal(rf_arena_printf(&a, "%d-%s", 7, "x"), "7-x");
}

static void map_agrees_with_a_plain_array(void **state)
{
        _cleanup_(rf_map_freep) struct rf_map *m = rf_map_new();
        bool present[500] = { false };
        struct rf_random random;
        size_t live = 0, at = 0, seen = 0;
        const char *key;
        void *value;

        (void)state;
        rf_random_seed(&random, 1);
        for (int i = 0; i < 20000; i++) {
                uint32_t k = rf_random_below(&random, 500);
                char name[16];

                snprintf(name, sizeof(name), "key%u", k);
                if (rf_random_below(&random, 2)) {
                        assert_int_equal(rf_map_put_string(m, name, &present[k]), present[k] ? -EEXIST : 0);
                        live += !present[k];
                        present[k] = true;
                } else {
                        assert_ptr_equal(rf_map_remove_string(m, name), present[k] ? &present[k] : NULL);
                        live -= present[k];
                        present[k] = false;
                }
                assert_int_equal(rf_map_size(m), live);
        }
        while (rf_map_next(m, &at, &key, &value)) {
                assert_true(*(bool *)value);
                assert_ptr_equal(rf_map_get_string(m, key), value);
                seen++;
        }
        assert_int_equal(seen, live);
}

static void map_iterates_in_insertion_order(void **state)
{
        _cleanup_(rf_map_freep) struct rf_map *m = rf_map_new();
        static const char *const keys[] = { "z", "a", "m", "b" };
        size_t at = 0;
        const char *key;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                rf_map_put_string(m, keys[i], m);
        rf_map_remove_string(m, "a");
        rf_map_next(m, &at, &key, NULL);
        assert_string_equal(key, "z");
        rf_map_next(m, &at, &key, NULL);
        assert_string_equal(key, "m");
        rf_map_next(m, &at, &key, NULL);
        assert_string_equal(key, "b");
        assert_false(rf_map_next(m, &at, &key, NULL));
}

static void random_streams_repeat_and_are_fair(void **state)
{
        struct rf_random a, b;
        int counts[7] = { 0 };
        double sum = 0, squares = 0;

        (void)state;
        rf_random_seed_named(&a, 5, "one");
        rf_random_seed_named(&b, 5, "one");
        for (int i = 0; i < 100; i++)
                assert_true(rf_random_u64(&a) == rf_random_u64(&b));
        rf_random_seed_named(&b, 5, "two");
        assert_true(rf_random_u64(&a) != rf_random_u64(&b));
        for (int i = 0; i < 70000; i++)
                counts[rf_random_below(&a, 7)]++;
        for (int i = 0; i < 7; i++)
                assert_in_range(counts[i], 9500, 10500);
        for (int i = 0; i < 100000; i++) {
                double v = rf_random_normal(&a);

                sum += v;
                squares += v * v;
        }
        assert_true(sum / 1e5 > -0.02 && sum / 1e5 < 0.02);
        assert_true(squares / 1e5 > 0.97 && squares / 1e5 < 1.03);
}

static void text_folds_for_comparison(void **state)
{
        static const struct {
                const char *in, *out;
        } table[] = {
                { "Beyoncé – Halo!", "beyonce halo" }, { "  AC/DC ", "ac dc" },      { "Don't  Stop", "dont stop" },
                { "STRASSE straße", "strasse strasse" }, { "ＦＵＬＬ width", "full width" }, { "🎷", "" },
                { "東京", "東京" },                      { "", "" },                 { "don’t", "dont" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                _cleanup_free_ char *s = rf_text_fold(table[i].in);

                assert_string_equal(s, table[i].out);
        }
        assert_null(rf_text_fold("\xff"));
        assert_false(rf_utf8_is_valid("a\0b", 3));
        assert_int_equal(rf_utf8_clip("aé", 2), 1);
        assert_int_equal(rf_utf8_clip("aé", 3), 3);
}

static void capitals_are_of_any_language(void **state)
{
        (void)state;
        assert_true(rf_text_is_capital("Abc") && rf_text_is_capital("Ólafur") && rf_text_is_capital("Ж"));
        assert_false(rf_text_is_capital("abc") || rf_text_is_capital("ólafur") || rf_text_is_capital("1") || rf_text_is_capital(""));
}

static void one_edit_is_one_edit(void **state)
{
        static const struct {
                const char *a, *b;
                bool within;
        } table[] = {
                { "jazz", "jazz", true },  { "jazz", "jaz", true },   { "jazz", "jazzy", true }, { "jazz", "jzaz", true },
                { "jazz", "jezz", true },  { "jazz", "juzy", false }, { "jazz", "ja", false },   { "", "a", true },
                { "é", "e", true },        { "abcd", "badc", false }, { "energetic", "enregetic", true },
                { "abc", "bcd", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                assert_int_equal(rf_text_within_one_edit(table[i].a, table[i].b), table[i].within);
                assert_int_equal(rf_text_within_one_edit(table[i].b, table[i].a), table[i].within);
        }
}

static void json_is_bounded_in_depth_before_it_is_parsed(void **state)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        _cleanup_json_ json_t *j = NULL;
        json_error_t error;

        (void)state;
        for (unsigned i = 0; i < RF_JSON_DEPTH_MAX; i++)
                rf_buf_add_string(&b, "[");
        for (unsigned i = 0; i < RF_JSON_DEPTH_MAX; i++)
                rf_buf_add_string(&b, "]");
        assert_int_equal(rf_json_parse(b.data, b.size, &j, NULL), 0);
        for (int i = 0; i < 100000; i++)
                rf_buf_add_string(&b, "[");
        assert_int_equal(rf_json_parse(b.data, b.size, &j, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "64"));
        assert_int_equal(rf_json_depth("\"[[[\\\"[[\"", 9), 0);
        assert_int_equal(rf_json_parse("{\"a\":1,\"a\":2}", 13, &j, NULL), -EBADMSG);
        assert_int_equal(rf_json_parse("{} x", 4, &j, NULL), -EBADMSG);
}

/* Character by character: what the faster one must agree with. */
static unsigned depth_of(const char *text, size_t size)
{
        unsigned depth = 0, deepest = 0;
        bool in_string = false;

        for (size_t i = 0; i < size; i++)
                if (in_string && text[i] == '\\')
                        i++;
                else if (text[i] == '"')
                        in_string = !in_string;
                else if (!in_string && (text[i] == '[' || text[i] == '{'))
                        deepest = MAX(deepest, ++depth);
                else if (!in_string && (text[i] == ']' || text[i] == '}') && depth > 0)
                        depth--;
        return deepest;
}

static void depth_is_that_of_a_plain_count(void **state)
{
        static const char letters[] = "[]{}\"\\ab";
        struct rf_random random;
        char text[40];

        (void)state;
        rf_random_seed_named(&random, 1, "depth");
        for (int n = 0; n < 100000; n++) {
                size_t size = rf_random_below(&random, sizeof(text));

                for (size_t i = 0; i < size; i++)
                        text[i] = letters[rf_random_below(&random, sizeof(letters) - 1)];
                assert_int_equal(rf_json_depth(text, size), depth_of(text, size));
        }
}

/* A bad byte is found wherever it stands, a good character counts wherever it begins. */
static void utf8_is_checked_to_the_last_byte(void **state)
{
        char text[40];

        (void)state;
        for (size_t size = 1; size <= sizeof(text); size++)
                for (size_t at = 0; at < size; at++) {
                        memset(text, 'a', size);
                        text[at] = '\xff';
                        assert_false(rf_utf8_is_valid(text, size));
                        text[at] = '\0';
                        assert_false(rf_utf8_is_valid(text, size));
                        text[at] = '\xc3';
                        assert_false(rf_utf8_is_valid(text, size));
                        if (at + 1 < size) {
                                text[at + 1] = '\xa9';
                                assert_true(rf_utf8_is_valid(text, size));
                        }
                }
}

static void options_are_checked_and_explained(void **state)
{
        static const struct rf_option duration = { "t", RF_OPTION_DURATION, "1s", 1e5, 3600e6, NULL, 0, "" };
        static const struct rf_option size = { "s", RF_OPTION_SIZE, "1M", 65536, 1073741824.0, NULL, 0, "" };
        static const struct rf_option number = { "n", RF_OPTION_INTEGER, "1", 1, 64, NULL, 0, "" };
        static const struct rf_option choice = { "c", RF_OPTION_ENUM, "b", 0, 0, "a|b|c", 0, "" };
        static const struct rf_option path = { "p", RF_OPTION_PATH, NULL, 0, 0, NULL, 0, "" };
        static const struct rf_option flag = { "f", RF_OPTION_BOOL, NULL, 0, 0, NULL, 0, "" };
        static const struct {
                const struct rf_option *option;
                const char *text;
                int64_t value; /* -1: refused */
                const char *reason;
        } table[] = {
                { &duration, "250ms", 250000, NULL },
                { &duration, "1.5m", 90000000, NULL },
                { &duration, "5", -1, "allowed: duration, 100ms to 1h, such as 20s or 45m" },
                { &duration, "2h", -1, "allowed: duration, 100ms to 1h, such as 20s or 45m" },
                { &duration, "1e999s", -1, "allowed: duration, 100ms to 1h, such as 20s or 45m" },
                { &size, "64K", 65536, NULL },
                { &size, "1K", -1, "allowed: size, 64K to 1G, such as 64M" },
                { &number, "64", 64, NULL },
                { &number, "65", -1, "allowed: integer, 1 to 64" },
                { &number, "6x", -1, "allowed: integer, 1 to 64" },
                { &number, "", -1, "allowed: integer, 1 to 64" },
                { &choice, "b", 1, NULL },
                { &choice, "d", -1, "allowed: a, b or c" },
                { &path, "x", -1, "allowed: absolute path" },
                { &flag, "Yes", 1, NULL },
                { &flag, "off", 0, NULL },
                { &flag, "maybe", -1, "allowed: yes or no" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                struct rf_value v;
                char reason[128] = "";
                int r = rf_option_parse(table[i].option, table[i].text, &v, reason, sizeof(reason));

                if (table[i].reason) {
                        assert_int_equal(r, -RF_ECONFIG);
                        assert_string_equal(reason, table[i].reason);
                } else {
                        assert_int_equal(r, 0);
                        assert_true(v.integer == table[i].value);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(errors_all_have_a_text),
                cmocka_unit_test(buf_grows_and_consumes),
                cmocka_unit_test(reader_gives_back_what_was_put_and_never_reads_past_the_end),
                cmocka_unit_test(arena_is_aligned_zeroed_and_bounded),
                cmocka_unit_test(map_agrees_with_a_plain_array),
                cmocka_unit_test(map_iterates_in_insertion_order),
                cmocka_unit_test(random_streams_repeat_and_are_fair),
                cmocka_unit_test(text_folds_for_comparison),
                cmocka_unit_test(capitals_are_of_any_language),
                cmocka_unit_test(one_edit_is_one_edit),
                cmocka_unit_test(json_is_bounded_in_depth_before_it_is_parsed),
                cmocka_unit_test(depth_is_that_of_a_plain_count),
                cmocka_unit_test(utf8_is_checked_to_the_last_byte),
                cmocka_unit_test(options_are_checked_and_explained),
        };

        return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
