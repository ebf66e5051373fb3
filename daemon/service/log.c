#include "service/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "service/systemd.h"

enum { MESSAGE_MAX = 2048, FIELD_MAX = 400, FIELDS_MAX = 12 };

#define MESSAGE_FIELD "MESSAGE="

struct entry {
        char text[FIELDS_MAX][FIELD_MAX];
        const char *fields[FIELDS_MAX + 1];
        size_t n;
};

/* One field stays one field, whatever a service or a client put into it. */
static void keep_on_one_line(char *text)
{
        for (char *c = text; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = ' ';
}

_printf_(2, 3) static void add(struct entry *e, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(e->text[e->n], FIELD_MAX, format, args);
        va_end(args);
        keep_on_one_line(e->text[e->n]);
        e->fields[e->n] = e->text[e->n];
        e->n++;
}

static void add_text(struct entry *e, const char *name, const char *value)
{
        if (value && value[0])
                add(e, "%s=%s", name, value);
}

static int log_to_journal(enum rf_log_level level, const struct rf_log_fields *f, const char *message)
{
        struct entry e = { .n = 0 };

        add(&e, "PRIORITY=%d", (int)level);
        add(&e, "SYSLOG_IDENTIFIER=recflowd");
        if (f) {
                add_text(&e, "MESSAGE_ID", f->message_id);
                add_text(&e, "RECFLOW_RUN", f->run);
                add_text(&e, "RECFLOW_PROVIDER", f->provider);
                add_text(&e, "RECFLOW_ENDPOINT", f->endpoint);
                add_text(&e, "RECFLOW_FILE", f->file);
                if (f->file)
                        add(&e, "RECFLOW_LINE=%u", f->line);
                if (f->error) {
                        add(&e, "RECFLOW_ERROR=%d", -f->error);
                        add_text(&e, "RECFLOW_ERROR_TEXT", rf_strerror(f->error));
                }
        }
        e.fields[e.n++] = message;
        return rf_systemd_journal(e.fields, e.n);
}

_printf_(3, 0) static void log_entry(enum rf_log_level level, const struct rf_log_fields *fields, const char *format, va_list args)
{
        const char *word = level == RF_LOG_ERROR ? "error: " : level == RF_LOG_WARNING ? "warning: " : "";
        char message[MESSAGE_MAX] = MESSAGE_FIELD, *line = message + strlen(MESSAGE_FIELD);

        vsnprintf(line, sizeof(message) - strlen(MESSAGE_FIELD), format, args);
        keep_on_one_line(line);
        if (!rf_systemd_has_journal())
                fprintf(stderr, "recflowd: %s%s\n", word, line);
        else if (log_to_journal(level, fields, message) < 0)
                fprintf(stderr, "<%d>%s\n", (int)level, line);
}

void rf_log(enum rf_log_level level, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        log_entry(level, NULL, format, args);
        va_end(args);
}

void rf_log_with(enum rf_log_level level, const struct rf_log_fields *fields, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        log_entry(level, fields, format, args);
        va_end(args);
}
