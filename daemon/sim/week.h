/*
 * Weeks of requests to one daemon, with daily rhythm and Zipf popularity, in virtual time: with the warmer and without. The first weeks are
 * for learning; the last is measured.
 */
#pragma once

#include "sim/sample.h"
#include "sim/statistics.h"
#include "sim/house.h"

enum { SIM_WEEKS = 3 };

struct sim_week_plan {
        size_t requests;     /* of a week */
        uint64_t seed;
        bool is_warmed;
        const struct sim_refusals *refusals; /* NULL: nothing is known at first */
};

struct sim_week_result {
        size_t requests, repeated; /* of the measured week; a repeated one's prompt had been asked before */
        double p50_ms, p95_ms, p99_ms, repeated_p95_ms;
        double hit_percent, fresh_percent; /* of the calls of repeated requests: from the cache, and not past their life there */
        double request_hit_percent; /* of repeated requests: the cache had everything, and nothing was waited for */
        double failed_percent, ndcg;
        uint64_t calls;          /* to services, by people, renewals and warming together */
        uint64_t warming, warmed, interrupted; /* calls, runs, and passes that gave way to a person */
};

/* -RF_ECONFIG, -RF_EPLUGIN with a sentence in `message`. */
int sim_week_run(const struct sim_stage *stage, struct sim_setup *setup, const struct sim_week_plan *plan, struct rf_optimizations optimizations,
                 struct sim_week_result *ret, char *message, size_t size);
