#include "sim/nearest.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"

enum { LENGTH_MAX = 95 };

/* Levenshtein's distance of the first LENGTH_MAX bytes. */
static unsigned edits(const char *a, const char *b)
{
        size_t n = strnlen(a, LENGTH_MAX), m = strnlen(b, LENGTH_MAX);
        unsigned row[LENGTH_MAX + 1];

        for (size_t j = 0; j <= m; j++)
                row[j] = (unsigned)j;
        for (size_t i = 1; i <= n; i++) {
                unsigned diagonal = row[0];

                row[0] = (unsigned)i;
                for (size_t j = 1; j <= m; j++) {
                        unsigned change = diagonal + (a[i - 1] != b[j - 1]);

                        diagonal = row[j];
                        row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
                }
        }
        return row[m];
}

void sim_nearest_offer(struct sim_nearest *n, const char *wanted, const char *name)
{
        unsigned distance = edits(wanted, name);

        if (n->name[0] && distance >= n->distance)
                return;
        snprintf(n->name, sizeof(n->name), "%.95s", name);
        n->distance = distance;
}

const char *sim_nearest_text(struct sim_nearest *n, const char *wanted, char *buf, size_t size)
{
        buf[0] = '\0';
        /* more than half of it changed is no likeness */
        if (n->name[0] && n->distance * 2 <= MAX(strlen(wanted), (size_t)4))
                snprintf(buf, size, ", did you mean %s?", n->name);
        return buf;
}
