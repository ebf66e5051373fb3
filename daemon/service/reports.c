#include "service/reports.h"

#include "base/error.h"
#include "base/macros.h"
#include "service/log.h"
#include "service/messages.h"

void rf_report_plugin(enum rf_log_level level, const char *plugin, const char *message)
{
        rf_log_with(level, &(struct rf_log_fields){ .provider = plugin }, "[provider %s] %s", plugin, message);
}

void rf_report_mistake(const struct rf_config_error *e, const char *so)
{
        struct rf_log_fields fields = { .message_id = RF_MESSAGE_CONFIGURATION, .file = e->file, .line = e->line, .error = -RF_ECONFIG };

        if (e->line)
                rf_log_with(RF_LOG_ERROR, &fields, "%s:%u: %s%s", e->file, e->line, e->message, so);
        else
                rf_log_with(RF_LOG_ERROR, &fields, "%s: %s%s", e->file, e->message, so);
}

void rf_report_end_of_run(const struct rf_job_view *run)
{
        struct rf_log_fields fields = { .run = run->id, .error = run->error };

        if (run->error < 0)
                rf_log_with(RF_LOG_WARNING, &fields, "run %s failed: %s", run->id, run->message ? run->message : rf_strerror(run->error));
        else
                rf_log_with(RF_LOG_INFO, &fields, "run %s %s: %u tracks after %llu ms", run->id,
                            run->state == RF_RUN_CANCELLED ? "was cancelled" : "is done", run->n_tracks,
                            (unsigned long long)(run->ended_us > run->accepted_us ? (run->ended_us - run->accepted_us) / USEC_PER_MSEC : 0));
}

void rf_report_slow_step(void *arg, const char *name, uint64_t step_us)
{
        (void)arg;
        rf_log(RF_LOG_WARNING, "a step of \"%s\" held the loop for %llu ms", name, (unsigned long long)(step_us / USEC_PER_MSEC));
}

int rf_report_failure(int error, const char *message_id, const char *message)
{
        rf_log_with(RF_LOG_ERROR, &(struct rf_log_fields){ .message_id = message_id, .error = error }, "%s",
                    message[0] ? message : rf_strerror(error));
        return error;
}
