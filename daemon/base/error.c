#include "base/error.h"

#include "base/macros.h"

#include <string.h>

static const char *const texts[] = {
        [RF_ECONFIG - RF_ECONFIG] = "configuration invalid",
        [RF_EPLUGIN - RF_ECONFIG] = "plugin refused",
        [RF_EUNSUPPORTED - RF_ECONFIG] = "no provider can do this now",
        [RF_EREFUSED - RF_ECONFIG] = "the service refuses this operation to this application",
        [RF_ELOGIN - RF_ECONFIG] = "a login is needed",
        [RF_ERATE - RF_ECONFIG] = "the service's rate limit is reached",
        [RF_EQUOTA - RF_ECONFIG] = "the service's quota is used up",
        [RF_EUPSTREAM - RF_ECONFIG] = "the service failed",
        [RF_EMALFORMED - RF_ECONFIG] = "the service's answer can't be understood",
        [RF_EINVALIDCALL - RF_ECONFIG] = "the service rejected the request as invalid",
        [RF_EOPEN - RF_ECONFIG] = "the service failed repeatedly and is left alone for a while",
        [RF_ECORRUPT - RF_ECONFIG] = "stored data is damaged",
        [RF_EFOREIGN - RF_ECONFIG] = "stored data belongs to another program or a newer version",
        [RF_EPROTO - RF_ECONFIG] = "protocol violated",
        [RF_ELIMIT - RF_ECONFIG] = "a limit is reached",
        [RF_EPROMPT - RF_ECONFIG] = "nothing in the prompt to work with",
        [RF_ENOTRACKS - RF_ECONFIG] = "no track fits the wish",
        [RF_ENORUN - RF_ECONFIG] = "no such run",
        [RF_EBUSY - RF_ECONFIG] = "in use by another daemon",
};

const char *rf_strerror(int error)
{
        if (error < 0)
                error = -error;
        if (error >= RF_ECONFIG && error < RF_ELAST_)
                return texts[error - RF_ECONFIG];
        return strerror(error);
}
