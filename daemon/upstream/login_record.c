#include "upstream/login_record.h"

#include "base/error.h"

#include <inttypes.h>
#include <string.h>

int rf_login_record_encode(const struct rf_login_record *r, struct rf_buf *b)
{
        int result = rf_buf_add(b, r->token, r->token_size);

        return result < 0 || r->login == 0 ? result : rf_buf_addf(b, "\n%" PRIu64, r->login);
}

int rf_login_record_decode(const void *data, size_t size, struct rf_login_record *ret)
{
        const char *text = data, *end = text + size, *line = memchr(data, '\n', size);
        struct rf_login_record r = { .token = text, .token_size = line ? (size_t)(line - text) : size };

        if (r.token_size == 0 || r.token_size > RF_LOGIN_TOKEN_MAX || (line && line + 1 == end))
                return -RF_ECORRUPT;
        for (const char *c = line ? line + 1 : end; c < end; c++) {
                if (*c < '0' || *c > '9' || r.login > (uint64_t)(INT64_MAX - 9) / 10)
                        return -RF_ECORRUPT;
                r.login = r.login * 10 + (uint64_t)(*c - '0');
        }
        *ret = r;
        return 0;
}
