#include "flow/lexicon.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_ = 2048, TYPO_LENGTH_MIN = 5, SURE_LENGTH_MIN = 8, RELATED_MAX = 8, ARTISTS_MAX = 8 };

struct rf_lexicon {
        struct rf_arena arena;
        struct rf_map *phrases; /* struct rf_entry by folded phrase */
        struct rf_map *related; /* NULL-terminated lists of names by genre */
        struct rf_map *artists; /* the same */
};

/* Where a file is being read, for messages. */
struct source {
        struct rf_lexicon *l;
        const char *path;
        unsigned line;
        char *message;
        size_t message_size;
};

_printf_(2, 3) static int bad(const struct source *s, const char *format, ...)
{
        va_list ap;
        int n = snprintf(s->message, s->message_size, "%s:%u: ", s->path, s->line);

        va_start(ap, format);
        if (n >= 0 && (size_t)n < s->message_size)
                vsnprintf(s->message + n, s->message_size - (size_t)n, format, ap);
        va_end(ap);
        return -RF_ECORRUPT;
}

/* ---- Effects ---- */

static int find_feature(const char *name, size_t size)
{
        for (int i = 0; i < RF_FEATURE_COUNT; i++)
                if (strlen(rf_feature_name(i)) == size && strncmp(rf_feature_name(i), name, size) == 0)
                        return i;
        return -1;
}

/* "energy=.2...4*.9!": range, weight, hard. */
static int parse_target(const struct source *s, const char *word, const char *equals, struct rf_effect *e)
{
        int feature = find_feature(word, (size_t)(equals - word));
        char *end;

        if (feature < 0)
                return bad(s, "unknown feature in \"%s\"", word);
        e->kind = RF_EFFECT_TARGET;
        e->feature = (enum rf_feature)feature;
        e->low = e->high = strtof(equals + 1, &end);
        if (end == equals + 1)
                return bad(s, "\"%s\" needs a number behind the equals sign", word);
        if (*end == ':')
                e->high = strtof(end + 1, &end);
        e->weight = 0.8f;
        if (*end == '*')
                e->weight = strtof(end + 1, &end);
        if (*end == '!') {
                e->is_hard = true;
                end++;
        }
        if (*end || e->low > e->high || e->weight < 0 || e->weight > 1)
                return bad(s, "\"%s\" isn't FEATURE=LOW[:HIGH][*WEIGHT][!]", word);
        return 0;
}

static const struct {
        const char *prefix;
        enum rf_effect_kind kind;
} prefixes[] = {
        { "genre:", RF_EFFECT_GENRE },   { "lang:", RF_EFFECT_LANGUAGE }, { "region:", RF_EFFECT_REGION },
        { "era:", RF_EFFECT_ERA },       { "arc:", RF_EFFECT_ARC },       { "obscure", RF_EFFECT_OBSCURE },
        { "popular", RF_EFFECT_POPULAR }, { "versions", RF_EFFECT_VERSIONS }, { "clean", RF_EFFECT_CLEAN },
};

static int parse_named(const struct source *s, const char *word, struct rf_effect *e)
{
        const char *value, *star;
        size_t i = 0;

        while (i < ARRAY_SIZE(prefixes) && strncmp(word, prefixes[i].prefix, strlen(prefixes[i].prefix)) != 0)
                i++;
        if (i == ARRAY_SIZE(prefixes))
                return bad(s, "unknown effect \"%s\"", word);
        value = word + strlen(prefixes[i].prefix);
        e->kind = prefixes[i].kind;
        e->weight = 0.5f;
        if (e->kind == RF_EFFECT_ERA) {
                unsigned from, to;

                if (sscanf(value, "%u-%u", &from, &to) != 2 || from > to || to > 9999)
                        return bad(s, "\"%s\" isn't era:FROM-TO", word);
                e->year_from = (uint16_t)from;
                e->year_to = (uint16_t)to;
        } else if (e->kind == RF_EFFECT_ARC) {
                if (rf_arc_from_name(value, &e->arc) < 0)
                        return bad(s, "unknown arc in \"%s\"", word);
        } else {
                char *name;

                star = strchr(value, '*');
                if (star)
                        e->weight = strtof(star + 1, NULL);
                name = rf_arena_strndup(&s->l->arena, value, star ? (size_t)(star - value) : strlen(value));
                if (!name)
                        return -ENOMEM;
                for (char *c = name; *c; c++)
                        if (*c == '_')
                                *c = ' ';
                e->name = name;
        }
        return 0;
}

static int parse_effects(const struct source *s, char *text, struct rf_entry *entry)
{
        struct rf_effect effects[RF_EFFECTS_MAX] = { 0 }, *copy;
        char *save = NULL;

        for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
                const char *equals = strchr(word, '=');
                int r;

                if (entry->n_effects == RF_EFFECTS_MAX)
                        return bad(s, "more than %d effects", RF_EFFECTS_MAX);
                r = equals ? parse_target(s, word, equals, &effects[entry->n_effects]) :
                             parse_named(s, word, &effects[entry->n_effects]);
                if (r < 0)
                        return r;
                entry->n_effects++;
        }
        copy = rf_arena_array(&s->l->arena, entry->n_effects + 1, sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        memcpy(copy, effects, entry->n_effects * sizeof(*copy));
        entry->effects = copy;
        return 0;
}

/* ---- Phrases ---- */

static int add_phrase(const struct source *s, const char *phrase, struct rf_entry *entry)
{
        _cleanup_free_ char *folded = rf_text_fold(phrase);
        int r;

        if (!folded)
                return bad(s, "the phrase isn't UTF-8");
        if (strstr(phrase, "\xef\xb8\x8f"))
                return bad(s, "\"%s\": an emoji is written without its variation selector (U+FE0F)", phrase);
        r = rf_map_put_string(s->l->phrases, folded[0] ? folded : phrase, entry); /* an emoji folds to nothing: kept as it is */
        return r == -EEXIST ? bad(s, "\"%s\" is there already", phrase) : r;
}

static int add_phrases(const struct source *s, char *list, struct rf_entry *entry)
{
        char *save = NULL;

        for (char *phrase = strtok_r(list, "|", &save); phrase; phrase = strtok_r(NULL, "|", &save)) {
                int r = add_phrase(s, phrase, entry);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* kind TAB phrase|phrase… TAB effects */
static int read_word(const struct source *s, char *fields[3])
{
        struct rf_entry *entry = rf_arena_alloc(&s->l->arena, sizeof(*entry));
        int kind = 0, r;

        if (!entry)
                return -ENOMEM;
        while (kind < RF_TERM_KINDS && strcmp(rf_term_kind_name(kind), fields[0]) != 0)
                kind++;
        if (kind == RF_TERM_KINDS)
                return bad(s, "unknown kind \"%s\"", fields[0]);
        entry->kind = (enum rf_term_kind)kind;
        entry->meaning = rf_arena_strndup(&s->l->arena, fields[1], strcspn(fields[1], "|"));
        if (!entry->meaning)
                return -ENOMEM;
        r = parse_effects(s, fields[2], entry);
        return r < 0 ? r : add_phrases(s, fields[1], entry);
}

/* genre|alias… TAB related,related… TAB effects */
static int read_genre(const struct source *s, char *fields[3])
{
        const char **related = rf_arena_array(&s->l->arena, RELATED_MAX + 1, sizeof(*related));
        struct rf_entry *entry = rf_arena_alloc(&s->l->arena, sizeof(*entry));
        char *save = NULL;
        size_t n = 0;
        int r;

        if (!related || !entry)
                return -ENOMEM;
        entry->kind = RF_TERM_GENRE;
        entry->meaning = rf_arena_strndup(&s->l->arena, fields[0], strcspn(fields[0], "|"));
        if (!entry->meaning)
                return -ENOMEM;
        for (char *name = strtok_r(fields[1], ",", &save); name && n < RELATED_MAX; name = strtok_r(NULL, ",", &save))
                if (!(related[n++] = rf_arena_strdup(&s->l->arena, name)))
                        return -ENOMEM;
        r = rf_map_put_string(s->l->related, entry->meaning, related);
        if (r == -EEXIST)
                return bad(s, "genre \"%s\" is there already", entry->meaning);
        if (r >= 0)
                r = parse_effects(s, fields[2], entry);
        return r < 0 ? r : add_phrases(s, fields[0], entry);
}

/* genre TAB artist|artist… TAB */
static int read_artists(const struct source *s, char *fields[3])
{
        const char **artists = rf_arena_array(&s->l->arena, ARTISTS_MAX + 1, sizeof(*artists));
        char *save = NULL;
        const char *genre = rf_arena_strdup(&s->l->arena, fields[0]);
        size_t n = 0;
        int r;

        if (!artists || !genre)
                return -ENOMEM;
        if (!rf_map_get_string(s->l->related, fields[0]))
                return bad(s, "there is no genre \"%s\"", fields[0]);
        for (char *name = strtok_r(fields[1], "|", &save); name && n < ARTISTS_MAX; name = strtok_r(NULL, "|", &save))
                if (!(artists[n++] = rf_arena_strdup(&s->l->arena, name)))
                        return -ENOMEM;
        r = rf_map_put_string(s->l->artists, genre, artists);
        return r == -EEXIST ? bad(s, "genre \"%s\" is there already", fields[0]) : r;
}

static int read_file(struct rf_lexicon *l, const char *path, int (*read_line)(const struct source *s, char *fields[3]), char *message,
                     size_t message_size)
{
        struct source s = { .l = l, .path = path, .message = message, .message_size = message_size };
        char line[LINE_MAX_];
        FILE *f = fopen(path, "re");
        int r = 0;

        if (!f) {
                r = -errno;
                snprintf(message, message_size, "%s: %s", path, strerror(-r));
                return r;
        }
        while (r >= 0 && fgets(line, sizeof(line), f)) {
                char *fields[3], *tab1, *tab2;

                s.line++;
                line[strcspn(line, "\n")] = '\0';
                if (line[0] == '#' || line[0] == '\0')
                        continue;
                tab1 = strchr(line, '\t');
                tab2 = tab1 ? strchr(tab1 + 1, '\t') : NULL;
                if (!tab2 || strchr(tab2 + 1, '\t')) {
                        r = bad(&s, "a line has three fields, separated by tabs");
                        break;
                }
                *tab1 = *tab2 = '\0';
                fields[0] = line;
                fields[1] = tab1 + 1;
                fields[2] = tab2 + 1;
                r = read_line(&s, fields);
        }
        if (r >= 0 && ferror(f)) {
                snprintf(message, message_size, "%s: can't be read", path);
                r = -EIO;
        }
        fclose(f);
        return r;
}

int rf_lexicon_load(const char *directory, struct rf_lexicon **ret, char *message, size_t message_size)
{
        _cleanup_(rf_lexicon_freep) struct rf_lexicon *l = calloc(1, sizeof(*l));
        static const struct {
                const char *name;
                int (*read_line)(const struct source *s, char *fields[3]);
        } files[] = { { "genres.tsv", read_genre }, { "lexicon.tsv", read_word }, { "artists.tsv", read_artists } };

        message[0] = '\0';
        if (!l)
                return -ENOMEM;
        l->phrases = rf_map_new();
        l->related = rf_map_new();
        l->artists = rf_map_new();
        if (!l->phrases || !l->related || !l->artists)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                char path[1024];
                int r;

                snprintf(path, sizeof(path), "%s/%s", directory, files[i].name);
                r = read_file(l, path, files[i].read_line, message, message_size);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(l);
        return 0;
}

struct rf_lexicon *rf_lexicon_free(struct rf_lexicon *l)
{
        if (!l)
                return NULL;
        rf_map_free(l->phrases);
        rf_map_free(l->related);
        rf_map_free(l->artists);
        rf_arena_done(&l->arena);
        free(l);
        return NULL;
}

size_t rf_lexicon_size(const struct rf_lexicon *l)
{
        return rf_map_size(l->phrases);
}

const struct rf_entry *rf_lexicon_find(const struct rf_lexicon *l, const char *phrase)
{
        return rf_map_get_string(l->phrases, phrase);
}

/* An "s" more or less is another number, and no slip: "singers" aren't the voice of one. */
static bool is_plural(const char *a, size_t na, const char *b, size_t nb)
{
        return (na == nb + 1 && a[nb] == 's' && strncmp(a, b, nb) == 0) || (nb == na + 1 && b[na] == 's' && strncmp(a, b, na) == 0);
}

/* Whether the letter too many is the one before it again. */
static bool is_doubled(const char *key, const char *word)
{
        size_t at = 0;

        while (key[at] && key[at] == word[at])
                at++;
        return at > 0 && word[at] == word[at - 1];
}

/*
 * In a short word only slips count of which another word is seldom made: two letters swapped, one doubled, one forgotten. Within one
 * edit there are also "cheesy" of "cheery" and "starts" of "stars".
 */
static bool is_slip(const char *key, const char *word)
{
        size_t n = strlen(key), length = strlen(word), at = 0;

        if (n == length)
                while (key[at] == word[at])
                        at++;
        return n > length || (n == length && key[at] == word[at + 1]) || (n < length && is_doubled(key, word));
}

const struct rf_entry *rf_lexicon_find_similar(const struct rf_lexicon *l, const char *word)
{
        const struct rf_entry *found = NULL;
        size_t at = 0, length = strlen(word);
        const char *key;
        void *value;

        if (length < TYPO_LENGTH_MIN)
                return NULL;
        while (rf_map_next(l->phrases, &at, &key, &value)) {
                size_t n = strlen(key);

                if (n < TYPO_LENGTH_MIN || n + 4 < length || length + 4 < n || strchr(key, ' ') || !rf_text_within_one_edit(key, word) ||
                    is_plural(key, n, word, length) || (length < SURE_LENGTH_MIN && !is_slip(key, word)))
                        continue;
                if (found && found != value)
                        return NULL; /* could be either: better not to guess */
                found = value;
        }
        return found;
}

const char *const *rf_lexicon_related_genres(const struct rf_lexicon *l, const char *genre)
{
        return rf_map_get_string(l->related, genre);
}

const char *const *rf_lexicon_artists(const struct rf_lexicon *l, const char *genre)
{
        return rf_map_get_string(l->artists, genre);
}
