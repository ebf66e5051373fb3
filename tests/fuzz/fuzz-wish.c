/* Stored runs and the wishes in them. */
#include <stdint.h>

#include "control/run_record.h"
#include "flow/wish.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(rf_wish_freep) struct rf_wish *w = NULL;
        struct rf_run_memory memory;
        struct rf_run_record record;

        (void)rf_wish_decode(data, size, &w);
        if (rf_run_record_decode(data, size, &record, &memory) == 0)
                rf_run_memory_done(&memory);
        return 0;
}
