#include "flow/numbers.h"

#include <ctype.h>
#include <string.h>

#include "flow/number_words.h"

#define BELOW 1e6

/* Digits with a fraction, without strtod()'s exponents, signs and locales. */
static const char *read_digits(const char *s, double *ret)
{
        double value = 0, unit = 1;

        for (; isdigit((unsigned char)*s); s++)
                value = value < BELOW ? value * 10 + (*s - '0') : value;
        if (s[0] == '.' && isdigit((unsigned char)s[1]))
                for (s++; isdigit((unsigned char)*s); s++)
                        value += (unit /= 10) * (*s - '0');
        *ret = value;
        return s;
}

static int word_at(struct rf_reading *rd, size_t ahead)
{
        const struct rf_token *t = rf_reading_at(rd, ahead);

        return t ? rf_number_word(t->folded, strlen(t->folded)) : -1;
}

bool rf_number_at(struct rf_reading *rd, size_t ahead, struct rf_number *ret)
{
        const struct rf_token *t = rf_reading_at(rd, ahead);
        int tens, units;

        if (!t)
                return false;
        *ret = (struct rf_number){ .rest = "", .words = 1 };
        if (isdigit((unsigned char)t->folded[0])) {
                const char *behind = read_digits(t->written, &ret->value);

                /* folding takes the point out of "1.5", and the apostrophe out of "80's" */
                ret->rest = memchr(t->written, '.', (size_t)(behind - t->written)) ? behind : read_digits(t->folded, &(double){ 0 });
                return ret->value < BELOW;
        }
        tens = word_at(rd, ahead);
        if (tens < 0)
                return false;
        units = tens >= 20 ? word_at(rd, ahead + 1) : -1;
        ret->is_word = true;
        ret->value = tens;
        if (units > 0 && units < 10) {
                ret->value += units;
                ret->words = 2;
        }
        return true;
}
