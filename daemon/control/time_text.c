#include "control/time_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/macros.h"

const char *rf_time_text(uint64_t wall_us, char buf[static RF_TIME_TEXT_SIZE])
{
        time_t seconds = (time_t)(wall_us / USEC_PER_SEC);
        struct tm tm;
        size_t n;

        gmtime_r(&seconds, &tm);
        n = strftime(buf, RF_TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(buf + n, RF_TIME_TEXT_SIZE - n, ".%03uZ", (unsigned)(wall_us % USEC_PER_SEC / USEC_PER_MSEC));
        return buf;
}

/* "Z", "+01:00", "-05:30" in seconds. False: it's none. */
static bool take_offset(const char *text, int64_t *ret_s)
{
        unsigned hours, minutes;
        int n = 0;

        *ret_s = 0;
        if ((*text == 'Z' || *text == 'z') && !text[1])
                return true;
        if ((*text != '+' && *text != '-') || sscanf(text + 1, "%2u:%2u%n", &hours, &minutes, &n) != 2 || n != 5 || text[6] || hours > 23 ||
            minutes > 59)
                return false;
        *ret_s = (int64_t)(hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
        return true;
}

int rf_time_parse(const char *text, uint64_t *ret_wall_us)
{
        struct tm tm = { 0 };
        const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
        uint64_t fraction_us = 0;
        int64_t offset_s, seconds;

        if (!end)
                return -EINVAL;
        if (*end == '.') {
                uint64_t unit_us = USEC_PER_SEC / 10;

                for (end++; *end >= '0' && *end <= '9'; end++, unit_us /= 10)
                        fraction_us += (uint64_t)(*end - '0') * unit_us;
        }
        if (!take_offset(end, &offset_s))
                return -EINVAL;
        seconds = (int64_t)timegm(&tm) - offset_s;
        if (seconds < 0)
                return -EINVAL;
        *ret_wall_us = (uint64_t)seconds * USEC_PER_SEC + fraction_us;
        return 0;
}
