#include "text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

void text_init(void)
{
        /* names are UTF-8 whatever the terminal was set to */
        if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
                setlocale(LC_CTYPE, "C.UTF-8");
}

unsigned text_columns(void)
{
        const char *columns = getenv("COLUMNS");
        struct winsize w;
        int n;

        if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 20)
                return w.ws_col;
        n = columns ? atoi(columns) : 0;
        return n >= 20 && n <= 1000 ? (unsigned)n : 80;
}

bool text_has_colour(FILE *f)
{
        const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(fileno(f)) && !(no_colour && no_colour[0]) && term && strcmp(term, "dumb") != 0;
}

void text_clean(char *s)
{
        for (; *s; s++)
                if ((unsigned char)*s < 0x20 || *s == 0x7f)
                        *s = ' ';
}

/* One character: its bytes and columns. What can't be shown takes a column. */
static size_t next_character(const char *s, mbstate_t *state, size_t *ret_columns)
{
        wchar_t w;
        size_t n = mbrtowc(&w, s, MB_CUR_MAX, state);
        int columns;

        if (n == (size_t)-1 || n == (size_t)-2) {
                memset(state, 0, sizeof(*state));
                *ret_columns = 1;
                return 1;
        }
        columns = wcwidth(w);
        *ret_columns = columns < 0 ? 1 : (size_t)columns;
        return n;
}

size_t text_width(const char *s)
{
        mbstate_t state = { 0 };
        size_t width = 0, columns;

        while (*s) {
                s += next_character(s, &state, &columns);
                width += columns;
        }
        return width;
}

static void print_character(FILE *f, const char *s, size_t n)
{
        unsigned char c = (unsigned char)*s;

        /* control characters, those of the second page (U+0080..9F) too, would steer the terminal */
        if (c < 0x20 || c == 0x7f || (n == 1 && c >= 0x80) || (n == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0))
                fputc('?', f);
        else
                fwrite(s, 1, n, f);
}

void text_print(FILE *f, const char *s, size_t columns, bool is_right)
{
        size_t width = text_width(s), used = 0, limit = width > columns ? columns - 1 : columns, n, w;
        mbstate_t state = { 0 };

        if (columns == 0)
                return;
        for (size_t i = width; is_right && i < columns; i++)
                fputc(' ', f);
        for (; *s; s += n, used += w) {
                mbstate_t before = state;

                n = next_character(s, &state, &w);
                if (used + w > limit) {
                        state = before;
                        break;
                }
                print_character(f, s, n);
        }
        if (width > columns) {
                fputs("…", f);
                used++;
        }
        for (; !is_right && used < columns; used++)
                fputc(' ', f);
}

void text_wrap(FILE *f, const char *head, const char *s, unsigned columns)
{
        size_t indent = text_width(head), used = indent;
        char word[256];

        fputs(head, f);
        while (*s) {
                size_t n = strcspn(s, " "), width;

                snprintf(word, sizeof(word), "%.*s", (int)n, s);
                width = text_width(word);
                if (used > indent && used + 1 + width > columns) {
                        fprintf(f, "\n%*s", (int)indent, "");
                        used = indent;
                } else if (used > indent) {
                        fputc(' ', f);
                        used++;
                }
                text_print(f, word, width, false);
                used += width;
                s += n;
                s += strspn(s, " ");
        }
        fputc('\n', f);
}

const char *text_time(uint64_t ms, char *buf, size_t size)
{
        unsigned long long s = (ms + 500) / 1000;

        if (s >= 3600)
                snprintf(buf, size, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
        else
                snprintf(buf, size, "%llu:%02llu", s / 60, s % 60);
        return buf;
}

const char *text_length(uint64_t ms, char *buf, size_t size)
{
        unsigned long long min = (ms + 30000) / 60000;

        if (min >= 60)
                snprintf(buf, size, "%llu h %llu min", min / 60, min % 60);
        else
                snprintf(buf, size, "%llu min", min);
        return buf;
}

const char *text_duration(uint64_t us, char *buf, size_t size)
{
        if (us < 1000)
                snprintf(buf, size, "%u us", (unsigned)us);
        else if (us < 1000000)
                snprintf(buf, size, "%u ms", (unsigned)((us + 500) / 1000));
        else
                snprintf(buf, size, "%.1f s", (double)us / 1e6);
        return buf;
}

const char *text_bytes(uint64_t bytes, char *buf, size_t size)
{
        static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
        double v = (double)bytes;
        size_t u = 0;

        for (; v >= 1024.0 && u + 1 < sizeof(units) / sizeof(*units); u++)
                v /= 1024.0;
        snprintf(buf, size, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
        return buf;
}

const char *text_milli(int64_t milli, char *buf, size_t size)
{
        if (milli >= 1000 || milli < 0)
                snprintf(buf, size, "%.2f", (double)milli / 1000.0);
        else
                snprintf(buf, size, ".%03d", (int)milli);
        return buf;
}
