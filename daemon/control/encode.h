/* The workflow's records as JSON, member by member as the interface description has them. NULL: out of memory. Never yields. */
#pragma once

#include <jansson.h>

#include "control/build.h"
#include "control/time_text.h"
#include "flow/flow.h"

json_t *rf_encode_brief(const struct rf_brief *b);
json_t *rf_encode_not_understood(const struct rf_brief *b);
json_t *rf_encode_tracks(const struct rf_playlist *p);
json_t *rf_encode_quality(const struct rf_quality *q);
json_t *rf_encode_playlist(const struct rf_playlist *p, const char *run);
json_t *rf_encode_plan(const struct rf_plan *p);
