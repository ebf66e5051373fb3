#include "sim/models.h"

#include <string.h>

#define SECOND UINT64_C(1000000)

/* Both services as their own plugins ask them, answered in process by the embedded one. */
#define SPOTIFY(profile_) \
        { "spotify", NULL, "mock", { { "client_id", "simulated" }, { "client_secret", "simulated" }, { "profile", profile_ } } }
#define RECCOBEAT { "reccobeat", NULL, "mock", { { "share_spotify_ids", "yes" } } }
#define WEATHER(weather_, app_) { "mock", NULL, NULL, { { "weather", weather_ }, { "spotify_app", app_ } } }
/* Who is asked where the workflow doesn't judge by itself (local-analysis off) */
#define LANGUAGE_MODEL { "model", "mock.so", NULL, { { "analysis_only", "yes" }, { "analysis_times", "yes" } } }
#define LIMITS(spotify_) { { "spotify", spotify_, 30 * SECOND }, { "reccobeat", 10, SECOND } }

const struct sim_model sim_models[] = {
        { "mock", "the embedded provider alone, 150 to 250 ms a call",
          { { "mock", NULL, NULL, { { "latency", "150ms" }, { "latency_jitter", "100ms" }, { "analysis_times", "yes" } } } }, { { 0 } } },
        { "fine", "no latency, no limits", { WEATHER("fine", "extended"), SPOTIFY("extended"), RECCOBEAT, LANGUAGE_MODEL }, { { 0 } } },
        { "logged-run", "as in a real run: 0.08 to 0.35 s a call, limits never reached there",
          { WEATHER("logged-run", "partial"), SPOTIFY("auto"), RECCOBEAT, LANGUAGE_MODEL }, LIMITS(180) },
        { "plan", "each call to ReccoBeats takes 30 to 45 s",
          { WEATHER("plan", "partial"), SPOTIFY("auto"), RECCOBEAT, LANGUAGE_MODEL }, LIMITS(180) },
        { "bad-day", "ReccoBeats takes 20 to 140 s, one call in seven fails",
          { WEATHER("bad-day", "partial"), SPOTIFY("auto"), RECCOBEAT, LANGUAGE_MODEL }, LIMITS(180) },
        { "dev-mode", "Spotify in development mode, 60 calls in 30 s",
          { WEATHER("dev-mode", "development"), SPOTIFY("development"), RECCOBEAT, LANGUAGE_MODEL }, LIMITS(60) },
        { "storm", "Spotify answers 429 in bursts",
          { WEATHER("storm", "partial"), SPOTIFY("auto"), RECCOBEAT, LANGUAGE_MODEL }, LIMITS(180) },
        { "quota", "Spotify's quota is used up after 200 calls",
          { WEATHER("quota", "partial"), SPOTIFY("auto"), RECCOBEAT, LANGUAGE_MODEL }, LIMITS(180) },
        { "reccobeats-down", "ReccoBeats refuses connections, then hangs, then answers 503",
          { WEATHER("reccobeats-down", "partial"), SPOTIFY("auto"), RECCOBEAT, LANGUAGE_MODEL }, LIMITS(180) },
        { "hostile", "four answers in ten are spoilt",
          { WEATHER("hostile", "extended"), SPOTIFY("extended"), RECCOBEAT, LANGUAGE_MODEL }, LIMITS(180) },
};
const size_t sim_n_models = sizeof(sim_models) / sizeof(sim_models[0]);

const struct sim_model *sim_model_find(const char *name)
{
        for (size_t i = 0; i < sim_n_models; i++)
                if (strcmp(sim_models[i].name, name) == 0)
                        return &sim_models[i];
        return NULL;
}
