/* Times as the interfaces have them: RFC 3339. */
#pragma once

#include <stdint.h>

enum { RF_TIME_TEXT_SIZE = 32 };

/* Wall-clock microseconds as "2026-11-24T09:44:41.247Z"; returns `buf`. */
const char *rf_time_text(uint64_t wall_us, char buf[static RF_TIME_TEXT_SIZE]);
/* With any offset from UTC, fractions to the microsecond. -EINVAL: it isn't one, or is before 1970. */
int rf_time_parse(const char *text, uint64_t *ret_wall_us);
