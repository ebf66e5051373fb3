#include "sim/families.h"

#include <stddef.h>
#include <string.h>

#include "base/macros.h"

static const struct sim_family families[] = {
        { "rainy sunday jazz", { "jazz on a rainy evening", "cozy jazz by the fireplace", "rainy day, acoustic" } },
        { "happy pop songs", { "feel good pop to wake up to", "happy songs for cooking", "sunny pop" } },
        { "calm music to relax", { "relaxing music for the evening", "calm and cozy", "peaceful ambient" } },
        { "sad and melancholic", { "sad songs for a rainy night", "lonely and dark", "melancholic folk" } },
        { "energetic workout", { "running, pumped up", "energetic and uplifting", "workout with rock" } },
        { "party all night", { "birthday party on saturday", "party in the summer", "uplifting club music" } },
        { "music to focus while coding", { "studying in the rain", "focus, but calm", "ambient for deep work" } },
        { "falling asleep", { "calm music for bedtime", "sleepy rain", "ambient for sleeping" } },
        { "romantic dinner", { "date night with wine, sensual", "romantic evening", "dinner with jazz" } },
        { "dark techno", { "dark techno for a night drive", "energetic techno", "dark electronic" } },
        { "dreamy shoegaze", { "shoegaze for a foggy morning", "melancholic shoegaze", "dreamy dream pop" } },
        { "angry metal", { "angry metal for the gym", "dark metal", "angry punk" } },
        { "sunny reggae", { "reggae at the beach", "calm reggae", "sunny dub" } },
        { "epic soundtrack", { "cinematic soundtrack to work to", "dark soundtrack", "epic classical" } },
        { "uplifting house", { "uplifting house for running", "happy house", "uplifting dance pop" } },
        { "Caribbean rhythms for vacation mode", { "Caribbean music for a beach party", "calm Caribbean evening", "sunny calypso" } },
        { "nostalgic 80s", { "nostalgic 80s road trip", "happy 80s", "nostalgic 90s" } },
        { "chill bossa nova, 45 minutes", { "bossa nova for a dinner", "sunny bossa nova", "chill samba" } },
        { "10 calm piano pieces", { "calm piano for reading", "sad piano", "calm classical" } },
        { "an hour of upbeat funk", { "upbeat funk for cooking", "funk party", "upbeat soul" } },
        { "☔️🎷", { "jazz with a coffee on a grey afternoon", "rainy smooth jazz at night", "cool jazz for a dinner" } },
};

const struct sim_family *sim_family_of(const char *prompt)
{
        for (size_t i = 0; i < ARRAY_SIZE(families); i++)
                if (strcmp(families[i].prompt, prompt) == 0)
                        return &families[i];
        return NULL;
}
