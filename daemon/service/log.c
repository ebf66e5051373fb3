#include "service/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rf_log(enum rf_log_level level, const char *format, ...)
{
        const char *word = level == RF_LOG_ERROR ? "error: " : level == RF_LOG_WARNING ? "warning: " : "";
        char line[2048];
        va_list args;

        va_start(args, format);
        vsnprintf(line, sizeof(line), format, args);
        va_end(args);
        /* one line stays one line, whatever a service or a client put into it */
        for (char *c = line; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = ' ';
        if (getenv("JOURNAL_STREAM"))
                fprintf(stderr, "<%d>%s\n", (int)level, line);
        else
                fprintf(stderr, "recflowd: %s%s\n", word, line);
}
