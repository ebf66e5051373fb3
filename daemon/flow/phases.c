#include "flow/phases.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "flow/arc.h"

/* What a phase is sorted by inside, and in which direction. */
enum purpose { BY_ENERGY, BY_MOMENTUM, BY_INTENSITY };

/*
 * Shares of the playlist and purposes of the phases. An opening and a descent are told by energy, a build by momentum, the height by
 * intensity; which way a phase runs follows from the arc.
 */
static const struct {
        const char *name;
        float share;
        enum purpose purpose;
} PHASES[RF_PHASE_COUNT] = {
        [RF_PHASE_OPENING] = { "opening", .15f, BY_ENERGY },
        [RF_PHASE_BUILD] = { "build", .20f, BY_MOMENTUM },
        [RF_PHASE_MID] = { "mid", .20f, BY_MOMENTUM },
        [RF_PHASE_HIGH] = { "high", .20f, BY_INTENSITY },
        [RF_PHASE_DESCENT] = { "descent", .15f, BY_ENERGY },
        [RF_PHASE_CLOSURE] = { "closure", .10f, BY_ENERGY },
};

const char *rf_phase_name(enum rf_phase p)
{
        return (size_t)p < ARRAY_SIZE(PHASES) ? PHASES[p].name : "unknown";
}

enum rf_phase rf_phase_at(size_t place, size_t n)
{
        float at, end = 0.f;

        if (place == 0)
                return RF_PHASE_OPENING;
        if (n >= 3 && place == n - 1)
                return RF_PHASE_CLOSURE;
        at = ((float)place + .5f) / (float)n;
        for (unsigned p = 0; p < RF_PHASE_COUNT; p++) {
                end += PHASES[p].share;
                if (at < end)
                        return p;
        }
        return RF_PHASE_CLOSURE;
}

struct dealt {
        float key;
        size_t track;
};

static int by_key(const void *pa, const void *pb)
{
        const struct dealt *a = pa, *b = pb;

        if (a->key != b->key)
                return a->key < b->key ? -1 : 1;
        return a->track < b->track ? -1 : a->track > b->track;
}

static float purpose_value(const struct rf_sound *s, enum purpose p)
{
        switch (p) {
        case BY_MOMENTUM:
                return s->momentum;
        case BY_INTENSITY:
                return s->intensity;
        case BY_ENERGY:
                break;
        }
        return s->energy;
}

/* Sorts one phase by its purpose: upwards where the arc rises over it, else downwards. */
static void sort_phase(struct dealt *tracks, size_t from, size_t to, size_t n, enum rf_phase phase, enum rf_arc arc,
                       const struct rf_sound *sounds)
{
        float start = rf_arc_level(arc, (float)from / (float)n), end = rf_arc_level(arc, (float)to / (float)n);
        float sign = end >= start ? 1.f : -1.f;

        for (size_t i = from; i < to; i++)
                tracks[i].key = sign * purpose_value(&sounds[tracks[i].track], PHASES[phase].purpose);
        qsort(tracks + from, to - from, sizeof(*tracks), by_key);
}

int rf_phases_deal(const struct rf_sound *sounds, size_t n, enum rf_arc arc, size_t *ret_order)
{
        _cleanup_free_ struct dealt *sorted = NULL, *places = NULL, *dealt = NULL;

        if (n == 0)
                return 0;
        sorted = calloc(n, sizeof(*sorted));
        places = calloc(n, sizeof(*places));
        dealt = calloc(n, sizeof(*dealt));
        if (!sorted || !places || !dealt)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                sorted[i] = (struct dealt){ .key = sounds[i].energy, .track = i };
                places[i] = (struct dealt){ .key = rf_arc_level(arc, ((float)i + .5f) / (float)n), .track = i };
        }
        qsort(sorted, n, sizeof(*sorted), by_key);
        qsort(places, n, sizeof(*places), by_key);
        for (size_t i = 0; i < n; i++)
                dealt[places[i].track].track = sorted[i].track;
        for (size_t from = 0, to; from < n; from = to) {
                enum rf_phase phase = rf_phase_at(from, n);

                for (to = from + 1; to < n && rf_phase_at(to, n) == phase; to++)
                        ;
                sort_phase(dealt, from, to, n, phase, arc, sounds);
        }
        for (size_t i = 0; i < n; i++)
                ret_order[i] = dealt[i].track;
        return 0;
}
