/* What the rooms below have to tell, as entries of the log with their fields. Never yields. */
#pragma once

#include "control/runs.h"
#include "service/config.h"
#include "upstream/upstream.h"

void rf_report_plugin(enum rf_log_level level, const char *plugin, const char *message);
/* `so` ends the sentence: what follows from it. */
void rf_report_mistake(const struct rf_config_error *e, const char *so);
void rf_report_end_of_run(const struct rf_job_view *run);
void rf_report_slow_step(void *arg, const char *name, uint64_t step_us);
/* Why the daemon can't go on; an empty `message` stands for the code's own words, `message_id` may be NULL. Returns `error`. */
int rf_report_failure(int error, const char *message_id, const char *message);
