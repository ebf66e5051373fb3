#include "flow/counted.h"

size_t rf_counted_at(struct rf_reading *rd, size_t ahead)
{
        static const char *const things[] = { "songs", "song", "tracks", "track", "titles", "title", "tunes", "tune", "pieces", "lieder",
                                              "canciones", NULL };

        return rf_reading_is(rd, ahead, things);
}

size_t rf_counted_per_artist_at(struct rf_reading *rd, size_t ahead)
{
        static const char *const artists[] = { "artist", "artists", "band", "act", "singer", "musician", "group", NULL };
        static const char *const pers[] = { "per", "each", NULL };
        static const char *const ofs[] = { "by", "from", "of", "for", "the", NULL };
        static const char *const eaches[] = { "each", "every", "any", "one", "single", "same", NULL };
        size_t words = 0, more, eachs = 0;

        if (rf_reading_is(rd, ahead, pers) && rf_reading_is(rd, ahead + 1, artists))
                return 2;
        while (rf_reading_is(rd, ahead + words, ofs))
                words++;
        while ((more = rf_reading_is(rd, ahead + words + eachs, eaches)) > 0)
                eachs += more;
        if (words == 0 || eachs == 0 || !rf_reading_is(rd, ahead + words + eachs, artists))
                return 0;
        return words + eachs + 1;
}
