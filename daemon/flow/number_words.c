#include "flow/number_words.h"

#include <string.h>

#include "base/macros.h"

static const struct {
        const char *word;
        int value;
} WORDS[] = {
        { "zero", 0 },      { "one", 1 },       { "two", 2 },        { "three", 3 },     { "four", 4 },      { "five", 5 },
        { "six", 6 },       { "seven", 7 },     { "eight", 8 },      { "nine", 9 },      { "ten", 10 },      { "eleven", 11 },
        { "twelve", 12 },   { "dozen", 12 },    { "thirteen", 13 },  { "fourteen", 14 }, { "fifteen", 15 },  { "sixteen", 16 },
        { "seventeen", 17 }, { "eighteen", 18 }, { "nineteen", 19 }, { "twenty", 20 },   { "thirty", 30 },   { "forty", 40 },
        { "fifty", 50 },    { "sixty", 60 },    { "seventy", 70 },   { "eighty", 80 },   { "ninety", 90 },
        { "zwei", 2 },      { "drei", 3 },      { "vier", 4 },       { "funf", 5 },      { "sechs", 6 },     { "sieben", 7 },
        { "acht", 8 },      { "neun", 9 },      { "zehn", 10 },      { "zwolf", 12 },    { "zwanzig", 20 },  { "dreissig", 30 },
        { "vierzig", 40 },  { "funfzig", 50 },  { "sechzig", 60 },
};

int rf_number_word(const char *word, size_t size)
{
        for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
                if (strlen(WORDS[i].word) == size && strncmp(WORDS[i].word, word, size) == 0)
                        return WORDS[i].value;
        return -1;
}
