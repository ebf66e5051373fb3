#include "journal.h"

#include <stdio.h>
#include <time.h>

uint64_t journal_now_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

bool journal_write(const char *event, uint64_t id, uint64_t t_us, json_t *fields)
{
        json_t *line = json_pack("{s:I, s:s, s:I}", "t_us", (json_int_t)t_us, "event", event, "id", (json_int_t)id);
        bool is_written;

        if (line && fields)
                json_object_update(line, fields);
        json_decref(fields);
        is_written = line && json_dumpf(line, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF && fflush(stdout) == 0;
        json_decref(line);
        return is_written;
}
