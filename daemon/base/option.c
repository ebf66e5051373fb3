#include "base/option.h"

#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { STRING_MAX_DEFAULT = 4096 };

static const struct unit {
        const char *suffix;
        double factor;
} durations[] = {
        { "us", 1 }, { "ms", 1e3 }, { "s", 1e6 }, { "m", 60e6 }, { "h", 3600e6 }, { "d", 86400e6 },
}, sizes[] = {
        { "B", 1 }, { "K", 1024.0 }, { "M", 1048576.0 }, { "G", 1073741824.0 },
};

static const char *const truths[] = { "yes", "true", "on", "1" }, *const lies[] = { "no", "false", "off", "0" };

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (strcasecmp(text, words[i]) == 0)
                        return true;
        return false;
}

/* "1.5h" with the units of a table; a bare 0 needs none. */
static int parse_with_unit(const char *text, const struct unit *units, size_t n_units, double *ret)
{
        char *end;
        double v;

        errno = 0;
        v = strtod(text, &end);
        if (end == text || errno != 0 || !isfinite(v) || v < 0)
                return -EINVAL;
        if (v == 0 && !*end) {
                *ret = 0;
                return 0;
        }
        for (size_t i = 0; i < n_units; i++)
                if (strcmp(end, units[i].suffix) == 0) {
                        *ret = v * units[i].factor;
                        return 0;
                }
        return -EINVAL;
}

static int parse_choice(const char *choices, const char *text, int64_t *ret_index)
{
        const char *p = choices;

        for (int64_t i = 0;; i++) {
                size_t n = strcspn(p, "|");

                if (strlen(text) == n && strncmp(p, text, n) == 0) {
                        *ret_index = i;
                        return 0;
                }
                if (!p[n])
                        return -EINVAL;
                p += n + 1;
        }
}

static void format_number(const struct rf_option *o, double v, char *buf, size_t size)
{
        if (o->type == RF_OPTION_DURATION)
                rf_option_format_duration((uint64_t)v, buf, size);
        else if (o->type == RF_OPTION_SIZE) {
                size_t i = 0;

                while (i + 1 < ARRAY_SIZE(sizes) && v >= sizes[i + 1].factor && fmod(v, sizes[i + 1].factor) == 0)
                        i++;
                snprintf(buf, size, "%.0f%s", v / sizes[i].factor, i > 0 ? sizes[i].suffix : "B");
        } else
                snprintf(buf, size, "%.10g", v);
}

const char *rf_option_format_duration(uint64_t us, char *buf, size_t size)
{
        size_t i = 0;

        while (us > 0 && i + 1 < ARRAY_SIZE(durations) && fmod((double)us, durations[i + 1].factor) == 0)
                i++;
        snprintf(buf, size, "%.0f%s", (double)us / durations[i].factor, us > 0 ? durations[i].suffix : "s");
        return buf;
}

static const char *const type_names[] = {
        [RF_OPTION_BOOL] = "yes or no",     [RF_OPTION_INTEGER] = "integer",
        [RF_OPTION_REAL] = "number",        [RF_OPTION_STRING] = "text",
        [RF_OPTION_ENUM] = "one of",        [RF_OPTION_DURATION] = "duration",
        [RF_OPTION_SIZE] = "size",          [RF_OPTION_PATH] = "absolute path",
};

int rf_option_describe(const struct rf_option *o, struct rf_buf *b)
{
        char lo[32], hi[32];

        switch (o->type) {
        case RF_OPTION_ENUM: {
                const char *p = o->choices;
                int r;

                while (p) {
                        size_t n = strcspn(p, "|");

                        r = rf_buf_addf(b, "%s%.*s", p == o->choices ? "" : p[n] ? ", " : " or ", (int)n, p);
                        if (r < 0)
                                return r;
                        p = p[n] ? p + n + 1 : NULL;
                }
                return 0;
        }
        case RF_OPTION_INTEGER:
        case RF_OPTION_REAL:
        case RF_OPTION_DURATION:
        case RF_OPTION_SIZE:
                if (o->min == 0 && o->max == 0)
                        break;
                format_number(o, o->min, lo, sizeof(lo));
                format_number(o, o->max, hi, sizeof(hi));
                return rf_buf_addf(b, "%s, %s to %s", type_names[o->type], lo, hi);
        default:
                break;
        }
        return rf_buf_add_string(b, type_names[o->type]);
}

static int refuse(const struct rf_option *o, char *reason, size_t reason_size)
{
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        static const char *const examples[] = {
                [RF_OPTION_DURATION] = ", such as 20s or 45m",
                [RF_OPTION_SIZE] = ", such as 64M",
        };
        const char *example = (size_t)o->type < ARRAY_SIZE(examples) ? examples[o->type] : NULL;

        if (rf_option_describe(o, &b) < 0)
                return -ENOMEM;
        snprintf(reason, reason_size, "allowed: %s%s", b.data, example ? example : "");
        return -RF_ECONFIG;
}

int rf_option_parse(const struct rf_option *o, const char *text, struct rf_value *ret, char *reason, size_t reason_size)
{
        struct rf_value v = { .is_set = true };
        double number = 0;
        char *end;

        switch (o->type) {
        case RF_OPTION_BOOL:
                v.integer = is_one_of(text, truths, ARRAY_SIZE(truths));
                if (!v.integer && !is_one_of(text, lies, ARRAY_SIZE(lies)))
                        return refuse(o, reason, reason_size);
                break;
        case RF_OPTION_INTEGER:
                errno = 0;
                v.integer = strtoll(text, &end, 10);
                if (end == text || *end || errno != 0)
                        return refuse(o, reason, reason_size);
                number = (double)v.integer;
                break;
        case RF_OPTION_REAL:
                errno = 0;
                v.real = number = strtod(text, &end);
                if (end == text || *end || errno != 0 || !isfinite(number))
                        return refuse(o, reason, reason_size);
                break;
        case RF_OPTION_DURATION:
        case RF_OPTION_SIZE:
                if (o->type == RF_OPTION_DURATION ? parse_with_unit(text, durations, ARRAY_SIZE(durations), &number) < 0 :
                                                    parse_with_unit(text, sizes, ARRAY_SIZE(sizes), &number) < 0)
                        return refuse(o, reason, reason_size);
                if (number > 9e18)
                        return refuse(o, reason, reason_size);
                v.integer = (int64_t)number;
                break;
        case RF_OPTION_ENUM:
                if (parse_choice(o->choices, text, &v.integer) < 0)
                        return refuse(o, reason, reason_size);
                v.string = text;
                break;
        case RF_OPTION_PATH:
                if (text[0] != '/')
                        return refuse(o, reason, reason_size);
                v.string = text;
                break;
        case RF_OPTION_STRING:
                if (strlen(text) > (o->max > 0 ? (size_t)o->max : STRING_MAX_DEFAULT)) {
                        snprintf(reason, reason_size, "allowed: at most %zu bytes",
                                 o->max > 0 ? (size_t)o->max : STRING_MAX_DEFAULT);
                        return -RF_ECONFIG;
                }
                v.string = text;
                break;
        default:
                return -EINVAL;
        }
        if ((o->min != 0 || o->max != 0) && o->type != RF_OPTION_STRING && o->type != RF_OPTION_ENUM &&
            o->type != RF_OPTION_BOOL && o->type != RF_OPTION_PATH && (number < o->min || number > o->max))
                return refuse(o, reason, reason_size);
        *ret = v;
        return 0;
}
