#include "test.h"

#include "base/error.h"
#include "base/random.h"
#include "store/cache.h"
#include "store/env.h"
#include "store/record.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND 1000000ULL

static char directory[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static int make_directory(void **state)
{
        (void)state;
        strcpy(directory, "/tmp/recflow-test-XXXXXX");
        return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
        (void)state;
        return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int open_cache(uint64_t size, struct rf_cache **ret, char notice[512])
{
        return rf_cache_open(&(struct rf_cache_options){ .directory = directory, .size_max = size, .sync_interval_us = SECOND }, ret,
                             notice, 512);
}

static int put(struct rf_cache *c, const char *key, const char *value, uint64_t fresh, uint64_t stale, uint64_t error)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;

        assert_int_equal(rf_buf_add_string(&b, value), 0);
        return rf_cache_put(c, key, strlen(key), &(struct rf_cache_entry){ .value = b, .stored_us = 1, .fresh_until_us = fresh,
                                                                           .stale_until_us = stale, .error_until_us = error });
}

static int get(struct rf_cache *c, const char *key, uint64_t now, char out[64])
{
        struct rf_cache_entry e;
        int r = rf_cache_get(c, key, strlen(key), now, &e);

        if (r < 0)
                return r;
        snprintf(out, 64, "%s", e.value.data ? e.value.data : "");
        rf_buf_done(&e.value);
        return 0;
}

static void what_was_put_is_there_until_its_last_use(void **state)
{
        _cleanup_(rf_cache_closep) struct rf_cache *c = NULL;
        char notice[512], out[64];

        (void)state;
        assert_int_equal(open_cache(1 << 20, &c, notice), 0);
        assert_string_equal(notice, "");
        assert_int_equal(put(c, "a", "one", 10 * SECOND, 20 * SECOND, 30 * SECOND), 0);
        assert_int_equal(get(c, "a", 5 * SECOND, out), 0);
        assert_string_equal(out, "one");
        assert_true(rf_cache_has_fresh(c, "a", 1, 5 * SECOND));
        assert_false(rf_cache_has_fresh(c, "a", 1, 15 * SECOND));
        assert_int_equal(get(c, "a", 25 * SECOND, out), 0);
        assert_int_equal(get(c, "a", 31 * SECOND, out), -ENOENT);
        assert_int_equal(get(c, "b", 5 * SECOND, out), -ENOENT);
        assert_int_equal(put(c, "a", "two", 10 * SECOND, 0, 0), 0);
        assert_int_equal(get(c, "a", 5 * SECOND, out), 0);
        assert_string_equal(out, "two");
        assert_int_equal(rf_cache_stats(c).hits, 2);
        assert_int_equal(rf_cache_stats(c).stale_hits, 1);
        assert_int_equal(rf_cache_stats(c).expired, 1);
}

static void it_survives_a_stop(void **state)
{
        struct rf_cache *c;
        char notice[512], out[64];

        (void)state;
        assert_int_equal(open_cache(1 << 20, &c, notice), 0);
        assert_int_equal(put(c, "kept", "value", 10 * SECOND, 0, 0), 0);
        rf_cache_close(c);
        assert_int_equal(open_cache(1 << 20, &c, notice), 0);
        assert_string_equal(notice, "");
        assert_int_equal(get(c, "kept", SECOND, out), 0);
        rf_cache_close(c);
}

static void the_size_is_bounded_and_what_is_used_stays(void **state)
{
        _cleanup_(rf_cache_closep) struct rf_cache *c = NULL;
        char notice[512], out[64], key[32], value[1001];
        struct rf_cache_stats stats;

        (void)state;
        memset(value, 'x', 1000);
        value[1000] = '\0';
        assert_int_equal(open_cache(1 << 20, &c, notice), 0);
        assert_int_equal(put(c, "hot", "here", RF_FOREVER, 0, 0), 0);
        for (int i = 0; i < 5000; i++) {
                snprintf(key, sizeof(key), "cold%d", i);
                assert_int_equal(put(c, key, value, RF_FOREVER, 0, 0), 0);
                if (i % 50 == 0)
                        assert_int_equal(get(c, "hot", SECOND, out), 0);
        }
        stats = rf_cache_stats(c);
        print_message("# %llu entries, %llu evictions, %llu of %llu bytes\n", (unsigned long long)stats.entries,
                      (unsigned long long)stats.evictions, (unsigned long long)stats.bytes_used, (unsigned long long)stats.bytes_max);
        assert_true(stats.evictions > 3000 && stats.entries > 250);
        assert_true(stats.bytes_used <= stats.bytes_max * 80 / 100);
        assert_int_equal(stats.put_failures, 0);
        assert_int_equal(get(c, "hot", SECOND, out), 0);
        assert_int_equal(get(c, "cold0", SECOND, out), -ENOENT);
        assert_int_equal(get(c, "cold4999", SECOND, out), 0);
}

static void a_scan_does_not_push_out_what_is_read(void **state)
{
        _cleanup_(rf_cache_closep) struct rf_cache *c = NULL;
        char notice[512], out[64], key[32], value[1001];
        int n_hot = 0;

        (void)state;
        memset(value, 'x', 1000);
        value[1000] = '\0';
        assert_int_equal(open_cache(1 << 20, &c, notice), 0);
        for (int i = 0; i < 100; i++) { /* read once after they were put */
                snprintf(key, sizeof(key), "hot%d", i);
                assert_int_equal(put(c, key, value, RF_FOREVER, 0, 0), 0);
                assert_int_equal(get(c, key, SECOND, out), 0);
        }
        c = rf_cache_close(c);
        assert_int_equal(open_cache(1 << 20, &c, notice), 0); /* the order outlives a restart */
        for (int i = 0; i < 1200; i++) {
                snprintf(key, sizeof(key), "scan%d", i);
                assert_int_equal(put(c, key, value, RF_FOREVER, 0, 0), 0);
        }
        for (int i = 0; i < 90; i++) { /* the last ones' reading may not have been written down before the restart */
                snprintf(key, sizeof(key), "hot%d", i);
                n_hot += get(c, key, SECOND, out) == 0;
        }
        print_message("# %d of 90 are still there\n", n_hot);
        assert_true(n_hot >= 85);
        for (int i = 0; i < 20000; i++) { /* but not for ever, unread */
                snprintf(key, sizeof(key), "later%d", i);
                assert_int_equal(put(c, key, value, RF_FOREVER, 0, 0), 0);
        }
        assert_int_equal(get(c, "hot1", SECOND, out), -ENOENT);
        assert_int_equal(get(c, "later19999", SECOND, out), 0);
}

static void overwriting_one_key_does_not_grow_the_file(void **state)
{
        struct rf_cache *c;
        char notice[512], value[1001], path[128];
        struct stat st;

        (void)state;
        memset(value, 'x', 1000);
        value[1000] = '\0';
        assert_int_equal(open_cache(64 << 20, &c, notice), 0);
        for (int i = 0; i < 5000; i++)
                assert_int_equal(put(c, "same", value, RF_FOREVER, 0, 0), 0);
        rf_cache_close(c);
        snprintf(path, sizeof(path), "%s/cache.mdb", directory);
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size < 512 * 1024);
}

static void flushing_drops_everything(void **state)
{
        _cleanup_(rf_cache_closep) struct rf_cache *c = NULL;
        char notice[512], out[64];
        uint64_t dropped;

        (void)state;
        assert_int_equal(open_cache(1 << 20, &c, notice), 0);
        put(c, "a", "1", RF_FOREVER, 0, 0);
        put(c, "b", "2", RF_FOREVER, 0, 0);
        assert_int_equal(rf_cache_flush(c, &dropped), 0);
        assert_int_equal(dropped, 2);
        assert_int_equal(get(c, "a", 1, out), -ENOENT);
        assert_int_equal(rf_cache_stats(c).entries, 0);
}

static void a_second_opener_is_refused(void **state)
{
        _cleanup_(rf_cache_closep) struct rf_cache *c = NULL;
        struct rf_cache *second = NULL;
        char notice[512];

        (void)state;
        assert_int_equal(open_cache(1 << 20, &c, notice), 0);
        assert_int_equal(open_cache(1 << 20, &second, notice), -RF_EBUSY);
        assert_non_null(strstr(notice, "in use by another recflowd"));
        assert_null(second);
}

/* Damages the file in one of many ways, then opens and uses it in a process of its own. */
static void damage(const char *path, uint64_t seed)
{
        struct rf_random r;
        struct stat st;
        char junk[256];
        int fd = open(path, O_RDWR);

        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        rf_random_seed(&r, seed);
        for (size_t i = 0; i < sizeof(junk); i++)
                junk[i] = (char)rf_random_u64(&r);
        switch (seed % 4) {
        case 0: /* cut off anywhere */
                assert_int_equal(ftruncate(fd, rf_random_below(&r, (uint32_t)st.st_size)), 0);
                break;
        case 1: /* both meta pages overwritten */
                assert_true(pwrite(fd, junk, 64, 0) == 64 && pwrite(fd, junk, 64, 4096) == 64);
                break;
        case 2: /* something else altogether */
                assert_int_equal(ftruncate(fd, 0), 0);
                assert_true(pwrite(fd, "SQLite format 3", 16, 0) == 16);
                break;
        default: /* a flipped byte in a record's text */
                for (off_t at = 8192; at < st.st_size; at += 4096) {
                        char page[4096];
                        char *found;

                        assert_true(pread(fd, page, sizeof(page), at) >= 0);
                        found = memmem(page, sizeof(page), "payload", 7);
                        if (found)
                                assert_true(pwrite(fd, "PAYLOAD", 7, at + (found - page)) == 7);
                }
        }
        close(fd);
}

static int use_damaged(uint64_t seed)
{
        struct rf_cache *c;
        char notice[512], out[64], key[32];

        if (open_cache(1 << 20, &c, notice) < 0)
                return 1;
        for (int i = 0; i < 50; i++) {
                snprintf(key, sizeof(key), "key%d", i);
                if (get(c, key, SECOND, out) == 0 && strncmp(out, "payload", 7) != 0)
                        return 2;
        }
        if (put(c, "new", "value", RF_FOREVER, 0, 0) < 0 || get(c, "new", SECOND, out) < 0)
                return 3;
        if (seed % 4 == 3 && rf_cache_stats(c).corrupt == 0)
                return 4;
        if (seed % 4 != 3 && !notice[0])
                return 5;
        rf_cache_close(c);
        return 0;
}

static void a_damaged_file_is_set_aside_and_said_so(void **state)
{
        char path[128];

        (void)state;
        snprintf(path, sizeof(path), "%s/cache.mdb", directory);
        for (uint64_t seed = 0; seed < 40; seed++) {
                struct rf_cache *c;
                char notice[512], key[32], value[64];
                int status;
                pid_t pid;

                assert_int_equal(open_cache(1 << 20, &c, notice), 0);
                for (int i = 0; i < 50; i++) {
                        snprintf(key, sizeof(key), "key%d", i);
                        snprintf(value, sizeof(value), "payload%d", i);
                        assert_int_equal(put(c, key, value, RF_FOREVER, 0, 0), 0);
                }
                rf_cache_close(c);
                damage(path, seed);
                pid = fork();
                if (pid == 0)
                        _exit(use_damaged(seed));
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
        }
}

static void a_machine_that_went_down_costs_only_the_cache(void **state)
{
        char notice[512], first[128], second[128];
        struct rf_env_options o = { .directory = directory, .name = "cache", .size_max = 1 << 20, .databases = 2,
                                    .is_expendable = true, .schema = 1 };
        struct rf_env *e;
        int status;
        pid_t pid;

        (void)state;
        snprintf(first, sizeof(first), "%s/boot-1", directory);
        snprintf(second, sizeof(second), "%s/boot-2", directory);
        for (int i = 0; i < 2; i++) {
                FILE *f = fopen(i ? second : first, "w");

                fprintf(f, "boot-%d\n", i);
                fclose(f);
        }
        o.boot_id_path = first;
        pid = fork();
        if (pid == 0) {
                assert_int_equal(rf_env_open(&o, &e, notice, sizeof(notice)), 0);
                _exit(0); /* no clean stop */
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(rf_env_open(&o, &e, notice, sizeof(notice)), 0);
        assert_string_equal(notice, ""); /* the same boot: nothing was lost */
        rf_env_close(e);
        pid = fork();
        if (pid == 0) {
                assert_int_equal(rf_env_open(&o, &e, notice, sizeof(notice)), 0);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        o.boot_id_path = second;
        assert_int_equal(rf_env_open(&o, &e, notice, sizeof(notice)), 0);
        assert_non_null(strstr(notice, "the machine went down"));
        rf_env_close(e);
        o.schema = 0;
        assert_int_equal(rf_env_open(&o, &e, notice, sizeof(notice)), -RF_EFOREIGN);
        assert_non_null(strstr(notice, "newer version"));
}

static void a_record_is_checked_byte_by_byte(void **state)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        const void *payload;
        size_t size;

        (void)state;
        assert_int_equal(rf_record_wrap(&b, 2, "hello", 5), 0);
        assert_int_equal(rf_record_unwrap(b.data, b.size, 2, &payload, &size), 0);
        assert_memory_equal(payload, "hello", 5);
        assert_int_equal(rf_record_unwrap(b.data, b.size, 1, &payload, &size), -RF_EFOREIGN);
        for (size_t i = 0; i < b.size; i++) {
                b.data[i] ^= 1;
                assert_true(rf_record_unwrap(b.data, b.size, 2, &payload, &size) < 0);
                b.data[i] ^= 1;
                assert_int_equal(rf_record_unwrap(b.data, i, 2, &payload, &size), -RF_ECORRUPT);
        }
}

static void an_entry_of_the_future_is_not_fresh_and_not_kept_for_it(void **state)
{
        _cleanup_(rf_cache_closep) struct rf_cache *c = NULL;
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        const uint64_t day = 86400 * SECOND, now = 100 * day;
        struct rf_cache_entry e;
        char notice[512], out[64];

        (void)state;
        assert_int_equal(open_cache(1 << 20, &c, notice), 0);
        assert_int_equal(rf_buf_add_string(&b, "one"), 0);
        /* put a day ahead of what the clock says after it was set back */
        assert_int_equal(rf_cache_put(c, "a", 1, &(struct rf_cache_entry){ .value = b, .stored_us = now + day,
                                                                           .fresh_until_us = now + day + 10 * SECOND,
                                                                           .stale_until_us = now + day + 20 * SECOND,
                                                                           .error_until_us = now + day + 30 * SECOND }), 0);
        assert_false(rf_cache_has_fresh(c, "a", 1, now));
        assert_int_equal(rf_cache_get(c, "a", 1, now, &e), 0);
        assert_true(e.stored_us == now && e.fresh_until_us <= now);
        assert_true(e.stale_until_us == now + 20 * SECOND && e.error_until_us == now + 30 * SECOND);
        rf_buf_done(&e.value);
        /* the clock is right again: so is the entry */
        assert_true(rf_cache_has_fresh(c, "a", 1, now + day + SECOND));
        assert_int_equal(get(c, "a", now + day + 40 * SECOND, out), -ENOENT);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(what_was_put_is_there_until_its_last_use),
                CASE(it_survives_a_stop),
                CASE(the_size_is_bounded_and_what_is_used_stays),
                CASE(a_scan_does_not_push_out_what_is_read),
                CASE(overwriting_one_key_does_not_grow_the_file),
                CASE(flushing_drops_everything),
                CASE(a_second_opener_is_refused),
                CASE(a_damaged_file_is_set_aside_and_said_so),
                CASE(a_machine_that_went_down_costs_only_the_cache),
                CASE(a_record_is_checked_byte_by_byte),
                CASE(an_entry_of_the_future_is_not_fresh_and_not_kept_for_it),
        };

        return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
