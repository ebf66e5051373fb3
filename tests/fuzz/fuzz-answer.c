/* Stored answers: whatever lies on the disk is refused or valid, and what is valid can be stored again. */
#include <stdint.h>
#include <stdlib.h>

#include "provider/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(rf_answer_unrefp) struct rf_answer *a = NULL;
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;

        if (rf_answer_decode("fuzz", data, size, &a) == 0 && rf_answer_encode(a, &b) < 0)
                abort();
        return 0;
}
