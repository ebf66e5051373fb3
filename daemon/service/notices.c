#include "service/notices.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NOTICES_MAX = 64 };

struct rf_notices {
        char *texts[NOTICES_MAX];
        bool is_live[NOTICES_MAX];
        size_t n;
};

struct rf_notices *rf_notices_new(void)
{
        return calloc(1, sizeof(struct rf_notices));
}

struct rf_notices *rf_notices_free(struct rf_notices *n)
{
        if (!n)
                return NULL;
        for (size_t i = 0; i < n->n; i++)
                free(n->texts[i]);
        free(n);
        return NULL;
}

void rf_notices_add(struct rf_notices *n, const struct rf_log_fields *fields, const char *text)
{
        rf_log_with(RF_LOG_WARNING, fields, "%s", text);
        if (n->n < NOTICES_MAX && (n->texts[n->n] = strdup(text)))
                n->is_live[n->n++] = false;
}

void rf_notices_add_live(struct rf_notices *n, const char *text)
{
        size_t before = n->n;

        rf_notices_add(n, NULL, text);
        if (n->n > before)
                n->is_live[before] = true;
}

void rf_notices_forget(struct rf_notices *n)
{
        size_t kept = 0;

        for (size_t i = 0; i < n->n; i++)
                if (n->is_live[i])
                        free(n->texts[i]);
                else {
                        n->is_live[kept] = false;
                        n->texts[kept++] = n->texts[i];
                }
        n->n = kept;
}

const char *const *rf_notices_texts(const struct rf_notices *n)
{
        return (const char *const *)n->texts;
}

size_t rf_notices_count(const struct rf_notices *n)
{
        return n->n;
}
