#include "sim/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/option.h"
#include "control/runs.h"
#include "sim/nearest.h"

enum { RUNS_MAX = 100000, RUNS_DEFAULT = 200 };

enum letter { MODEL = 256, PROFILE, RUNS, CONCURRENCY, SEED, ON, OFF, DEADLINE, CACHE, GAP, PROMPTS, WHATIF, ABLATE, RECORD, REPLAY, STATE,
              CACHE_DIRECTORY, CONFIG, SEQUENCE, UNLEARNED, DISTINCT, WEEK, JSON, PLUGINS, DATA, SHOW_VERSION, SHOW_HELP };

static const struct {
        struct option option;
        const char *argument, *help;
} OPTIONS[] = {
        { { "model", required_argument, NULL, MODEL }, "NAME,…", "weather over the services (logged-run)" },
        { { "profile", required_argument, NULL, PROFILE }, "NAME,…", "baseline (all switches off), full (all on), or both (the default)" },
        { { "runs", required_argument, NULL, RUNS }, "N", "runs of each model and profile (200)" },
        { { "concurrency", required_argument, NULL, CONCURRENCY }, "N", "runs asked for at once of one daemon (1)" },
        { { "seed", required_argument, NULL, SEED }, "N", "of weather and prompts (1)" },
        { { "on", required_argument, NULL, ON }, "SWITCH,…", "turned on in every profile" },
        { { "off", required_argument, NULL, OFF }, "SWITCH,…", "turned off in every profile" },
        { { "deadline", required_argument, NULL, DEADLINE }, "TIME", "of each run, such as 20s (none)" },
        { { "cache", required_argument, NULL, CACHE }, "STATE", "cold, warm (related prompts came before), repeat (the same did)" },
        { { "gap", required_argument, NULL, GAP }, "TIME", "between those and the runs that count (45m)" },
        { { "prompts", required_argument, NULL, PROMPTS }, "FILE", "one prompt a line, instead of the built-in ones" },
        { { "distinct", no_argument, NULL, DISTINCT }, NULL, "a prompt of its own for each run, made up of the lexicon's words" },
        { { "whatif", required_argument, NULL, WHATIF }, "NAME=VALUE", "an option of the daemon, compared with its default; may be repeated" },
        { { "ablate", no_argument, NULL, ABLATE }, NULL, "what each switch is worth: off alone from full, on alone from baseline" },
        { { "record", required_argument, NULL, RECORD }, "FILE", "keep the answers of one run (--runs 1, one model, one profile)" },
        { { "replay", required_argument, NULL, REPLAY }, "FILE",
          "that run again, or a daemon's RUN; with --on, --off, --deadline, --whatif: what would have been" },
        { { "config", required_argument, NULL, CONFIG }, "FILE", "with a daemon's RUN: its configuration" },
        { { "state-dir", required_argument, NULL, STATE }, "DIRECTORY", "with a daemon's RUN: its state, instead of the configured one" },
        { { "cache-dir", required_argument, NULL, CACHE_DIRECTORY }, "DIRECTORY", "the same of its cache" },
        { { "sequence", no_argument, NULL, SEQUENCE }, NULL, "all runs one after the other on one daemon" },
        { { "unlearned", no_argument, NULL, UNLEARNED }, NULL, "daemons don't know yet what the services will refuse" },
        { { "week", no_argument, NULL, WEEK }, NULL, "so many runs a week, as people ask, on one daemon: with the warmer and without" },
        { { "json", no_argument, NULL, JSON }, NULL, "for programs" },
        { { "plugins", required_argument, NULL, PLUGINS }, "DIRECTORY", "of the providers' plugins" },
        { { "data", required_argument, NULL, DATA }, "DIRECTORY", "of the lexicon" },
        { { "version", no_argument, NULL, SHOW_VERSION }, NULL, "print the version and exit" },
        { { "help", no_argument, NULL, SHOW_HELP }, NULL, "print this and exit" },
};

_printf_(3, 4) static int refuse(char *message, size_t size, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        vsnprintf(message, size, format, ap);
        va_end(ap);
        return -EINVAL;
}

static int take_number(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *ret, char *message, size_t size)
{
        char *end;
        unsigned long long v;

        errno = 0;
        v = strtoull(text, &end, 10);
        if (end == text || *end || errno != 0 || text[0] == '-' || v < min || v > max)
                return refuse(message, size, "--%s %.80s: allowed: a number from %llu to %llu", option, text, (unsigned long long)min,
                              (unsigned long long)max);
        *ret = v;
        return 0;
}

static int take_duration(const char *option, const char *text, uint64_t *ret, char *message, size_t size)
{
        static const struct rf_option duration = { .type = RF_OPTION_DURATION, .min = 0, .max = 30 * 86400e6 };
        char reason[256] = "";
        struct rf_value v;

        if (rf_option_parse(&duration, text, &v, reason, sizeof(reason)) < 0)
                return refuse(message, size, "--%s %.80s: %s", option, text, reason);
        *ret = (uint64_t)v.integer;
        return 0;
}

/* ---- Lists of names ---- */

static int take_model(struct sim_arguments *a, const char *name, char *message, size_t size)
{
        const struct sim_model *m = sim_model_find(name);
        struct sim_nearest n = { 0 };
        char near[160];

        for (size_t i = 0; i < sim_n_models; i++)
                sim_nearest_offer(&n, name, sim_models[i].name);
        if (!m)
                return refuse(message, size, "--model: there is no model %.80s%s", name, sim_nearest_text(&n, name, near, sizeof(near)));
        if (a->n_models == SIM_MODELS_MAX)
                return refuse(message, size, "--model: at most %d", SIM_MODELS_MAX);
        a->models[a->n_models++] = m;
        return 0;
}

static int take_profile(struct sim_arguments *a, const char *name, char *message, size_t size)
{
        struct rf_optimizations unused;

        if (rf_optimizations_profile(name, &unused) < 0)
                return refuse(message, size, "--profile %.80s: allowed: baseline, full", name);
        if (a->n_profiles == SIM_PROFILES_MAX)
                return refuse(message, size, "--profile: at most %d", SIM_PROFILES_MAX);
        a->profiles[a->n_profiles++] = name;
        return 0;
}

static int take_switch(const char *option, const char *name, uint64_t *set, char *message, size_t size)
{
        int o = rf_optimization_find(name);
        struct sim_nearest n = { 0 };
        char near[160];

        for (int i = 0; i < RF_OPT_COUNT; i++)
                sim_nearest_offer(&n, name, rf_optimization_infos[i].name);
        if (o < 0)
                return refuse(message, size, "--%s: there is no switch %.80s%s", option, name,
                              sim_nearest_text(&n, name, near, sizeof(near)));
        *set |= (uint64_t)1 << o;
        return 0;
}

static int take_names(int letter, struct sim_arguments *a, char *list, char *message, size_t size)
{
        char *next = NULL;
        int r = 0;

        if (!list[0])
                return refuse(message, size, "a list of names is needed");
        for (char *name = strtok_r(list, ",", &next); name && r >= 0; name = strtok_r(NULL, ",", &next))
                r = letter == MODEL     ? take_model(a, name, message, size) :
                    letter == PROFILE   ? take_profile(a, name, message, size) :
                    letter == ON        ? take_switch("on", name, &a->on, message, size) :
                                          take_switch("off", name, &a->off, message, size);
        return r;
}

static int take_cache(struct sim_arguments *a, const char *name, char *message, size_t size)
{
        static const char *const names[] = { [SIM_CACHE_COLD] = "cold", [SIM_CACHE_WARM] = "warm", [SIM_CACHE_REPEAT] = "repeat" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(names[i], name) == 0) {
                        a->plan.cache = (enum sim_cache)i;
                        return 0;
                }
        return refuse(message, size, "--cache %.80s: allowed: cold, warm, repeat", name);
}

/* ---- The whole ---- */

static int take_count(int letter, struct sim_arguments *a, const char *text, char *message, size_t size)
{
        uint64_t n = 0;
        int r = letter == SEED ? take_number("seed", text, 0, UINT32_MAX, &a->plan.seed, message, size) :
                                 take_number(letter == RUNS ? "runs" : "concurrency", text, 1, RUNS_MAX, &n, message, size);

        if (r >= 0 && letter == RUNS)
                a->plan.runs = n;
        if (r >= 0 && letter == CONCURRENCY)
                a->plan.concurrency = n;
        return r;
}

static int take_override(struct sim_arguments *a, const char *text, char *message, size_t size)
{
        if (a->n_overrides == SIM_OVERRIDES_MAX)
                return refuse(message, size, "--whatif: at most %d", SIM_OVERRIDES_MAX);
        a->overrides[a->n_overrides++] = text;
        return 0;
}

/* Options without an argument, and those whose argument is taken as it is. */
static int take_plain(int letter, struct sim_arguments *a, const char *text)
{
        switch (letter) {
        case PROMPTS:
                a->prompts = text;
                break;
        case RECORD:
                a->record = text;
                break;
        case REPLAY:
                a->replay = text;
                break;
        case STATE:
                a->state_directory = text;
                break;
        case CACHE_DIRECTORY:
                a->cache_directory = text;
                break;
        case CONFIG:
                a->config = text;
                break;
        case PLUGINS:
                a->plugin_directory = text;
                break;
        case DATA:
                a->data_directory = text;
                break;
        case ABLATE:
                a->is_ablation = true;
                break;
        case SEQUENCE:
                a->plan.is_sequence = true;
                break;
        case DISTINCT:
                a->is_distinct = true;
                break;
        case UNLEARNED:
                a->plan.is_unlearned = true;
                break;
        case WEEK:
                a->is_week = true;
                break;
        case JSON:
                a->is_json = true;
                break;
        default:
                a->action = letter == SHOW_VERSION ? SIM_VERSION : SIM_HELP;
        }
        return 0;
}

static int take(int letter, struct sim_arguments *a, char *text, char *message, size_t size)
{
        switch (letter) {
        case MODEL:
        case PROFILE:
        case ON:
        case OFF:
                return take_names(letter, a, text, message, size);
        case RUNS:
        case CONCURRENCY:
        case SEED:
                return take_count(letter, a, text, message, size);
        case DEADLINE:
                return take_duration("deadline", text, &a->plan.deadline_us, message, size);
        case GAP:
                return take_duration("gap", text, &a->plan.gap_us, message, size);
        case CACHE:
                return take_cache(a, text, message, size);
        case WHATIF:
                return take_override(a, text, message, size);
        default:
                return take_plain(letter, a, text);
        }
}

/* What getopt didn't like. */
static int refuse_option(int c, char **argv, char *message, size_t size)
{
        const char *name = argv[optind - 1] + strspn(argv[optind - 1], "-");
        struct sim_nearest n = { 0 };
        char near[160];

        if (c == ':')
                return refuse(message, size, "%.80s needs an argument", argv[optind - 1]);
        for (size_t i = 0; i < ARRAY_SIZE(OPTIONS); i++)
                sim_nearest_offer(&n, name, OPTIONS[i].option.name);
        return refuse(message, size, "there is no option %.80s%s", argv[optind - 1], sim_nearest_text(&n, name, near, sizeof(near)));
}

/* The number of a daemon's run, and not the name of a file. */
static bool is_run(const char *text)
{
        return strlen(text) == RF_RUN_ID_SIZE - 1 && strspn(text, "0123456789abcdefghjkmnpqrstvwxyz") == RF_RUN_ID_SIZE - 1 &&
               access(text, F_OK) < 0;
}

static int complete(struct sim_arguments *a, char *message, size_t size)
{
        if (a->plan.runs > 0 && a->plan.runs < a->plan.concurrency)
                return refuse(message, size, "--concurrency %zu: there are only %zu runs (--runs)", a->plan.concurrency, a->plan.runs);
        if (a->plan.runs == 0)
                a->plan.runs = MAX((size_t)RUNS_DEFAULT, a->plan.concurrency);
        if ((a->on & a->off) != 0)
                return refuse(message, size, "--on and --off name the same switch");
        if (a->plan.is_sequence && a->plan.concurrency > 1)
                return refuse(message, size, "--sequence: one after the other is --concurrency 1");
        if (a->is_distinct && (a->prompts || a->replay))
                return refuse(message, size, "--distinct: the prompts are given already");
        if (a->record && (a->plan.runs != 1 || a->plan.concurrency != 1 || a->n_models > 1 || a->n_profiles != 1 || a->n_overrides > 0 ||
                          a->is_ablation || a->plan.cache != SIM_CACHE_COLD))
                return refuse(message, size, "--record: it takes --runs 1, one --model and one --profile, a cold cache, and no --whatif");
        if (a->replay && (a->record || a->n_models > 0 || a->n_profiles > 0 || a->is_ablation))
                return refuse(message, size, "--replay: model, profile, prompt and seed are those of the recording");
        if (a->is_week && (a->is_ablation || a->record || a->replay || a->plan.is_sequence || a->plan.concurrency > 1 ||
                           a->plan.cache != SIM_CACHE_COLD || a->plan.deadline_us > 0))
                return refuse(message, size, "--week: it goes with --model, --profile, --runs, --seed, --on, --off, --prompts and --whatif");
        if (a->is_week && a->n_profiles == 0)
                a->profiles[a->n_profiles++] = "full";
        a->replays_run = a->replay && (a->state_directory || a->cache_directory || a->config || is_run(a->replay));
        if (!a->replays_run && (a->state_directory || a->cache_directory || a->config))
                return refuse(message, size, "--config, --state-dir, --cache-dir: they are of the daemon whose run is to be replayed");
        if (!a->replays_run) {
                a->plugin_directory = a->plugin_directory ? a->plugin_directory : rf_settings[RF_SET_PLUGIN_DIRECTORY].option.default_value;
                a->data_directory = a->data_directory ? a->data_directory : rf_settings[RF_SET_DATA_DIRECTORY].option.default_value;
        }
        if (a->n_models == 0)
                a->models[a->n_models++] = sim_model_find("logged-run");
        if (a->n_profiles == 0) {
                a->profiles[a->n_profiles++] = "baseline";
                a->profiles[a->n_profiles++] = "full";
        }
        return 0;
}

int sim_arguments_parse(int argc, char **argv, struct sim_arguments *ret, char *message, size_t size)
{
        struct option options[ARRAY_SIZE(OPTIONS) + 1] = { 0 };
        struct sim_arguments a = { .plan = { .concurrency = 1, .seed = 1, .gap_us = 45 * 60 * USEC_PER_SEC } };
        int c, r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(OPTIONS); i++)
                options[i] = OPTIONS[i].option;
        opterr = 0;
        while (r >= 0 && (c = getopt_long(argc, argv, ":", options, NULL)) >= 0)
                r = c == '?' || c == ':' ? refuse_option(c, argv, message, size) : take(c, &a, optarg, message, size);
        if (r >= 0 && optind < argc)
                r = refuse(message, size, "unexpected argument \"%.80s\"", argv[optind]);
        if (r >= 0)
                r = complete(&a, message, size);
        if (r >= 0)
                *ret = a;
        return r;
}

#define LEFT_COLUMNS 22u
#define COLUMNS 80u

/* Columns that a text of Latin letters and "…" takes: its characters, not its bytes. */
static size_t width(const char *s, size_t n)
{
        size_t columns = 0;

        for (size_t i = 0; i < n; i++)
                columns += ((unsigned char)s[i] & 0xc0) != 0x80;
        return columns;
}

/* Two columns; what is too long for the left one has a line of its own, what is too long for the right one several. */
static void print_row(FILE *f, const char *left, const char *help)
{
        const size_t indent = 2 + LEFT_COLUMNS + 1;
        size_t used = width(left, strlen(left));

        fprintf(f, "  %s", left);
        fprintf(f, used > LEFT_COLUMNS ? "\n%*s" : "%*s", (int)(used > LEFT_COLUMNS ? indent : indent - 2 - used), "");
        used = indent;
        for (size_t n; *help; help += n + strspn(help + n, " ")) {
                n = strcspn(help, " ");
                if (used > indent && used + 1 + width(help, n) > COLUMNS) {
                        fprintf(f, "\n%*s", (int)indent, "");
                        used = indent;
                }
                fprintf(f, "%s%.*s", used > indent ? " " : "", (int)n, help);
                used += (used > indent) + width(help, n);
        }
        fputc('\n', f);
}

void sim_arguments_help(FILE *f)
{
        fputs("Usage: recflow-sim [OPTION]...\n\nRuns recflow under a virtual clock against simulated services, and measures.\n\n", f);
        for (size_t i = 0; i < ARRAY_SIZE(OPTIONS); i++) {
                char name[40];

                snprintf(name, sizeof(name), "--%s%s%s", OPTIONS[i].option.name, OPTIONS[i].argument ? " " : "",
                         OPTIONS[i].argument ? OPTIONS[i].argument : "");
                print_row(f, name, OPTIONS[i].help);
        }
        fputs("\nModels:\n", f);
        for (size_t i = 0; i < sim_n_models; i++)
                print_row(f, sim_models[i].name, sim_models[i].help);
        fputs("\nSee recflow-sim(1).\n", f);
}
