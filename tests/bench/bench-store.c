/* The cache and the state store, each beside bare LMDB with the same options and sizes. */
#include <lmdb.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "bench.h"
#include "sched/sched.h"
#include "store/cache.h"
#include "store/state.h"

enum { KEYS = 10000, VALUE = 1024, STATE_PUTS = 200 };

static char directory[] = "/tmp/recflow-bench-XXXXXX";
static char value[VALUE];

static void make_key(char key[static 32], unsigned i)
{
        snprintf(key, 32, "search_tracks:%010u", i * 2654435761u % KEYS);
}

#define CHECK(x)                                                \
        do {                                                    \
                int r_ = (x);                                   \
                if (r_ != 0) {                                  \
                        fprintf(stderr, "%s: %d\n", #x, r_);    \
                        exit(1);                                \
                }                                               \
        } while (0)

struct bare {
        MDB_env *env;
        MDB_dbi dbi;
};

static struct bare bare_open(const char *name, unsigned flags)
{
        struct bare b;
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", directory, name);
        CHECK(mdb_env_create(&b.env));
        CHECK(mdb_env_set_mapsize(b.env, 256u << 20));
        CHECK(mdb_env_open(b.env, path, MDB_NOTLS | MDB_NORDAHEAD | MDB_NOSUBDIR | flags, 0600));
        return b;
}

static void bare_put(struct bare *b, unsigned i)
{
        MDB_txn *txn;
        char key[32];
        MDB_val k, v = { VALUE, value };

        make_key(key, i);
        k = (MDB_val){ strlen(key), key };
        CHECK(mdb_txn_begin(b->env, NULL, 0, &txn));
        CHECK(mdb_dbi_open(txn, NULL, 0, &b->dbi));
        CHECK(mdb_put(txn, b->dbi, &k, &v, 0));
        CHECK(mdb_txn_commit(txn));
}

static double bare_puts_us(struct bare *b, unsigned n)
{
        double start = bench_now_ns();

        for (unsigned i = 0; i < n; i++)
                bare_put(b, i);
        return (bench_now_ns() - start) / n / 1000.0;
}

static double bare_gets_us(struct bare *b)
{
        static char copy[VALUE];
        MDB_txn *txn;
        double start;

        CHECK(mdb_txn_begin(b->env, NULL, MDB_RDONLY, &txn));
        mdb_txn_reset(txn);
        start = bench_now_ns();
        for (unsigned i = 0; i < KEYS; i++) {
                char key[32];
                MDB_val k, v;

                make_key(key, i);
                k = (MDB_val){ strlen(key), key };
                CHECK(mdb_txn_renew(txn));
                CHECK(mdb_get(txn, b->dbi, &k, &v));
                memcpy(copy, v.mv_data, v.mv_size);
                mdb_txn_reset(txn);
        }
        start = (bench_now_ns() - start) / KEYS / 1000.0;
        mdb_txn_abort(txn);
        return start;
}

static struct rf_cache *cache;
static struct rf_state *state;
static double state_one_us, state_many_us;

static double cache_puts_us(void)
{
        struct rf_cache_entry e = { .stored_us = 1, .fresh_until_us = UINT64_MAX, .stale_until_us = UINT64_MAX, .error_until_us = UINT64_MAX };
        double start;

        CHECK(rf_buf_add(&e.value, value, VALUE));
        start = bench_now_ns();
        for (unsigned i = 0; i < KEYS; i++) {
                char key[32];

                make_key(key, i);
                CHECK(rf_cache_put(cache, key, strlen(key), &e));
        }
        start = (bench_now_ns() - start) / KEYS / 1000.0;
        rf_buf_done(&e.value);
        return start;
}

static double cache_gets_us(void)
{
        double start = bench_now_ns();

        for (unsigned i = 0; i < KEYS; i++) {
                struct rf_cache_entry e = { 0 };
                char key[32];

                make_key(key, i);
                CHECK(rf_cache_get(cache, key, strlen(key), 2, &e));
                rf_buf_done(&e.value);
        }
        return (bench_now_ns() - start) / KEYS / 1000.0;
}

static int one_put(void *arg)
{
        unsigned i = (unsigned)(uintptr_t)arg;

        return rf_state_put(state, RF_TABLE_RUNS, &i, sizeof(i), value, VALUE);
}

/* One after the other, and a hundred at once: these share their commits. */
static int state_puts(void *arg)
{
        struct rf_group *g = NULL;
        double start = bench_now_ns();
        int r = 0;

        (void)arg;
        for (unsigned i = 0; i < STATE_PUTS && r >= 0; i++)
                r = one_put((void *)(uintptr_t)i);
        state_one_us = (bench_now_ns() - start) / STATE_PUTS / 1000.0;
        start = bench_now_ns();
        if (r >= 0)
                r = rf_group_new(RF_FOREVER, &g);
        for (unsigned i = 0; i < STATE_PUTS && r >= 0; i++)
                r = rf_group_spawn(g, "put", one_put, (void *)(uintptr_t)i);
        if (r >= 0)
                r = rf_group_join(g);
        rf_group_free(g);
        state_many_us = (bench_now_ns() - start) / STATE_PUTS / 1000.0;
        return r;
}

static void remove_all(void)
{
        char command[64];

        snprintf(command, sizeof(command), "rm -rf %s", directory);
        if (system(command) != 0)
                fprintf(stderr, "%s is left behind\n", directory);
}

int main(void)
{
        double ours[4][BENCH_ROUNDS], bare[3][BENCH_ROUNDS];
        struct rf_sched *s = NULL;
        char message[256], path[64];
        struct bare fast, synced;

        if (!mkdtemp(directory))
                return 1;
        atexit(remove_all);
        memset(value, 'v', sizeof(value));
        fast = bare_open("fast", MDB_NOSYNC);
        synced = bare_open("synced", 0);
        snprintf(path, sizeof(path), "%s/cache", directory);
        CHECK(rf_cache_open(&(struct rf_cache_options){ .directory = path, .size_max = 256u << 20, .sync_interval_us = 3600000000ull }, &cache,
                            message, sizeof(message)));
        snprintf(path, sizeof(path), "%s/state", directory);
        CHECK(rf_state_open(&(struct rf_state_options){ .directory = path, .size_max = 256u << 20 }, &state, message, sizeof(message)));
        CHECK(rf_sched_new(&(struct rf_sched_options){ 0 }, &s));
        for (int i = 0; i < BENCH_ROUNDS; i++) {
                bare[0][i] = bare_puts_us(&fast, KEYS);
                bare[1][i] = bare_gets_us(&fast);
                bare[2][i] = bare_puts_us(&synced, STATE_PUTS);
                ours[0][i] = cache_puts_us();
                ours[1][i] = cache_gets_us();
                CHECK(rf_sched_run(s, state_puts, NULL));
                ours[2][i] = state_one_us;
                ours[3][i] = state_many_us;
        }
        bench_print("cache get, 1 KB, 10,000 keys", bench_median(ours[1], BENCH_ROUNDS), bench_median(bare[1], BENCH_ROUNDS), "us", "LMDB get",
                    "target: ratio 3");
        bench_print("cache put, 1 KB", bench_median(ours[0], BENCH_ROUNDS), bench_median(bare[0], BENCH_ROUNDS), "us", "LMDB put, not synced",
                    "three tables");
        bench_print("state put, alone", bench_median(ours[2], BENCH_ROUNDS), bench_median(bare[2], BENCH_ROUNDS), "us", "LMDB put, synced",
                    "off the loop");
        bench_print("state put, 200 at once", bench_median(ours[3], BENCH_ROUNDS), bench_median(bare[2], BENCH_ROUNDS), "us", "LMDB put, synced",
                    "shared commits");
        rf_sched_free(s);
        rf_state_close(state);
        rf_cache_close(cache);
        mdb_env_close(fast.env);
        mdb_env_close(synced.env);
        return 0;
}
