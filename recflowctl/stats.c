/* stats, metrics. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "text.h"

enum { SINCE_MIN_S = 60, SINCE_MAX_S = 7 * 86400 }; /* what the daemon counts */

static const char *text(const json_t *o, const char *name)
{
        const char *s = json_string_value(json_object_get(o, name));

        return s ? s : "";
}

static long long number(const json_t *o, const char *name)
{
        return (long long)json_integer_value(json_object_get(o, name));
}

static void print_column(const char *s, size_t columns)
{
        text_print(stdout, s, columns, false);
}

/* "12 ms"; "-" where nothing was measured. */
static void print_time(const json_t *times, const char *name)
{
        const json_t *us = json_object_get(times, name);
        char buf[32];

        printf(" %8s", us ? text_duration((uint64_t)json_integer_value(us), buf, sizeof(buf)) : "-");
}

/* A share in percent; "-" of nothing. */
static const char *percent(long long part, long long whole, char buf[static 16])
{
        if (whole <= 0)
                return "-";
        snprintf(buf, 16, "%.1f %%", 100.0 * (double)part / (double)whole);
        return buf;
}

static void print_runs(const json_t *s)
{
        char share[16];

        printf("since     %s\n", text(s, "from"));
        printf("runs      %lld done, %lld failed, %lld cancelled\n", number(s, "runs_done"), number(s, "runs_failed"), number(s, "runs_cancelled"));
        printf("repeats   %lld, the cache answered %s of their calls\n", number(s, "repeats"),
               percent(number(s, "repeat_hits"), number(s, "repeat_calls"), share));
        if (number(s, "lost") + number(s, "unsaved") > 0)
                printf("%-10s%lld events not counted, %lld times not written to disk\n", "lost", number(s, "lost"), number(s, "unsaved"));
}

static void print_times(const json_t *times)
{
        print_time(times, "p50_us");
        print_time(times, "p95_us");
        print_time(times, "p99_us");
}

static void print_steps(const json_t *s)
{
        const json_t *steps = json_object_get(s, "steps");
        size_t i;
        const json_t *step;

        printf("\n%-24s %8s %8s %8s %8s %7s %8s\n", "Time", "P50", "P95", "P99", "calls", "errors", "failed");
        printf("%-24s", "whole run");
        print_times(json_object_get(s, "run_time"));
        putchar('\n');
        json_array_foreach(steps, i, step) {
                printf("  ");
                print_column(text(step, "name"), 22);
                print_times(json_object_get(step, "time"));
                printf(" %8lld %7lld %8lld\n", number(step, "calls"), number(step, "errors"), number(step, "failed_runs"));
        }
}

static void print_endpoint_times(const json_t *endpoints)
{
        size_t i;
        const json_t *e;

        printf("\n%-37s %8s %8s %8s %6s %8s\n", "Requests", "P50", "P95", "P99", "sent", "timeouts");
        json_array_foreach(endpoints, i, e) {
                char share[16];

                print_column(text(e, "provider"), 9);
                putchar(' ');
                print_column(text(e, "endpoint"), 27);
                print_times(json_object_get(e, "time"));
                printf(" %6lld %8s\n", number(e, "attempts"), percent(number(e, "timeouts"), number(e, "attempts"), share));
        }
}

static void print_endpoint_calls(const json_t *endpoints)
{
        size_t i;
        const json_t *e;

        printf("\n%-37s %6s %6s %6s %6s %6s %6s\n", "Calls", "calls", "errors", "429s", "retry", "wasted", "joined");
        json_array_foreach(endpoints, i, e) {
                print_column(text(e, "provider"), 9);
                putchar(' ');
                print_column(text(e, "endpoint"), 27);
                printf(" %6lld %6lld %6lld %6lld %6lld %6lld\n", number(e, "calls"), number(e, "errors"), number(e, "refusals"),
                       number(e, "retries"), number(e, "wasted"), number(e, "coalesced"));
        }
}

static void print_cache(const json_t *endpoints)
{
        static const char *const states[] = { "hit", "stale", "negative", "stale_error", "miss", "bypass" };
        long long sums[ARRAY_SIZE(states)] = { 0 }, all = 0;
        char share[16];
        size_t i;
        const json_t *e;

        json_array_foreach(endpoints, i, e)
                for (size_t s = 0; s < ARRAY_SIZE(states); s++)
                        sums[s] += number(json_object_get(e, "cache"), states[s]);
        for (size_t s = 0; s < ARRAY_SIZE(states); s++)
                all += sums[s];
        fputs("\nCache\n", stdout);
        for (size_t s = 0; s < ARRAY_SIZE(states); s++)
                printf("  %-22s %8lld %8s\n", states[s], sums[s], percent(sums[s], all, share));
}

static void print_providers(const json_t *providers)
{
        size_t i;
        const json_t *p;

        printf("\n%-14s %5s %6s %5s %5s %7s  %-9s %6s %10s\n", "Providers", "now", "mean", "peak", "max", "waiting", "breaker", "pace",
               "quota left");
        json_array_foreach(providers, i, p) {
                char left[24] = "-", pace[16];

                if (json_is_true(json_object_get(p, "quota_exhausted")))
                        snprintf(left, sizeof(left), "none");
                else if (json_object_get(p, "quota_left"))
                        snprintf(left, sizeof(left), "%lld", number(p, "quota_left"));
                print_column(text(p, "name"), 14);
                printf(" %5lld %6.2f %5lld %5lld %7lld  %-9s %6s %10s\n", number(p, "in_flight"), (double)number(p, "in_flight_mean_milli") / 1e3,
                       number(p, "in_flight_peak"), number(p, "in_flight_max"), number(p, "waiting"),
                       strcmp(text(p, "breaker"), "half_open") == 0 ? "half open" : text(p, "breaker"),
                       percent(number(p, "pace_milli"), 1000, pace), left);
                if (text(p, "blocked_until")[0])
                        printf("  blocked until %s\n", text(p, "blocked_until"));
        }
}

static const char *in_unit(const json_t *criterion, const char *name, char buf[static 32])
{
        const json_t *value = json_object_get(criterion, name);

        if (!value)
                return "-";
        if (strcmp(text(criterion, "unit"), "ms") == 0)
                return text_duration((uint64_t)json_integer_value(value) * 1000, buf, 32);
        snprintf(buf, 32, "%.2f %%", (double)json_integer_value(value) / 1e4);
        return buf;
}

static void print_criteria(const json_t *criteria)
{
        bool has_colour = text_has_colour(stdout);
        size_t i;
        const json_t *j;

        printf("\n%-14s %10s   %-12s %-8s %s\n", "Criteria", "value", "limit", "state", "judged by");
        json_array_foreach(criteria, i, j) {
                bool is_missed = strcmp(text(j, "state"), "missed") == 0;
                char value[32], limit[32];

                print_column(text(j, "name"), 14);
                printf(" %10s %s %-12s %s%-8s%s %lld\n", in_unit(j, "value", value), json_is_true(json_object_get(j, "above")) ? ">" : "<",
                       in_unit(j, "limit", limit), is_missed && has_colour ? YELLOW : "", text(j, "state"),
                       is_missed && has_colour ? PLAIN : "", number(j, "of"));
        }
}

int command_stats(struct ctl *c)
{
        _cleanup_json_ json_t *parameters = json_object(), *s = NULL;
        const json_t *endpoints;
        int r = parameters ? 0 : -1;

        if (r == 0 && c->args.is_set[OPT_SINCE]) {
                int64_t since_s = time(NULL) - c->args.number[OPT_SINCE] / 1000;

                if (since_s < SINCE_MIN_S || since_s > SINCE_MAX_S)
                        return ctl_usage(&c->args, "--since: a time from 1m to 7d ago is needed, such as 1h or 2d");
                r = json_object_set_new(parameters, "since_s", json_integer(since_s));
        }
        if (r < 0)
                return ctl_out_of_memory(c);
        r = ctl_call(c, ADMIN ".Stats", parameters, &s);
        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, s);
        endpoints = json_object_get(s, "endpoints");
        print_runs(s);
        print_steps(s);
        print_endpoint_times(endpoints);
        print_endpoint_calls(endpoints);
        print_cache(endpoints);
        print_providers(json_object_get(s, "providers"));
        print_criteria(json_object_get(s, "criteria"));
        return ctl_flush(c);
}

int command_metrics(struct ctl *c)
{
        _cleanup_json_ json_t *parameters = json_pack("{s:s}", "format", c->args.is_set[OPT_PROMETHEUS] ? "text" : "openmetrics"),
                              *reply = NULL;
        int r;

        if (!parameters)
                return ctl_out_of_memory(c);
        r = ctl_call(c, ADMIN ".Metrics", parameters, &reply);
        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        fputs(text(reply, "text"), stdout);
        return ctl_flush(c);
}
