/* state: the daemon's state to a file of JSON lines, and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "ctl.h"

/* Lines that are sent together: a call takes RF_MESSAGE_MAX bytes. */
enum { CHUNK = RF_MESSAGE_MAX / 2 };

/* ---- Export ---- */

/* A file that only its owner may read, from the first byte on: it may hold logins. It's replaced when everything is in it. */
static FILE *open_output(const struct ctl *c, const char *path, char **ret_temporary)
{
        FILE *f;
        int fd;

        if (asprintf(ret_temporary, "%s.XXXXXX", path) < 0) {
                *ret_temporary = NULL;
                return NULL;
        }
        fd = mkstemp(*ret_temporary);
        f = fd >= 0 ? fdopen(fd, "w") : NULL;
        if (f)
                return f;
        ctl_fail(c, EXIT_FAILED, "output", "%s: %s", path, strerror(errno));
        if (fd >= 0) {
                unlink(*ret_temporary);
                close(fd);
        }
        free(*ret_temporary);
        *ret_temporary = NULL;
        return NULL;
}

/* Entries as they come, until the last. */
static int write_entries(struct ctl *c, FILE *f, json_t **ret_end)
{
        bool continues = true;
        int r = 0;

        while (continues && r == 0) {
                _cleanup_json_ json_t *reply = NULL;
                const json_t *entry;

                r = ctl_next(c, &reply, &continues);
                if (r != 0)
                        return r == -EINTR ? EXIT_INTERRUPTED : r;
                entry = json_object_get(reply, "entry");
                if (json_dumpf(entry, f, JSON_COMPACT) < 0 || fputc('\n', f) == EOF)
                        return ctl_fail(c, EXIT_FAILED, "output", "writing the export: %s", strerror(errno));
                if (!continues)
                        *ret_end = json_incref((json_t *)entry);
        }
        return r;
}

static long long number(const json_t *o, const char *name)
{
        return (long long)json_integer_value(json_object_get(o, name));
}

static void tell_end(const struct ctl *c, const json_t *end)
{
        ctl_say(c, "%lld records", number(end, "records"));
        if (number(end, "left_out"))
                ctl_say(c, "; %lld login%s left out (--secrets takes them along)", number(end, "left_out"), number(end, "left_out") == 1 ? "" : "s");
        if (number(end, "damaged"))
                ctl_say(c, "; %lld damaged, and not in it", number(end, "damaged"));
        ctl_say(c, "\n");
}

static int export_state(struct ctl *c)
{
        const char *path = c->args.is_set[OPT_OUTPUT] ? c->args.text[OPT_OUTPUT] : NULL;
        _cleanup_json_ json_t *parameters = json_pack("{s:b}", "secrets", c->args.is_set[OPT_SECRETS]), *end = NULL;
        _cleanup_free_ char *temporary = NULL;
        FILE *f = stdout;
        int r;

        if (!parameters)
                return ctl_out_of_memory(c);
        r = ctl_start(c, ADMIN ".ExportState", parameters, RF_VARLINK_MORE);
        if (r != 0)
                return r;
        if (path && !(f = open_output(c, path, &temporary)))
                return EXIT_FAILED;
        r = write_entries(c, f, &end);
        if (path) {
                bool is_written = fflush(f) == 0 && fsync(fileno(f)) == 0;

                is_written &= fclose(f) == 0;
                if (r == 0 && (!is_written || rename(temporary, path) < 0))
                        r = ctl_fail(c, EXIT_FAILED, "output", "%s: %s", path, strerror(errno));
                if (r != 0)
                        unlink(temporary);
        } else if (r == 0)
                r = ctl_flush(c);
        if (r == 0)
                tell_end(c, end);
        return r == 0 && path && c->args.is_set[OPT_JSON] ? ctl_print_json(c, end) : r;
}

/* ---- Import ---- */

struct input {
        struct ctl *ctl;
        const char *path;
        FILE *file;
        unsigned long long line;
        json_t *entries; /* that wait to be sent */
        size_t bytes;
};

static int send_entries(struct input *in)
{
        _cleanup_json_ json_t *parameters = json_pack("{s:O}", "entries", in->entries), *reply = NULL;

        if (!parameters)
                return ctl_out_of_memory(in->ctl);
        in->bytes = 0;
        json_decref(in->entries);
        in->entries = json_array();
        return in->entries ? ctl_call(in->ctl, ADMIN ".AddToImport", parameters, &reply) : ctl_out_of_memory(in->ctl);
}

static int take_line(struct input *in, const char *text, size_t size)
{
        _cleanup_json_ json_t *entry = NULL;
        json_error_t error;
        int r;

        in->line++;
        if (size > RF_MESSAGE_MAX - 1024)
                return ctl_fail(in->ctl, EXIT_FAILED, "input", "%s: line %llu: it has %zu bytes; at most %u are possible", in->path, in->line, size,
                                RF_MESSAGE_MAX - 1024);
        r = rf_json_parse(text, size, &entry, &error);
        if (r == -ENOMEM)
                return ctl_out_of_memory(in->ctl);
        if (r < 0 || !json_is_object(entry))
                return ctl_fail(in->ctl, EXIT_FAILED, "input", "%s: line %llu: %s%s; each line is one JSON object, as \"recflowctl state export\" "
                                "writes them", in->path, in->line, r < 0 ? "not JSON: " : "not an object", r < 0 ? error.text : "");
        if (in->bytes > 0 && in->bytes + size > CHUNK) {
                r = send_entries(in);
                if (r != 0)
                        return r;
        }
        in->bytes += size + 1;
        return json_array_append(in->entries, entry) < 0 ? ctl_out_of_memory(in->ctl) : 0;
}

static int send_file(struct input *in)
{
        _cleanup_free_ char *line = NULL;
        size_t room = 0;
        ssize_t size;
        int r = 0;

        while (r == 0 && (size = getline(&line, &room, in->file)) >= 0) {
                while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
                        size--;
                r = take_line(in, line, (size_t)size);
        }
        if (r == 0 && ferror(in->file))
                r = ctl_fail(in->ctl, EXIT_FAILED, "input", "%s: %s", in->path, strerror(errno));
        return r != 0 || in->bytes == 0 ? r : send_entries(in);
}

static int show_counts(const struct ctl *c, const json_t *reply)
{
        if (c->args.is_set[OPT_JSON])
                return ctl_print_json(c, reply);
        printf("%lld added, %lld replaced, %lld kept as they were\n", number(reply, "added"), number(reply, "replaced"), number(reply, "kept"));
        ctl_say(c, "Logins, what was learned of services, and runs that hadn't ended count from the daemon's next start.\n");
        return ctl_flush(c);
}

static int import_state(struct ctl *c, const char *path)
{
        bool is_stdin = strcmp(path, "-") == 0;
        struct input in = { .ctl = c, .path = is_stdin ? "standard input" : path, .file = is_stdin ? stdin : fopen(path, "re") };
        _cleanup_json_ json_t *parameters = json_pack("{s:b}", "replace", c->args.is_set[OPT_REPLACE]), *begun = NULL, *reply = NULL;
        int r;

        if (!in.file)
                return ctl_fail(c, EXIT_FAILED, "input", "%s: %s", path, strerror(errno));
        in.entries = json_array();
        r = in.entries && parameters ? ctl_call(c, ADMIN ".BeginImport", parameters, &begun) : ctl_out_of_memory(c);
        if (r == 0)
                r = send_file(&in);
        if (r == 0)
                r = ctl_call(c, ADMIN ".CommitImport", NULL, &reply);
        json_decref(in.entries);
        if (!is_stdin)
                fclose(in.file);
        return r == 0 ? show_counts(c, reply) : r;
}

int command_state(struct ctl *c)
{
        const struct args *a = &c->args;

        if (strcmp(a->words[0], "export") == 0 && a->n_words == 1 && !a->is_set[OPT_REPLACE])
                return export_state(c);
        if (strcmp(a->words[0], "import") == 0 && a->n_words == 2 && !a->is_set[OPT_SECRETS] && !a->is_set[OPT_OUTPUT])
                return import_state(c, a->words[1]);
        return ctl_usage(a, "usage: recflowctl state export [--secrets] [--output FILE], or recflowctl state import FILE [--replace] "
                            "(- is standard input)");
}
