/*
 * What a person must hear of, once: a service that wants a login, whose quota is used up, or whose certificate isn't trusted; and that it
 * works again. Never yields.
 */
#pragma once

#include "upstream/upstream.h"

struct rf_alerts;

int rf_alerts_new(struct rf_alerts **ret);
struct rf_alerts *rf_alerts_free(struct rf_alerts *a);
DEFINE_CLEANUP(struct rf_alerts *, rf_alerts_free);

/*
 * Sees each call, as rf_upstream_options.observe does. `problem` is what is wrong with the provider's credential as a whole, NULL if nothing
 * is: an operation that needs a person's own account is no cause for alarm while the others don't.
 */
void rf_alerts_call(struct rf_alerts *a, const struct rf_caller *caller, const struct rf_call_record *record, const char *problem);
