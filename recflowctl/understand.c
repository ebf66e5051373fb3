/* understand and plan: what would be done, without doing it. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "text.h"

static const char *text(const json_t *o, const char *name)
{
        const char *s = json_string_value(json_object_get(o, name));

        return s ? s : "";
}

static json_int_t number(const json_t *o, const char *name)
{
        return json_integer_value(json_object_get(o, name));
}

static void print_words(const char *head, const json_t *list, const char *member)
{
        size_t n = json_array_size(list);

        if (n == 0)
                return;
        printf("%-12s", head);
        for (size_t i = 0; i < n; i++) {
                const json_t *j = json_array_get(list, i);
                const char *s = member ? text(j, member) : json_string_value(j);

                fputs(i > 0 ? ", " : "", stdout);
                text_print(stdout, s ? s : "", text_width(s ? s : ""), false);
        }
        putchar('\n');
}

static void print_terms(const json_t *terms)
{
        for (size_t i = 0; i < json_array_size(terms); i++) {
                const json_t *t = json_array_get(terms, i);

                printf("%-12s", i == 0 ? "understood" : "");
                text_print(stdout, text(t, "words"), MAX(text_width(text(t, "words")), (size_t)20), false);
                printf("  %s: %s%s%s\n", text(t, "kind"), json_is_true(json_object_get(t, "negated")) ? "not " : "", text(t, "meaning"),
                       json_is_true(json_object_get(t, "corrected")) ? " (corrected)" : "");
        }
}

static void print_targets(const json_t *targets)
{
        for (size_t i = 0; i < json_array_size(targets); i++) {
                const json_t *t = json_array_get(targets, i);
                char low[16], high[16], weight[16];

                printf("%-12s%-18s %s to %s, weight %s%s\n", i == 0 ? "sound" : "", text(t, "feature"),
                       text_milli(number(t, "low_milli"), low, sizeof(low)), text_milli(number(t, "high_milli"), high, sizeof(high)),
                       text_milli(number(t, "weight_milli"), weight, sizeof(weight)),
                       json_is_true(json_object_get(t, "hard")) ? ", strictly" : "");
        }
}

/* "1980 to 1989", "since 2010", "until 1979" */
static void print_years(const char *head, json_int_t from, json_int_t to)
{
        if (from && to)
                printf("%-12s%lld to %lld\n", head, (long long)from, (long long)to);
        else if (from || to)
                printf("%-12s%s %lld\n", head, from ? "since" : "until", (long long)(from ? from : to));
}

static void print_left_out(const json_t *list)
{
        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *l = json_array_get(list, i);

                printf("%-12s", i == 0 ? "left out" : "");
                text_print(stdout, text(l, "wish"), text_width(text(l, "wish")), false);
                printf(": %s\n", text(l, "why"));
        }
}

static void print_brief(const json_t *reply)
{
        const json_t *b = json_object_get(reply, "brief"), *excluded = json_object_get(b, "excluded_years");
        char length[32];

        print_terms(json_object_get(b, "terms"));
        print_words("unknown", json_object_get(reply, "not_understood"), NULL);
        printf("%-12s%s\n", "kind", text(b, "kind"));
        print_words("genres", json_object_get(b, "genres"), "name");
        print_words("without", json_object_get(b, "excluded_genres"), NULL);
        print_words("nothing by", json_object_get(b, "excluded_artists"), NULL);
        print_targets(json_object_get(b, "targets"));
        print_years("years", number(b, "year_from"), number(b, "year_to"));
        for (size_t i = 0; i < json_array_size(excluded); i++)
                print_years("not of", number(json_array_get(excluded, i), "from"), number(json_array_get(excluded, i), "to"));
        if (number(b, "duration_s"))
                printf("%-12s%s\n", "length", text_length((uint64_t)number(b, "duration_s") * 1000, length, sizeof(length)));
        else
                printf("%-12s%lld\n", "tracks", (long long)number(b, "tracks"));
        if (number(b, "artist_cap"))
                printf("%-12s%lld at most\n", "per artist", (long long)number(b, "artist_cap"));
        printf("%-12s%s\n", "arc", text(b, "arc"));
        print_left_out(json_object_get(b, "left_out"));
}

static int ask(struct ctl *c, const char *method, json_t **ret)
{
        _cleanup_json_ json_t *parameters = NULL;

        if (c->args.n_words == 0 && c->args.n_like == 0)
                return ctl_usage(&c->args, "a prompt is needed, such as: \"rainy sunday jazz\"");
        parameters = wish_parameters(c);
        return parameters ? ctl_call(c, method, parameters, ret) : ctl_out_of_memory(c);
}

int command_understand(struct ctl *c)
{
        _cleanup_json_ json_t *reply = NULL;
        int r = ask(c, WORKFLOW ".Understand", &reply);

        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        print_brief(reply);
        return ctl_flush(c);
}

static const char *duration_of(const json_t *o, const char *name, char *buf, size_t size)
{
        return text_duration((uint64_t)number(o, name), buf, size);
}

static void print_item(const json_t *item)
{
        json_int_t min = number(item, "calls_min"), max = number(item, "calls_max");
        char time[32], bounds[48] = "";

        if (min != max)
                snprintf(bounds, sizeof(bounds), "%lld-%lld", (long long)min, (long long)max);
        printf("%-20s %-12s %7lld %9s %7lld %9s\n", text(item, "operation"), text(item, "provider"), (long long)number(item, "calls"), bounds,
               (long long)number(item, "cached"), number(item, "expected_us") ? duration_of(item, "expected_us", time, sizeof(time)) : "unknown");
}

static void print_plan(const json_t *reply)
{
        const json_t *items = json_object_get(reply, "items");
        json_int_t min = number(reply, "calls_min"), max = number(reply, "calls_max");
        char time[32], least[32], most[32];

        printf("%-20s %-12s %7s %9s %7s %9s\n", "Operation", "Provider", "Calls", "Bounds", "Cached", "Each");
        for (size_t i = 0; i < json_array_size(items); i++)
                print_item(json_array_get(items, i));
        printf("\n%lld calls as a rule", (long long)number(reply, "calls"));
        if (min != max)
                printf(" (%lld to %lld)", (long long)min, (long long)max);
        printf(", %lld of them cached; ", (long long)number(reply, "cached"));
        if (number(reply, "expected_us") == 0)
                printf("time unknown\n");
        else if (number(reply, "expected_min_us") == number(reply, "expected_max_us"))
                printf("%s\n", duration_of(reply, "expected_us", time, sizeof(time)));
        else
                printf("%s (%s to %s)\n", duration_of(reply, "expected_us", time, sizeof(time)),
                       duration_of(reply, "expected_min_us", least, sizeof(least)), duration_of(reply, "expected_max_us", most, sizeof(most)));
}

int command_plan(struct ctl *c)
{
        _cleanup_json_ json_t *reply = NULL;
        int r = ask(c, WORKFLOW ".Plan", &reply);

        if (r != 0)
                return r;
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        print_plan(reply);
        return ctl_flush(c);
}
