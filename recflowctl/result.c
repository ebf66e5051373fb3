#include "result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "formats.h"
#include "text.h"

const char *result_format(const struct ctl *c)
{
        return c->args.is_set[OPT_FORMAT] ? c->args.text[OPT_FORMAT] : c->args.is_set[OPT_JSON] ? "json" : "text";
}

static int write_playlist(FILE *f, const struct ctl *c, const struct result *result, unsigned columns, bool has_colour)
{
        const char *format = result_format(c);

        if (strcmp(format, "text") != 0)
                return format_write(f, format, result->playlist);
        result->print(f, result->playlist, columns, has_colour);
        return 0;
}

/* A device, a pipe: written to as it is, never replaced. */
static int write_special(const struct ctl *c, const struct result *result)
{
        const char *path = c->args.text[OPT_OUTPUT];
        FILE *f = fopen(path, "we");
        int r = f ? write_playlist(f, c, result, 80, false) : -errno;

        if (f && fclose(f) != 0 && r >= 0)
                r = -errno;
        return r < 0 ? ctl_fail(c, EXIT_FAILED, "output", "%s: %s", path, rf_strerror(r)) : EXIT_DONE;
}

/* Into a file that appears whole or not at all. */
static int write_file(const struct ctl *c, const struct result *result)
{
        const char *path = c->args.text[OPT_OUTPUT];
        _cleanup_free_ char *temporary = NULL;
        struct stat st;
        FILE *f = NULL;
        int fd, r;

        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
                return write_special(c, result);
        if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
                return ctl_out_of_memory(c);
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0 || !(f = fdopen(fd, "w"))) {
                r = ctl_fail(c, EXIT_FAILED, "output", "%s: %s", path, strerror(errno));
                if (fd >= 0) {
                        close(fd);
                        unlink(temporary);
                }
                return r;
        }
        r = write_playlist(f, c, result, 80, false);
        if (r >= 0 && fchmod(fd, 0666 & ~umask(022)) < 0)
                r = -errno;
        if (fclose(f) != 0 && r >= 0)
                r = -errno;
        if (r >= 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r >= 0)
                return EXIT_DONE;
        unlink(temporary);
        return ctl_fail(c, EXIT_FAILED, "output", "%s: %s", path, rf_strerror(r));
}

int result_show(const struct ctl *c, const struct result *result)
{
        const json_t *unmet = json_object_get(json_object_get(result->playlist, "receipt"), "unmet");
        bool is_json = c->args.is_set[OPT_JSON], has_format = c->args.is_set[OPT_FORMAT], has_file = c->args.is_set[OPT_OUTPUT];
        int r = EXIT_DONE;

        if (!result->playlist && (has_format || has_file))
                return ctl_fail(c, EXIT_FAILED, "no_playlist", "%s", result->without);
        if (has_file)
                r = write_file(c, result);
        if (r == EXIT_DONE && is_json && (has_file || !has_format))
                r = ctl_print_json(c, result->whole);
        else if (r == EXIT_DONE && !has_file) {
                r = write_playlist(stdout, c, result, text_columns(), text_has_colour(stdout));
                r = r < 0 ? ctl_out_of_memory(c) : ctl_flush(c);
        }
        return r == EXIT_DONE && c->args.is_set[OPT_STRICT] && json_array_size(unmet) > 0 ? EXIT_UNMET : r;
}
