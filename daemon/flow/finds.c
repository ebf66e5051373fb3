#include "flow/finds.h"

#include <errno.h>
#include <stdlib.h>

int rf_finds_add(struct rf_finds *f, const struct rf_find *find)
{
        if (f->n == f->capacity) {
                size_t capacity = MAX(f->capacity * 2, (size_t)64);
                struct rf_find *grown = reallocarray(f->list, capacity, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                f->list = grown;
                f->capacity = capacity;
        }
        f->list[f->n] = *find;
        f->list[f->n++].answer = rf_answer_ref(find->answer);
        return 0;
}

void rf_finds_done(struct rf_finds *f)
{
        for (size_t i = 0; i < f->n; i++)
                rf_answer_unref(f->list[i].answer);
        free(f->list);
        *f = (struct rf_finds){ 0 };
}

int rf_finds_merge(const struct rf_finds *f, struct rf_run *run)
{
        uint32_t refused = 0;

        for (size_t i = 0; i < f->n; i++) {
                int r = rf_pool_add(run->pool, &f->list[i], NULL);

                if (r == -ENOSPC)
                        refused++;
                else if (r < 0)
                        return r;
        }
        rf_receipt_skip(run->book, "candidates", "a run keeps at most so many", refused);
        return 0;
}
