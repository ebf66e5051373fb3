/* From chosen candidates to the finished playlist: order, phases, reasons, quality. Internal to flow/; never yields. */
#pragma once

#include "flow/candidate.h"
#include "flow/evaluate.h"
#include "flow/playlist.h"
#include "flow/run.h"

/* Copies a track with its strings. -ENOMEM. */
int rf_assemble_track(const struct rf_track *from, struct rf_arena *arena, struct rf_track *ret);

/* Orders the chosen tracks and copies everything into the playlist; fills in receipt.quality and ordering_was_skipped. -ENOMEM. */
int rf_assemble(const struct rf_run *run, const struct rf_choice *choice, const struct rf_evaluation *evaluation, struct rf_playlist *p);
