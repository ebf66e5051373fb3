/*
 * Error codes. A function that can fail returns an int: 0 or more on success, a negative errno code or a negative code from
 * here. Foreign codes (curl, LMDB, jansson, Varlink) are translated where they enter.
 */
#pragma once

enum rf_error {
        RF_ECONFIG = 1001, /* configuration invalid */
        RF_EPLUGIN,        /* plugin refused */
        RF_EUNSUPPORTED,   /* no provider can do this operation now */
        RF_EREFUSED,       /* the service refused this operation to this credential */
        RF_ELOGIN,         /* a person must log in */
        RF_ERATE,          /* rate limited */
        RF_EQUOTA,         /* the service's long quota is used up */
        RF_EUPSTREAM,      /* the service failed; may work later */
        RF_EMALFORMED,     /* the service's answer can't be understood */
        RF_EINVALIDCALL,   /* the service calls our request wrong */
        RF_EOPEN,          /* circuit breaker open */
        RF_ECORRUPT,       /* stored data damaged */
        RF_EFOREIGN,       /* stored data of another program or a newer version */
        RF_EPROTO,         /* protocol violated by the peer */
        RF_ELIMIT,         /* a named limit reached (limits.h) */
        RF_EPROMPT,        /* nothing in the prompt to work with */
        RF_ENOTRACKS,      /* no track fits the wish */
        RF_ENORUN,         /* no such run */
        RF_EBUSY,          /* another daemon holds the socket or the store */
        RF_ELAST_,
};

/* A short English text for any code, positive or negative, ours or errno's. Never NULL; static, or valid until the thread's next call. */
const char *rf_strerror(int error);
