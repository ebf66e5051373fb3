/* The provider's side: requests from queries, records from answers. */
#pragma once

#include <recflow/plugin.h>

enum { MOCK_OPERATIONS = 12 };

extern const struct rf_operation mock_operations[MOCK_OPERATIONS];

/* The host given at open(); the translators speak to it. */
void mock_translate_init(const struct rf_host *host);
