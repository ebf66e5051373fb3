#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))
#define PICK(r, a) ((a)[mock_random_below((r), COUNT(a))])

/* Syllables and endings by language: names are put together, so that none is taken from life. */
static const struct tongue {
        const char *language;
        const char *given[16], *onsets[16], *middles[12], *endings[12];
        const char *nouns[24], *adjectives[20];
        const char *of; /* joins two nouns */
} tongues[] = {
        { "en",
          { "Ada", "Milo", "Tess", "Orrin", "Wynn", "Della", "Jasper", "Lorne", "Maeve", "Quill", "Rhoda", "Silas", "Thea", "Ulric",
            "Vesper", "Corin" },
          { "Bram", "Cald", "Dun", "Els", "Fen", "Gar", "Hol", "Kes", "Lan", "Mor", "Nor", "Pen", "Ros", "Thorn", "Wex", "Yar" },
          { "a", "e", "o", "er", "el", "in", "i", "ow", "ar", "en", "u", "al" },
          { "by", "dale", "ford", "gate", "ley", "more", "ridge", "stead", "ton", "well", "wick", "wood" },
          { "River", "Window", "Harbour", "Lantern", "Morning", "Street", "Shadow", "Garden", "Winter", "Engine", "Mirror", "Ocean",
            "Letter", "Train", "Fire", "Hour", "Moon", "Road", "Bird", "Station", "Summer", "Stone", "Signal", "Rain" },
          { "Silver", "Quiet", "Broken", "Golden", "Slow", "Hidden", "Electric", "Blue", "Wild", "Distant", "Hollow", "Last", "Paper",
            "Crooked", "Velvet", "Early", "Burning", "Second", "Lonely", "Bright" },
          " of the " },
        { "de",
          { "Anke", "Bodo", "Elke", "Falk", "Gesa", "Heiko", "Imke", "Jost", "Karla", "Levin", "Merle", "Nils", "Okka", "Rike", "Sven",
            "Thies" },
          { "Alt", "Berg", "Dorn", "Eich", "Feld", "Grau", "Holt", "Kamp", "Lind", "Moor", "Nord", "Ost", "Reh", "Stein", "Tal", "Wies" },
          { "en", "er", "el", "a", "i", "in", "ing", "ar", "o", "es", "u", "em" },
          { "bach", "berg", "brink", "feld", "hagen", "hof", "horst", "kamp", "mann", "stedt", "thal", "winkel" },
          { "Regen", "Fenster", "Nacht", "Licht", "Strasse", "Garten", "Winter", "Herz", "Meer", "Wald", "Spiegel", "Brief", "Zug",
            "Feuer", "Stunde", "Mond", "Weg", "Vogel", "Bahnhof", "Sommer", "Stein", "Wind", "Morgen", "Stille" },
          { "Leiser", "Blauer", "Letzter", "Goldener", "Stiller", "Ferner", "Wilder", "Alter", "Heller", "Dunkler", "Langer", "Kalter",
            "Warmer", "Neuer", "Weisser", "Roter", "Erster", "Tiefer", "Weiter", "Ganzer" },
          " und " },
        { "fr",
          { "Amelot", "Basile", "Clea", "Damien", "Elodie", "Fanchon", "Gaspard", "Heloise", "Isaure", "Jocelin", "Lilou", "Maelle",
            "Noe", "Oriane", "Perrin", "Solene" },
          { "Au", "Beau", "Char", "Del", "Fon", "Gau", "La", "Mar", "Mon", "Par", "Ri", "Sau", "Ter", "Vau", "Ver", "Vil" },
          { "a", "e", "i", "o", "in", "an", "ou", "ar", "er", "on", "al", "el" },
          { "bert", "chard", "din", "gnac", "lier", "mont", "neau", "rand", "roux", "teau", "vert", "ville" },
          { "Pluie", "Nuit", "Lune", "Rue", "Jardin", "Hiver", "Coeur", "Mer", "Forêt", "Miroir", "Lettre", "Train", "Feu", "Heure",
            "Route", "Oiseau", "Gare", "Été", "Pierre", "Vent", "Matin", "Silence", "Lumière", "Ombre" },
          { "Douce", "Bleue", "Dernière", "Longue", "Belle", "Petite", "Lente", "Claire", "Sombre", "Folle", "Vieille", "Nouvelle",
            "Blanche", "Rouge", "Première", "Lointaine", "Froide", "Tendre", "Seule", "Grande" },
          " de la " },
        { "es",
          { "Amaro", "Belen", "Ciro", "Delia", "Elio", "Fermin", "Gala", "Hugo", "Ines", "Jacinto", "Lucero", "Mateo", "Nieves", "Otilia",
            "Paz", "Rufino" },
          { "Al", "Bar", "Cas", "Dur", "Es", "Gal", "Her", "Lar", "Mon", "Nav", "Or", "Pal", "Rob", "Sal", "Tor", "Val" },
          { "a", "e", "i", "o", "an", "en", "in", "ar", "er", "al", "el", "on" },
          { "bano", "cedo", "dero", "gueta", "lles", "mera", "nares", "rales", "ruela", "tegui", "zuelo", "vedra" },
          { "Lluvia", "Noche", "Luna", "Calle", "Jardín", "Invierno", "Corazón", "Mar", "Bosque", "Espejo", "Carta", "Tren", "Fuego",
            "Hora", "Camino", "Pájaro", "Estación", "Verano", "Piedra", "Viento", "Mañana", "Silencio", "Luz", "Sombra" },
          { "Dulce", "Azul", "Última", "Larga", "Linda", "Lenta", "Clara", "Oscura", "Loca", "Vieja", "Nueva", "Blanca", "Roja",
            "Primera", "Lejana", "Fría", "Tierna", "Sola", "Grande", "Dorada" },
          " de la " },
        { "pt",
          { "Anselmo", "Beatriz", "Caio", "Dalva", "Enzo", "Flora", "Guiomar", "Heitor", "Iara", "Joaquim", "Leda", "Moema", "Nilo",
            "Olivia", "Raul", "Zelia" },
          { "Al", "Bar", "Cam", "Dou", "Fer", "Gou", "Lou", "Mar", "Nog", "Ol", "Par", "Que", "Rib", "Sam", "Tei", "Vas" },
          { "a", "e", "i", "o", "an", "en", "ar", "er", "al", "el", "ei", "ou" },
          { "bosa", "cedo", "deira", "gal", "lho", "meida", "nha", "reira", "rosa", "teiro", "veira", "xeira" },
          { "Chuva", "Noite", "Lua", "Rua", "Jardim", "Inverno", "Coração", "Mar", "Mata", "Espelho", "Carta", "Trem", "Fogo", "Hora",
            "Caminho", "Pássaro", "Praia", "Verão", "Pedra", "Vento", "Manhã", "Silêncio", "Luz", "Sombra" },
          { "Doce", "Azul", "Última", "Longa", "Linda", "Lenta", "Clara", "Escura", "Louca", "Velha", "Nova", "Branca", "Vermelha",
            "Primeira", "Distante", "Fria", "Terna", "Só", "Grande", "Dourada" },
          " da " },
        { "ja",
          { "Akane", "Daiki", "Emiko", "Fumio", "Hana", "Itsuki", "Kaede", "Makoto", "Nao", "Ren", "Sora", "Tomoya", "Umeko", "Yuzu",
            "Mio", "Haruki" },
          { "Ao", "Fuji", "Hana", "Ishi", "Kage", "Kiri", "Matsu", "Mizu", "Naga", "Ono", "Sato", "Shira", "Taka", "Tsuki", "Yama", "Yuki" },
          { "no", "mi", "ga", "ka", "sa", "ya", "mo", "ri", "ha", "ko", "se", "to" },
          { "bara", "da", "gawa", "hara", "kawa", "ki", "mori", "mura", "no", "shima", "ta", "zaki" },
          { "雨", "夜", "月", "道", "庭", "冬", "心", "海", "森", "鏡", "手紙", "電車", "火", "時", "空", "鳥", "駅", "夏", "石", "風", "朝",
            "静けさ", "光", "影" },
          { "青い", "最後の", "長い", "静かな", "遠い", "白い", "赤い", "新しい", "古い", "小さな", "優しい", "明るい", "暗い", "冷たい", "暖かい",
            "ひとりの", "最初の", "淡い", "深い", "金色の" },
          "と" },
};

static const char *const bands[] = { "The %s %ss", "%s %s", "%s & the %ss", "%s %s Collective", "The %s %s Band" };
static const char *const ensembles[] = { "%s Quartet", "%s Trio", "%s Ensemble", "%s Quintet" };

static const struct tongue *tongue_of(const char *language)
{
        for (size_t i = 0; i < COUNT(tongues); i++)
                if (strcmp(tongues[i].language, language) == 0)
                        return &tongues[i];
        return &tongues[0];
}

static void surname(struct mock_random *r, const struct tongue *t, char *out, size_t size)
{
        snprintf(out, size, "%s%s%s", PICK(r, t->onsets), PICK(r, t->middles), PICK(r, t->endings));
}

char *mock_artist_name(struct mock_random *r, const char *language, const char *family, unsigned ordinal)
{
        const struct tongue *t = tongue_of(language);
        char family_name[64], person[128];
        char *name = NULL;
        int n;

        surname(r, t, family_name, sizeof(family_name));
        snprintf(person, sizeof(person), "%s %s", t->given[ordinal % COUNT(t->given)], family_name);
        switch (mock_random_below(r, 4)) {
        case 0:
                if (strcmp(family, "jazz") == 0 || strcmp(family, "classical") == 0) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                        n = asprintf(&name, PICK(r, ensembles), person);
                        break;
                }
                if (strcmp(t->language, "en") == 0) {
                        n = asprintf(&name, PICK(r, bands), family_name, PICK(r, t->nouns));
#pragma GCC diagnostic pop
                        break;
                }
                /* fall through */
        default:
                n = asprintf(&name, "%s", person);
        }
        return n < 0 ? NULL : name;
}

char *mock_title(struct mock_random *r, const char *language, const char *family)
{
        const struct tongue *t = tongue_of(language);
        const char *space = strcmp(t->language, "ja") == 0 ? "" : " ";
        char *title = NULL;
        int n;

        if (strcmp(family, "classical") == 0 && mock_random_below(r, 2))
                n = asprintf(&title, "%s No. %u in %c %s", mock_random_below(r, 2) ? "Nocturne" : "Prelude",
                             1 + mock_random_below(r, 24), 'A' + (int)mock_random_below(r, 7),
                             mock_random_below(r, 2) ? "major" : "minor");
        else
                switch (mock_random_below(r, 4)) {
                case 0:
                        n = asprintf(&title, "%s%s%s", PICK(r, t->adjectives), space, PICK(r, t->nouns));
                        break;
                case 1:
                        n = asprintf(&title, "%s%s%s", PICK(r, t->nouns), t->of, PICK(r, t->nouns));
                        break;
                case 2:
                        n = asprintf(&title, "%s%s%s%s%s", PICK(r, t->adjectives), space, PICK(r, t->nouns), t->of,
                                     PICK(r, t->nouns));
                        break;
                default:
                        n = asprintf(&title, "%s (%s%s%s)", PICK(r, t->nouns), PICK(r, t->adjectives), space, PICK(r, t->nouns));
                }
        return n < 0 ? NULL : title;
}
