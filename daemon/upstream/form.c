#include "upstream/form.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int rf_form_add(struct rf_buf *b, const char *name, const char *value)
{
        int r = value ? rf_buf_addf(b, "%s%s=", b->size > 0 ? "&" : "", name) : -EINVAL;

        for (; r >= 0 && *value; value++) {
                unsigned char c = (unsigned char)*value;
                bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c);

                r = plain ? rf_buf_add(b, value, 1) : rf_buf_addf(b, "%%%02X", c);
        }
        return r;
}

char *rf_base64url(const unsigned char *data, size_t size)
{
        char *text = malloc(size / 3 * 4 + 8);

        if (!text)
                return NULL;
        EVP_EncodeBlock((unsigned char *)text, data, (int)size);
        for (char *c = text; *c; c++)
                *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
        text[strcspn(text, "=")] = '\0';
        return text;
}

char *rf_random_text(void)
{
        unsigned char bytes[48];
        char *text = RAND_bytes(bytes, sizeof(bytes)) == 1 ? rf_base64url(bytes, sizeof(bytes)) : NULL;

        OPENSSL_cleanse(bytes, sizeof(bytes));
        return text;
}
