/* providers, cache, ping, status, reload, version. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "text.h"

static const char *text(const json_t *o, const char *name)
{
        const char *s = json_string_value(json_object_get(o, name));

        return s ? s : "";
}

static long long number(const json_t *o, const char *name)
{
        return (long long)json_integer_value(json_object_get(o, name));
}

static void print_text(const char *s)
{
        text_print(stdout, s, text_width(s), false);
}

int command_ping(struct ctl *c)
{
        _cleanup_json_ json_t *reply = NULL;
        int r = ctl_call(c, ADMIN ".Ping", NULL, &reply);

        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        puts("the daemon answers");
        return ctl_flush(c);
}

int command_version(struct ctl *c)
{
        if (c->args.is_set[OPT_JSON]) {
                _cleanup_json_ json_t *j = json_pack("{s:s}", "version", PACKAGE_VERSION);

                return j ? ctl_print_json(c, j) : ctl_out_of_memory(c);
        }
        puts("recflowctl " PACKAGE_VERSION);
        return ctl_flush(c);
}

static void print_store(const char *name, const json_t *s)
{
        char used[32], max[32];

        printf("%-10s%lld entries, %s of %s in ", name, number(s, "entries"), text_bytes((uint64_t)number(s, "bytes_used"), used, sizeof(used)),
               text_bytes((uint64_t)number(s, "bytes_max"), max, sizeof(max)));
        print_text(text(s, "path"));
        putchar('\n');
        if (number(s, "corrupt") > 0)
                printf("%-10s%lld damaged records were left out\n", "", number(s, "corrupt"));
        if (text(s, "set_aside")[0])
                printf("%-10sa damaged file was set aside as %s\n", "", text(s, "set_aside"));
        if (text(s, "problem")[0]) {
                printf("%-10s", "");
                print_text(text(s, "problem"));
                putchar('\n');
        }
}

int command_status(struct ctl *c)
{
        _cleanup_json_ json_t *s = NULL;
        const json_t *notices;
        char memory[32], slowest[32];
        int r = ctl_call(c, ADMIN ".Status", NULL, &s);

        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, s);
        printf("%-10s%s, process %lld, since %s\n", "recflowd", text(s, "version"), number(s, "pid"), text(s, "started"));
        printf("%-10s%lld active (of %lld), %lld waiting (of %lld); %lld done, %lld failed, %lld cancelled\n", "runs", number(s, "runs_active"),
               number(s, "runs_active_max"), number(s, "runs_waiting"), number(s, "runs_waiting_max"), number(s, "runs_done"),
               number(s, "runs_failed"), number(s, "runs_cancelled"));
        printf("%-10s%lld\n", "clients", number(s, "clients"));
        printf("%-10s%s, %lld coroutines (at most %lld so far)\n", "memory", text_bytes((uint64_t)number(s, "memory_bytes"), memory, sizeof(memory)),
               number(s, "coroutines"), number(s, "coroutines_peak"));
        printf("%-10s%lld slow step%s, the longest took %s\n", "loop", number(s, "slow_steps"), number(s, "slow_steps") == 1 ? "" : "s",
               text_duration((uint64_t)number(s, "slowest_step_us"), slowest, sizeof(slowest)));
        printf("%-10s%lld words and phrases\n", "lexicon", number(s, "lexicon"));
        print_store("cache", json_object_get(s, "cache"));
        print_store("state", json_object_get(s, "state"));
        notices = json_object_get(s, "notices");
        for (size_t i = 0; i < json_array_size(notices); i++) {
                const char *notice = json_string_value(json_array_get(notices, i));

                printf("%-10s", i == 0 ? "notices" : "");
                print_text(notice ? notice : "");
                putchar('\n');
        }
        return ctl_flush(c);
}

/* The credential, and what keeps calls from being made. */
static void print_access(const json_t *p)
{
        const json_t *logged_in = json_object_get(p, "logged_in");
        const char *breaker = text(p, "breaker");

        if (logged_in)
                printf("  %s\n", json_is_true(logged_in) ? "logged in" : "nobody is logged in");
        if (text(p, "credential_problem")[0]) {
                fputs("  can't be asked: ", stdout);
                print_text(text(p, "credential_problem"));
                putchar('\n');
        }
        if (text(p, "blocked_until")[0])
                printf("  blocked until %s%s\n", text(p, "blocked_until"),
                       json_is_true(json_object_get(p, "blocked_by_quota")) ? ": its quota is used up" : "");
        if (json_object_get(p, "pace_milli") && number(p, "pace_milli") < 1000)
                printf("  slowed down to %lld.%lld %% of the configured rate\n", number(p, "pace_milli") / 10, number(p, "pace_milli") % 10);
        if (breaker[0] && strcmp(breaker, "closed") != 0)
                printf("  left alone after failures (breaker %s)\n", strcmp(breaker, "open") == 0 ? "open" : "half open");
        if (number(p, "waiting") > 0)
                printf("  %lld calls wait for their turn\n", number(p, "waiting"));
}

static void print_refusal(const json_t *operation)
{
        char why[512];

        snprintf(why, sizeof(why), "not now: %.400s%s%.40s%s", text(operation, "refused"), text(operation, "refused_until")[0] ? " (until " : "",
                 text(operation, "refused_until"), text(operation, "refused_until")[0] ? ")" : "");
        printf("%23s", "");
        text_wrap(stdout, why, 23, text_columns());
        putchar('\n');
}

static void print_provider(const json_t *p)
{
        const json_t *operations = json_object_get(p, "operations");
        char time[32];

        print_text(text(p, "name"));
        printf(" %s%s", text(p, "version"), text(p, "description")[0] ? ": " : "");
        print_text(text(p, "description"));
        putchar('\n');
        if (!json_is_true(json_object_get(p, "usable"))) {
                fputs("  not usable: ", stdout);
                print_text(text(p, "problem"));
                putchar('\n');
                return;
        }
        printf("  %lld call%s, %lld failure%s, %lld under way", number(p, "calls"), number(p, "calls") == 1 ? "" : "s", number(p, "failures"),
               number(p, "failures") == 1 ? "" : "s", number(p, "in_flight"));
        if (number(p, "mean_us"))
                printf(", %s each", text_duration((uint64_t)number(p, "mean_us"), time, sizeof(time)));
        putchar('\n');
        print_access(p);
        for (size_t i = 0; i < json_array_size(operations); i++) {
                const json_t *o = json_array_get(operations, i);

                printf("  %-20s ", text(o, "name"));
                print_text(text(o, "endpoint"));
                putchar('\n');
                if (text(o, "refused")[0])
                        print_refusal(o);
        }
}

int command_providers(struct ctl *c)
{
        _cleanup_json_ json_t *reply = NULL;
        const json_t *list;
        int r = ctl_call(c, ADMIN ".Providers", NULL, &reply);

        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        list = json_object_get(reply, "providers");
        for (size_t i = 0; i < json_array_size(list); i++)
                print_provider(json_array_get(list, i));
        return ctl_flush(c);
}

int command_cache(struct ctl *c)
{
        bool is_flush = strcmp(c->args.words[0], "flush") == 0;
        _cleanup_json_ json_t *reply = NULL;
        int r;

        if (!is_flush && strcmp(c->args.words[0], "stats") != 0)
                return ctl_usage(&c->args, "cache %s: one of stats, flush is needed", c->args.words[0]);
        r = ctl_call(c, is_flush ? ADMIN ".CacheFlush" : ADMIN ".CacheStats", NULL, &reply);
        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        if (is_flush)
                printf("%lld answers dropped\n", number(reply, "dropped"));
        else {
                print_store("cache", json_object_get(reply, "store"));
                printf("%-10s%lld, and %lld stale, %lld negative; %lld misses\n", "hits", number(reply, "hits"), number(reply, "stale_hits"),
                       number(reply, "negative_hits"), number(reply, "misses"));
                printf("%-10s%lld; %lld evicted, %lld expired, %lld damaged\n", "stored", number(reply, "puts"), number(reply, "evictions"),
                       number(reply, "expired"), number(reply, "corrupt"));
        }
        return ctl_flush(c);
}

static void print_names(const char *head, const json_t *list)
{
        if (json_array_size(list) == 0)
                return;
        fputs(head, stdout);
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *name = json_string_value(json_array_get(list, i));

                fputs(i > 0 ? ", " : " ", stdout);
                print_text(name ? name : "");
        }
        putchar('\n');
}

int command_reload(struct ctl *c)
{
        _cleanup_json_ json_t *reply = NULL;
        const json_t *changed, *restart;
        int r = ctl_call(c, ADMIN ".Reload", NULL, &reply);

        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        changed = json_object_get(reply, "changed");
        restart = json_object_get(reply, "restart");
        if (json_array_size(changed) + json_array_size(restart) == 0)
                puts("nothing has changed");
        print_names("in effect:", changed);
        print_names("needs a restart:", restart);
        return ctl_flush(c);
}
