/*
 * Varlink messages: framing, calls, replies. Shared by daemon and client; knows neither sockets nor the scheduler. Never yields.
 *
 * A message is one JSON object followed by one NUL. White space in it is accepted and never written.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Errors that every service may answer with, described in org.varlink.service. */
#define RF_VARLINK_SERVICE "org.varlink.service"
#define RF_VARLINK_INVALID_PARAMETER RF_VARLINK_SERVICE ".InvalidParameter"           /* parameter: string */
#define RF_VARLINK_METHOD_NOT_FOUND RF_VARLINK_SERVICE ".MethodNotFound"              /* method: string */
#define RF_VARLINK_INTERFACE_NOT_FOUND RF_VARLINK_SERVICE ".InterfaceNotFound"        /* interface: string */
#define RF_VARLINK_METHOD_NOT_IMPLEMENTED RF_VARLINK_SERVICE ".MethodNotImplemented"  /* method: string */
#define RF_VARLINK_PERMISSION_DENIED RF_VARLINK_SERVICE ".PermissionDenied"
#define RF_VARLINK_EXPECTED_MORE RF_VARLINK_SERVICE ".ExpectedMore"

/*
 * Splits a byte stream into messages, in place: bytes are read into the room the reader offers, and messages come out as pointers
 * into the same memory. Zero-initialised but for `message_max` is empty and valid.
 */
struct rf_varlink_reader {
        struct rf_buf buf;
        size_t taken;       /* bytes before it were given out */
        size_t scanned;     /* no NUL from `taken` up to here */
        size_t message_max; /* bytes of one message, the NUL not counted */
};

/* Room for at least one more byte; messages given out before become invalid. -ENOMEM. */
int rf_varlink_reader_room(struct rf_varlink_reader *r, char **ret, size_t *ret_size);
/* `size` bytes were put into the room. */
void rf_varlink_reader_filled(struct rf_varlink_reader *r, size_t size);
/* 1: a message, NUL-terminated beyond its size, valid until the next call of room(); 0: it isn't complete yet; -EMSGSIZE. */
int rf_varlink_reader_next(struct rf_varlink_reader *r, const char **ret, size_t *ret_size);
/* Whether a complete message waits. */
bool rf_varlink_reader_has_message(struct rf_varlink_reader *r);
void rf_varlink_reader_done(struct rf_varlink_reader *r);

enum { RF_VARLINK_PLAIN_METHOD = 96 };

/* A call, parsed and checked. Not to be copied: `method` and `parameters` live as long as the message. */
struct rf_varlink_message {
        json_t *root;
        const char *method; /* replies: NULL */
        const char *error;  /* a reply with an error: its full name, else NULL */
        json_t *parameters; /* NULL: absent, null or {}. Not an object: a mistake that the caller deserves an answer to */
        bool oneway, more, upgrade;
        bool continues;
        char plain[RF_VARLINK_PLAIN_METHOD]; /* where `method` is if nothing had to be parsed */
};

/*
 * Parses a call. Anything but 0 ends the connection: -EBADMSG (not JSON, not UTF-8, too deep, a key twice, not an object, `method`
 * missing or not a string, a flag that isn't a boolean or more than one set, a member that is unknown and has no dot in its name),
 * -ENOMEM. `reason` (may be NULL) is set to a static string then.
 */
int rf_varlink_parse_call(const char *text, size_t size, struct rf_varlink_message *ret, const char **reason);

/* Parses a reply, as strictly; members that are unknown are ignored. `parameters` is an object or NULL. */
int rf_varlink_parse_reply(const char *text, size_t size, struct rf_varlink_message *ret, const char **reason);

void rf_varlink_message_done(struct rf_varlink_message *m); /* accepts one that is all zero */
#define _cleanup_varlink_message_ _cleanup_(rf_varlink_message_done)

/*
 * Each appends one message with its NUL to `b`, or leaves `b` as it was: -EMSGSIZE over RF_MESSAGE_MAX, -EINVAL if a string
 * holds a NUL or `parameters` isn't an object (NULL stands for {}), -ENOMEM. `parameters` stays the caller's.
 */
enum rf_varlink_flags { RF_VARLINK_ONEWAY = 1u << 0, RF_VARLINK_MORE = 1u << 1, RF_VARLINK_UPGRADE = 1u << 2 };
int rf_varlink_put_call(struct rf_buf *b, const char *method, const json_t *parameters, unsigned flags);
int rf_varlink_put_reply(struct rf_buf *b, const json_t *parameters, bool continues);
int rf_varlink_put_error(struct rf_buf *b, const char *error, const json_t *parameters);
