/*
 * Genres with their family and typical sound. The figures are rounded from what audio-analysis services publish about such music
 * (energy high and acousticness low in rock and techno, instrumentalness high in classical music, speechiness high in rap, …).
 */
#include "genres.h"

#include <string.h>

const struct mock_genre mock_genres[] = {
        { "jazz", "jazz", "US", "en", 65, 52, 38, 45, 6, 50, 112, 1955, 2024 },
        { "bebop", "jazz", "US", "en", 70, 50, 50, 60, 5, 58, 138, 1945, 1965 },
        { "cool jazz", "jazz", "US", "en", 80, 48, 26, 62, 4, 42, 104, 1949, 1970 },
        { "smooth jazz", "jazz", "US", "en", 45, 62, 42, 55, 4, 62, 98, 1980, 2024 },
        { "vocal jazz", "jazz", "US", "en", 82, 50, 26, 4, 5, 46, 100, 1940, 2024 },
        { "swing", "jazz", "US", "en", 75, 62, 46, 22, 6, 72, 136, 1930, 1960 },
        { "jazz fusion", "jazz", "US", "en", 22, 54, 62, 62, 5, 58, 118, 1969, 2024 },
        { "gypsy jazz", "jazz", "FR", "fr", 84, 58, 44, 50, 5, 66, 128, 1934, 2024 },
        { "rock", "rock", "US", "en", 16, 48, 74, 10, 6, 52, 124, 1965, 2024 },
        { "classic rock", "rock", "GB", "en", 22, 50, 68, 8, 5, 60, 122, 1965, 1990 },
        { "indie rock", "rock", "GB", "en", 24, 50, 66, 12, 5, 50, 122, 1990, 2024 },
        { "alternative rock", "rock", "US", "en", 14, 48, 74, 10, 5, 44, 122, 1988, 2024 },
        { "punk", "rock", "US", "en", 6, 44, 90, 6, 8, 58, 160, 1976, 2024 },
        { "post-punk", "rock", "GB", "en", 14, 54, 68, 20, 5, 44, 128, 1978, 2024 },
        { "psychedelic rock", "rock", "US", "en", 24, 42, 62, 30, 5, 46, 116, 1966, 2024 },
        { "soft rock", "rock", "US", "en", 44, 54, 46, 4, 4, 54, 108, 1970, 2005 },
        { "shoegaze", "rock", "GB", "en", 12, 34, 68, 40, 5, 32, 116, 1988, 2024 },
        { "metal", "metal", "US", "en", 4, 38, 92, 22, 8, 30, 132, 1975, 2024 },
        { "heavy metal", "metal", "GB", "en", 3, 38, 90, 14, 7, 38, 136, 1975, 2024 },
        { "doom metal", "metal", "GB", "en", 6, 26, 78, 42, 6, 16, 84, 1980, 2024 },
        { "black metal", "metal", "NO", "no", 3, 26, 94, 46, 9, 14, 146, 1990, 2024 },
        { "electronic", "electronic", "DE", "en", 14, 64, 68, 52, 6, 48, 122, 1985, 2024 },
        { "house", "electronic", "US", "en", 6, 76, 76, 46, 6, 62, 124, 1986, 2024 },
        { "deep house", "electronic", "US", "en", 10, 78, 60, 54, 5, 50, 121, 1990, 2024 },
        { "techno", "electronic", "DE", "en", 4, 72, 80, 76, 6, 36, 130, 1988, 2024 },
        { "trance", "electronic", "NL", "en", 3, 58, 84, 60, 5, 42, 136, 1994, 2024 },
        { "drum and bass", "electronic", "GB", "en", 4, 58, 86, 56, 8, 44, 172, 1993, 2024 },
        { "dubstep", "electronic", "GB", "en", 5, 58, 84, 48, 9, 34, 142, 2005, 2024 },
        { "downtempo", "electronic", "GB", "en", 32, 60, 42, 58, 5, 38, 94, 1992, 2024 },
        { "trip hop", "electronic", "GB", "en", 26, 62, 46, 36, 7, 34, 92, 1992, 2015 },
        { "synthwave", "electronic", "FR", "en", 8, 62, 70, 54, 5, 52, 110, 2008, 2024 },
        { "chillwave", "electronic", "US", "en", 24, 56, 48, 36, 4, 46, 104, 2009, 2024 },
        { "lo-fi beats", "electronic", "JP", "en", 52, 66, 28, 80, 7, 44, 82, 2012, 2024 },
        { "ambient", "ambient", "GB", "en", 78, 24, 16, 88, 4, 18, 84, 1975, 2024 },
        { "drone", "ambient", "US", "en", 70, 14, 18, 92, 4, 10, 76, 1980, 2024 },
        { "new age", "ambient", "US", "en", 84, 28, 18, 84, 4, 28, 86, 1978, 2024 },
        { "classical", "classical", "AT", "de", 95, 28, 22, 88, 4, 28, 102, 1950, 2024 },
        { "baroque", "classical", "DE", "de", 95, 34, 28, 88, 4, 46, 108, 1950, 2024 },
        { "piano", "classical", "FR", "fr", 96, 32, 14, 92, 4, 22, 92, 1960, 2024 },
        { "opera", "classical", "IT", "it", 94, 24, 30, 8, 5, 24, 98, 1950, 2015 },
        { "soundtrack", "classical", "US", "en", 74, 24, 34, 84, 4, 20, 100, 1960, 2024 },
        { "hip hop", "hip hop", "US", "en", 16, 76, 64, 4, 26, 52, 98, 1986, 2024 },
        { "trap", "hip hop", "US", "en", 14, 74, 62, 4, 22, 36, 140, 2010, 2024 },
        { "old school hip hop", "hip hop", "US", "en", 10, 82, 66, 4, 28, 70, 104, 1980, 1996 },
        { "jazz rap", "hip hop", "US", "en", 30, 74, 54, 10, 24, 56, 92, 1990, 2024 },
        { "soul", "soul", "US", "en", 46, 58, 48, 4, 5, 58, 106, 1960, 2024 },
        { "neo soul", "soul", "US", "en", 40, 66, 44, 6, 8, 50, 90, 1995, 2024 },
        { "funk", "soul", "US", "en", 22, 78, 70, 14, 7, 80, 110, 1968, 2024 },
        { "r&b", "soul", "US", "en", 28, 66, 52, 3, 8, 48, 104, 1985, 2024 },
        { "disco", "soul", "US", "en", 12, 78, 74, 10, 5, 82, 120, 1974, 1984 },
        { "gospel", "soul", "US", "en", 48, 46, 54, 2, 6, 52, 110, 1955, 2024 },
        { "blues", "blues", "US", "en", 58, 54, 42, 14, 6, 54, 108, 1940, 2024 },
        { "delta blues", "blues", "US", "en", 88, 54, 30, 10, 7, 50, 104, 1930, 1970 },
        { "electric blues", "blues", "US", "en", 34, 54, 56, 14, 6, 60, 114, 1955, 2024 },
        { "folk", "folk", "US", "en", 82, 46, 28, 8, 4, 42, 112, 1960, 2024 },
        { "indie folk", "folk", "US", "en", 72, 46, 32, 12, 4, 36, 112, 2000, 2024 },
        { "singer-songwriter", "folk", "US", "en", 70, 50, 32, 4, 4, 38, 112, 1968, 2024 },
        { "celtic", "folk", "IE", "en", 78, 44, 40, 44, 4, 52, 118, 1970, 2024 },
        { "country", "country", "US", "en", 40, 56, 58, 2, 4, 60, 122, 1960, 2024 },
        { "bluegrass", "country", "US", "en", 78, 52, 52, 18, 4, 68, 140, 1950, 2024 },
        { "americana", "country", "US", "en", 58, 50, 46, 6, 4, 46, 116, 1975, 2024 },
        { "pop", "pop", "US", "en", 22, 66, 66, 2, 6, 56, 118, 1980, 2024 },
        { "dance pop", "pop", "SE", "en", 10, 72, 76, 2, 6, 64, 124, 1985, 2024 },
        { "indie pop", "pop", "GB", "en", 36, 60, 56, 8, 4, 54, 118, 1988, 2024 },
        { "synth-pop", "pop", "GB", "en", 12, 66, 68, 14, 4, 58, 122, 1979, 2024 },
        { "dream pop", "pop", "US", "en", 36, 42, 46, 34, 4, 30, 108, 1985, 2024 },
        { "k-pop", "pop", "KR", "ko", 16, 68, 76, 1, 8, 62, 122, 1998, 2024 },
        { "j-pop", "pop", "JP", "ja", 20, 58, 78, 2, 6, 62, 130, 1985, 2024 },
        { "chanson", "pop", "FR", "fr", 72, 48, 32, 4, 7, 42, 108, 1950, 2024 },
        { "schlager", "pop", "DE", "de", 30, 62, 62, 2, 4, 78, 124, 1965, 2024 },
        { "latin", "latin", "ES", "es", 30, 70, 64, 4, 7, 70, 112, 1970, 2024 },
        { "bossa nova", "latin", "BR", "pt", 84, 58, 26, 20, 4, 58, 108, 1958, 2024 },
        { "samba", "latin", "BR", "pt", 56, 66, 62, 6, 6, 80, 116, 1950, 2024 },
        { "salsa", "latin", "CU", "es", 46, 70, 70, 5, 6, 86, 104, 1965, 2024 },
        { "reggaeton", "latin", "CO", "es", 16, 78, 74, 2, 10, 66, 96, 2000, 2024 },
        { "tango", "latin", "AR", "es", 90, 46, 30, 44, 5, 40, 118, 1930, 2024 },
        { "flamenco", "latin", "ES", "es", 80, 52, 46, 16, 7, 50, 120, 1955, 2024 },
        { "fado", "latin", "PT", "pt", 90, 42, 24, 4, 5, 28, 104, 1950, 2024 },
        { "reggae", "caribbean", "JM", "en", 24, 76, 52, 6, 10, 72, 94, 1968, 2024 },
        { "dub", "caribbean", "JM", "en", 24, 74, 48, 62, 10, 56, 88, 1972, 2024 },
        { "ska", "caribbean", "JM", "en", 16, 64, 74, 8, 6, 78, 132, 1962, 2005 },
        { "calypso", "caribbean", "TT", "en", 56, 72, 56, 6, 8, 86, 110, 1950, 1990 },
        { "soca", "caribbean", "TT", "en", 14, 76, 84, 4, 8, 84, 128, 1975, 2024 },
        { "dancehall", "caribbean", "JM", "en", 12, 78, 72, 2, 16, 68, 100, 1983, 2024 },
        { "afrobeat", "world", "NG", "en", 28, 74, 70, 24, 8, 76, 112, 1970, 2024 },
        { "highlife", "world", "GH", "en", 42, 70, 62, 12, 6, 82, 116, 1960, 2024 },
        { "indian classical", "world", "IN", "hi", 88, 36, 30, 62, 5, 36, 106, 1960, 2024 },
        { "bollywood", "world", "IN", "hi", 42, 62, 62, 4, 7, 60, 112, 1975, 2024 },
};

const size_t mock_n_genres = sizeof(mock_genres) / sizeof(mock_genres[0]);

double mock_genre_nearness(size_t a, size_t b)
{
        if (a == b)
                return 1.0;
        return strcmp(mock_genres[a].family, mock_genres[b].family) == 0 ? 0.6 : 0.0;
}

int mock_genre_find(const char *name)
{
        for (size_t i = 0; i < mock_n_genres; i++)
                if (strcmp(mock_genres[i].name, name) == 0)
                        return (int)i;
        return -1;
}
