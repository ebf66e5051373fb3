/*
 * What a person should know of this start, or of the configuration in effect: logged as warnings, and told by Status for as long as it
 * holds. Never yields.
 */
#pragma once

#include <stddef.h>

#include "base/macros.h"
#include "service/log.h"

struct rf_notices;

struct rf_notices *rf_notices_new(void); /* NULL: out of memory */
struct rf_notices *rf_notices_free(struct rf_notices *n);
DEFINE_CLEANUP(struct rf_notices *, rf_notices_free);

/* `fields` may be NULL. Beyond a limit, or out of memory, it's only logged. */
void rf_notices_add(struct rf_notices *n, const struct rf_log_fields *fields, const char *text);
/* One of the configuration, which the next rf_notices_forget() drops. */
void rf_notices_add_live(struct rf_notices *n, const char *text);
void rf_notices_forget(struct rf_notices *n);
/* The array stays where it is; the texts do until rf_notices_forget(). */
const char *const *rf_notices_texts(const struct rf_notices *n);
size_t rf_notices_count(const struct rf_notices *n);
