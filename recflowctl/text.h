/* Text for people: widths of characters, times, colours. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

void text_init(void); /* the locale; UTF-8 also where none is set */

unsigned text_columns(void); /* of the terminal on standard output; 80 if it isn't one */
bool text_has_colour(FILE *f); /* a terminal, and NO_COLOR isn't set */

/* Control characters become blanks, in place: names come from services. */
void text_clean(char *s);
/* How many columns a text takes. */
size_t text_width(const char *s);
/* Prints a text in exactly `columns` columns, clipped with an ellipsis or padded; `columns` 0 prints nothing. */
void text_print(FILE *f, const char *s, size_t columns, bool is_right);

/* A head, and then words in lines of so many columns, those after the first indented by the head's width. */
void text_wrap(FILE *f, const char *head, const char *s, unsigned columns);

/* "3:07", "1:02:03". Returns `buf`. */
const char *text_time(uint64_t ms, char *buf, size_t size);
/* "45 min", "1 h 38 min". */
const char *text_length(uint64_t ms, char *buf, size_t size);
/* "640 us", "12 ms", "3.4 s". */
const char *text_duration(uint64_t us, char *buf, size_t size);
/* "12.3 MiB". */
const char *text_bytes(uint64_t bytes, char *buf, size_t size);
/* Thousandths: 912 is ".912". */
const char *text_milli(int64_t milli, char *buf, size_t size);

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define CYAN "\033[36m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"
