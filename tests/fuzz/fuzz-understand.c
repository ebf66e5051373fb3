/* Prompts: any bytes are understood or refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flow/understand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct rf_lexicon *lexicon;
        _cleanup_(rf_brief_freep) struct rf_brief *b = NULL;
        _cleanup_free_ char *prompt = strndup((const char *)data, size);
        char message[256];

        if (!lexicon && rf_lexicon_load(TEST_SRCDIR "/data", &lexicon, message, sizeof(message)) < 0)
                abort();
        if (prompt)
                (void)rf_understand(lexicon, &(struct rf_wish){ .prompt = prompt }, &b);
        return 0;
}

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
        return "leak:rf_lexicon_load\n"; /* kept from run to run */
}
