/* The bytes of a client: framing, calls, replies; what was understood is written and must be understood again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/varlink/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A blank in front makes the parser read what may have been read in place: the same must come of it. */
static void compare(const char *text, size_t size, const struct rf_varlink_message *in_place)
{
        _cleanup_varlink_message_ struct rf_varlink_message parsed = { 0 };
        char *blank = malloc(size + 2);
        const char *reason;

        if (!blank)
                return;
        blank[0] = ' ';
        memcpy(blank + 1, text, size);
        blank[size + 1] = '\0';
        if (rf_varlink_parse_call(blank, size + 1, &parsed, &reason) < 0 || strcmp(parsed.method, in_place->method) != 0 ||
            parsed.parameters || parsed.more != in_place->more || parsed.oneway != in_place->oneway || parsed.upgrade != in_place->upgrade)
                abort();
        free(blank);
}

static void use(const char *text, size_t size)
{
        _cleanup_varlink_message_ struct rf_varlink_message call = { 0 }, reply = { 0 }, again = { 0 };
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        const char *reason;

        if (rf_varlink_parse_call(text, size, &call, &reason) == 0 && (!call.parameters || json_is_object(call.parameters)) &&
            rf_varlink_put_call(&b, call.method, call.parameters, 0) == 0 &&
            rf_varlink_parse_call(b.data, b.size - 1, &again, &reason) < 0)
                abort();
        if (call.method == call.plain)
                compare(text, size, &call);
        (void)rf_varlink_parse_reply(text, size, &reply, &reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct rf_varlink_reader reader = { .message_max = 4096 };
        size_t at = 0;

        while (at < size) {
                const char *text;
                char *room;
                size_t n;

                if (rf_varlink_reader_room(&reader, &room, &n) < 0)
                        break;
                n = n < size - at ? n : size - at;
                memcpy(room, data + at, n);
                rf_varlink_reader_filled(&reader, n);
                at += n;
                while (rf_varlink_reader_next(&reader, &text, &n) == 1)
                        use(text, n);
        }
        rf_varlink_reader_done(&reader);
        if (size > 0 && memchr(data, 0, size) == NULL) {
                char *text = malloc(size + 1);

                if (text) {
                        memcpy(text, data, size);
                        text[size] = '\0';
                        use(text, size);
                }
                free(text);
        }
        return 0;
}
