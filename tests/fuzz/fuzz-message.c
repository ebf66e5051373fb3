/* The bytes of a client: framing, calls, replies; what was understood is written and must be understood again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/varlink/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const char *text, size_t size)
{
        _cleanup_varlink_message_ struct rf_varlink_message call = { 0 }, reply = { 0 }, again = { 0 };
        _cleanup_buf_ struct rf_buf b = RF_BUF_INIT;
        const char *reason;

        if (rf_varlink_parse_call(text, size, &call, &reason) == 0 && (!call.parameters || json_is_object(call.parameters)) &&
            rf_varlink_put_call(&b, call.method, call.parameters, 0) == 0 &&
            rf_varlink_parse_call(b.data, b.size - 1, &again, &reason) < 0)
                abort();
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
