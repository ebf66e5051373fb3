#include "test.h"

#include "base/error.h"
#include "sched/sched.h"
#include "store/cache.h"
#include "store/env.h"
#include "store/record.h"
#include "store/snapshot.h"
#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE (1u << 20)

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

static const char *path_of(const char *file)
{
        static char path[128];

        snprintf(path, sizeof(path), "%s/%s", directory, file);
        return path;
}

/* A store as version 1 wrote it: tables, and nothing that says so but the mark. */
static void write_old(const char *name, const char *const *tables, size_t n_tables, const char *key, const struct rf_buf *record)
{
        char file[32], text[64];
        MDB_env *env;
        MDB_txn *txn;
        MDB_dbi table;
        FILE *mark;

        snprintf(file, sizeof(file), "%s.mdb", name);
        assert_int_equal(mdb_env_create(&env), 0);
        assert_int_equal(mdb_env_set_mapsize(env, SIZE), 0);
        assert_int_equal(mdb_env_set_maxdbs(env, (unsigned)n_tables), 0);
        assert_int_equal(mdb_env_open(env, path_of(file), MDB_NOSUBDIR | MDB_NOLOCK, 0600), 0);
        assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
        for (size_t i = 0; i < n_tables; i++) {
                MDB_val k = { strlen(key), (void *)key }, v = { record->size, record->data };

                assert_int_equal(mdb_dbi_open(txn, tables[i], MDB_CREATE, &table), 0);
                assert_int_equal(mdb_put(txn, table, &k, &v, 0), 0);
        }
        assert_int_equal(mdb_txn_commit(txn), 0);
        mdb_env_close(env);
        snprintf(file, sizeof(file), "%s.mark", name);
        mark = fopen(path_of(file), "we");
        assert_non_null(mark);
        snprintf(text, sizeof(text), "clean 1 unknown\n");
        assert_true(fputs(text, mark) >= 0);
        assert_int_equal(fclose(mark), 0);
}

static int open_env(const char *name, uint32_t schema, const struct rf_env_step *steps, size_t n, struct rf_env **ret, char notice[512])
{
        return rf_env_open(&(struct rf_env_options){ .directory = directory, .name = name, .size_max = SIZE, .databases = 5,
                                                     .is_synced = true, .schema = schema, .steps = steps, .n_steps = n }, ret, notice, 512);
}

static void read_file(const char *file, struct rf_buf *ret)
{
        int fd = open(path_of(file), O_RDONLY | O_CLOEXEC);
        struct stat st;

        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(rf_buf_reserve(ret, (size_t)st.st_size + 1), 0);
        assert_int_equal(read(fd, ret->data, (size_t)st.st_size), st.st_size);
        ret->size = (size_t)st.st_size;
        close(fd);
}

static void assert_same(const struct rf_buf *a, const struct rf_buf *b)
{
        assert_int_equal(a->size, b->size);
        assert_memory_equal(a->data, b->data, a->size);
}

/* ---- Steps ---- */

static int append(MDB_txn *txn, const char *what)
{
        MDB_val key = { 1, "k" }, value;
        char text[64];
        MDB_dbi table;
        int r = mdb_dbi_open(txn, "runs", 0, &table);

        if (r == 0)
                r = mdb_get(txn, table, &key, &value);
        if (r != 0)
                return r;
        snprintf(text, sizeof(text), "%.*s%s", (int)value.mv_size, (const char *)value.mv_data, what);
        value = (MDB_val){ strlen(text), text };
        return mdb_put(txn, table, &key, &value, 0);
}

static int second(MDB_txn *txn, void *arg)
{
        (void)arg;
        return append(txn, " two");
}

static int third(MDB_txn *txn, void *arg)
{
        int r = append(txn, " three");

        return r == 0 && arg ? MDB_MAP_FULL : r;
}

static const struct rf_env_step steps[] = { { 1, "the second", second }, { 2, "the third", third } };
static const char *const tables[] = { "runs", "limits" };

static void assert_value(struct rf_env *e, const char *expected)
{
        MDB_val key = { 1, "k" }, value;
        MDB_txn *txn;
        MDB_dbi table;

        assert_int_equal(mdb_txn_begin(rf_env_mdb(e), NULL, MDB_RDONLY, &txn), 0);
        assert_int_equal(mdb_dbi_open(txn, "runs", 0, &table), 0);
        assert_int_equal(mdb_get(txn, table, &key, &value), 0);
        assert_int_equal(value.mv_size, strlen(expected));
        assert_memory_equal(value.mv_data, expected, value.mv_size);
        mdb_txn_abort(txn);
}

static struct rf_buf text_buf(const char *text)
{
        struct rf_buf b = RF_BUF_INIT;

        assert_int_equal(rf_buf_add_string(&b, text), 0);
        return b;
}

static void an_older_store_takes_every_step_once(void **state)
{
        _cleanup_buf_ struct rf_buf one = text_buf("one");
        struct rf_env *e;
        char notice[512];

        (void)state;
        write_old("s", tables, 2, "k", &one);
        assert_int_equal(open_env("s", 3, steps, 2, &e, notice), 0);
        assert_non_null(strstr(notice, "s.mdb was upgraded from version 1 to 3: the second; the third"));
        assert_value(e, "one two three");
        rf_env_close(e);
        assert_int_equal(open_env("s", 3, steps, 2, &e, notice), 0);
        assert_string_equal(notice, "");
        assert_value(e, "one two three");
        rf_env_close(e);
}

static void a_step_that_fails_leaves_everything_as_it_was(void **state)
{
        _cleanup_buf_ struct rf_buf one = text_buf("one");
        struct rf_env_options o = { .directory = directory, .name = "s", .size_max = SIZE, .databases = 5, .is_synced = true, .schema = 3,
                                    .steps = steps, .n_steps = 2, .step_arg = directory };
        struct rf_env *e;
        char notice[512];

        (void)state;
        write_old("s", tables, 2, "k", &one);
        assert_int_equal(rf_env_open(&o, &e, notice, sizeof(notice)), -ENOSPC);
        assert_non_null(strstr(notice, "s.mdb"));
        o.step_arg = NULL;
        assert_int_equal(rf_env_open(&o, &e, notice, sizeof(notice)), 0);
        assert_value(e, "one two three");
        rf_env_close(e);
}

static void a_store_that_is_too_old_is_refused_and_an_expendable_one_made_anew(void **state)
{
        _cleanup_buf_ struct rf_buf one = text_buf("one"), before = RF_BUF_INIT, after = RF_BUF_INIT;
        struct rf_env_options o = { .directory = directory, .name = "s", .size_max = SIZE, .databases = 5, .schema = 3, .steps = steps + 1,
                                    .n_steps = 1 };
        struct rf_env *e;
        char notice[512];

        (void)state;
        write_old("s", tables, 2, "k", &one);
        read_file("s.mdb", &before);
        assert_int_equal(rf_env_open(&o, &e, notice, sizeof(notice)), -RF_EFOREIGN);
        assert_non_null(strstr(notice, "has version 1, which this version of recflow no longer reads"));
        read_file("s.mdb", &after);
        assert_same(&before, &after);
        o.is_expendable = true;
        assert_int_equal(rf_env_open(&o, &e, notice, sizeof(notice)), 0);
        assert_non_null(strstr(notice, "too old to be upgraded"));
        assert_int_equal(access(path_of("s.mdb.damaged-1"), F_OK), 0);
        rf_env_close(e);
}

static void a_newer_store_is_refused_with_words_and_not_touched(void **state)
{
        struct rf_env *e;
        char notice[512];

        (void)state;
        for (int with_mark = 1; with_mark >= 0; with_mark--) {
                _cleanup_buf_ struct rf_buf before = RF_BUF_INIT, after = RF_BUF_INIT, mark = RF_BUF_INIT, mark_after = RF_BUF_INIT;

                assert_int_equal(open_env("s", 7, NULL, 0, &e, notice), 0);
                rf_env_close(e);
                read_file("s.mdb", &before);
                read_file("s.mark", &mark);
                if (!with_mark) /* a copy of the file alone still says what it is */
                        assert_int_equal(unlink(path_of("s.mark")), 0);
                assert_int_equal(open_env("s", 3, steps, 2, &e, notice), -RF_EFOREIGN);
                assert_non_null(strstr(notice, "s.mdb was written by a newer version of recflow (its version is 7, this one understands up to 3)"));
                assert_non_null(strstr(notice, "Install that version again, or move"));
                read_file("s.mdb", &after);
                assert_same(&before, &after);
                if (with_mark) {
                        read_file("s.mark", &mark_after);
                        assert_same(&mark, &mark_after);
                } else
                        assert_int_not_equal(access(path_of("s.mark"), F_OK), 0);
        }
}

static void an_older_copy_beside_a_newer_mark_is_taken_for_what_it_is(void **state)
{
        struct rf_env *e;
        FILE *mark;
        char notice[512];

        (void)state;
        assert_int_equal(open_env("s", 3, steps, 2, &e, notice), 0);
        rf_env_close(e);
        mark = fopen(path_of("s.mark"), "we");
        assert_non_null(mark);
        assert_true(fputs("clean 9 unknown\n", mark) >= 0);
        assert_int_equal(fclose(mark), 0);
        assert_int_equal(open_env("s", 3, steps, 2, &e, notice), 0);
        rf_env_close(e);
}

/* ---- The two stores ---- */

static void state_of_version_1_is_upgraded_and_keeps_its_records(void **state)
{
        static const char *const old[] = { "runs", "limits", "tokens", "warm", "saves" };
        _cleanup_buf_ struct rf_buf record = RF_BUF_INIT;
        _cleanup_(rf_state_closep) struct rf_state *s = NULL;
        char notice[512];

        (void)state;
        assert_int_equal(rf_record_wrap(&record, 1, "value", 5), 0);
        write_old("state", old, ARRAY_SIZE(old), "key", &record);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(rf_state_open(&(struct rf_state_options){ .directory = directory, .size_max = SIZE }, &s, notice, 512), 0);
                if (i == 0)
                        assert_non_null(strstr(notice, "state.mdb was upgraded from version 1 to"));
                else
                        assert_string_equal(notice, "");
                for (unsigned t = 0; t < ARRAY_SIZE(old); t++) {
                        _cleanup_buf_ struct rf_buf value = RF_BUF_INIT;

                        assert_string_equal(rf_state_table_name(t), old[t]);
                        assert_int_equal(rf_state_get(s, t, "key", 3, &value), 0);
                        assert_string_equal(value.data, "value");
                }
                s = rf_state_close(s);
        }
}

static void a_cache_of_version_1_is_upgraded_and_keeps_its_entries(void **state)
{
        static const char *const old[] = { "entries", "ages", "stamps" };
        _cleanup_buf_ struct rf_buf record = RF_BUF_INIT;
        _cleanup_(rf_cache_closep) struct rf_cache *c = NULL;
        char notice[512];

        (void)state;
        assert_int_equal(rf_record_wrap(&record, 1, "value", 5), 0);
        write_old("cache", old, ARRAY_SIZE(old), "0123456789abcdef", &record);
        assert_int_equal(rf_cache_open(&(struct rf_cache_options){ .directory = directory, .size_max = SIZE, .sync_interval_us = 1000000 }, &c,
                                       notice, 512), 0);
        assert_non_null(strstr(notice, "cache.mdb was upgraded from version 1 to"));
        assert_int_equal(rf_cache_stats(c).entries, 1);
}

/* ---- Another kernel's pages ---- */

/* An empty store as LMDB makes it where the kernel's pages have this size: its two first pages. */
static void write_empty(const char *file, uint32_t page_size)
{
        struct {
                uint64_t number;
                uint16_t pad, flags, lower, upper;
                uint32_t magic, version;
                uint64_t address, map_size;
                struct {
                        uint32_t pad; /* of the first: the size of pages */
                        uint16_t flags, depth;
                        uint64_t branches, leaves, overflows, entries, root;
                } tables[2];
                uint64_t last_page, commit;
        } meta = { .flags = 8, .magic = 0xBEEFC0DE, .version = 1, .map_size = SIZE, .last_page = 1 };
        int fd = open(path_of(file), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        meta.tables[0].pad = page_size;
        meta.tables[0].flags = MDB_INTEGERKEY;
        meta.tables[0].root = meta.tables[1].root = UINT64_MAX;
        assert_int_equal(ftruncate(fd, 2 * (off_t)page_size), 0);
        for (int i = 0; i < 2; i++) {
                meta.number = meta.commit = (uint64_t)i;
                assert_int_equal(pwrite(fd, &meta, sizeof(meta), i * (off_t)page_size), sizeof(meta));
        }
        close(fd);
}

static void a_store_with_pages_of_another_size_is_used_as_it_is(void **state)
{
        static const uint32_t sizes[] = { 4096, 8192, 16384, 32768 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                char name[32], file[64], copies[128], message[512], notice[512];
                _cleanup_buf_ struct rf_buf original = RF_BUF_INIT, copy = RF_BUF_INIT;
                struct rf_env *e;
                MDB_stat stat;

                snprintf(name, sizeof(name), "s%u", sizes[i]);
                snprintf(file, sizeof(file), "%s.mdb", name);
                write_empty(file, sizes[i]);
                for (int again = 0; again < 2; again++) {
                        assert_int_equal(open_env(name, 3, NULL, 0, &e, notice), 0);
                        assert_string_equal(notice, "");
                        assert_int_equal(mdb_env_stat(rf_env_mdb(e), &stat), 0);
                        assert_int_equal(stat.ms_psize, sizes[i]);
                        rf_env_close(e);
                }
                snprintf(copies, sizeof(copies), "%s/copy", directory);
                assert_true(mkdir(copies, 0700) == 0 || errno == EEXIST);
                assert_int_equal(rf_store_snapshot(directory, name, copies, message, sizeof(message)), 0);
                read_file(file, &original);
                snprintf(file, sizeof(file), "copy/%s.mdb", name);
                read_file(file, &copy);
                assert_same(&original, &copy);
        }
}

static void pages_of_a_size_that_cannot_be_are_damage(void **state)
{
        static const uint32_t sizes[] = { 0, 256, 5000, 1u << 20, UINT32_MAX };
        struct rf_env *e;
        char notice[512];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                int fd;

                write_empty("s.mdb", 4096);
                fd = open(path_of("s.mdb"), O_WRONLY | O_CLOEXEC);
                assert_int_equal(pwrite(fd, &sizes[i], sizeof(sizes[i]), 40), sizeof(sizes[i]));
                close(fd);
                assert_int_equal(open_env("s", 3, NULL, 0, &e, notice), 0);
                assert_non_null(strstr(notice, "its first pages are damaged"));
                rf_env_close(e);
                assert_int_equal(unlink(path_of("s.mdb")), 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(an_older_store_takes_every_step_once, make_directory, remove_directory),
                cmocka_unit_test_setup_teardown(a_step_that_fails_leaves_everything_as_it_was, make_directory, remove_directory),
                cmocka_unit_test_setup_teardown(a_store_that_is_too_old_is_refused_and_an_expendable_one_made_anew, make_directory,
                                                remove_directory),
                cmocka_unit_test_setup_teardown(a_newer_store_is_refused_with_words_and_not_touched, make_directory, remove_directory),
                cmocka_unit_test_setup_teardown(an_older_copy_beside_a_newer_mark_is_taken_for_what_it_is, make_directory, remove_directory),
                cmocka_unit_test_setup_teardown(state_of_version_1_is_upgraded_and_keeps_its_records, make_directory, remove_directory),
                cmocka_unit_test_setup_teardown(a_store_with_pages_of_another_size_is_used_as_it_is, make_directory, remove_directory),
                cmocka_unit_test_setup_teardown(pages_of_a_size_that_cannot_be_are_damage, make_directory, remove_directory),
                cmocka_unit_test_setup_teardown(a_cache_of_version_1_is_upgraded_and_keeps_its_entries, make_directory, remove_directory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
