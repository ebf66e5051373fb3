#include "provider/host.h"

#include "provider/answer.h"

#include <string.h>

static void (*log_sink)(enum rf_log_level level, const char *plugin, const char *message);

static void log_line(enum rf_log_level level, const char *plugin, const char *message)
{
        if (log_sink && plugin && message)
                log_sink(level, plugin, message);
}

void rf_host_set_log(void (*log)(enum rf_log_level level, const char *plugin, const char *message))
{
        log_sink = log;
}

const struct rf_host *rf_host(void)
{
        static struct rf_host host = {
                .size = sizeof(struct rf_host),
                .abi_major = RF_PLUGIN_ABI_MAJOR,
                .abi_minor = RF_PLUGIN_ABI_MINOR,
                .log = log_line,
                .emit_track = rf_sink_track,
                .emit_artist = rf_sink_artist,
                .emit_album = rf_sink_album,
                .emit_features = rf_sink_features,
                .emit_created = rf_sink_created,
                .emit_analysis = rf_sink_analysis,
        };

        if (!host.request_path)
                rf_request_fill_host(&host);
        return &host;
}
