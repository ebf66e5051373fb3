/*
 * What a language model is asked, where one is: the meaning of the prompt, if so configured; each judgement on the way, where the
 * workflow's own are switched off (local-analysis). Internal to flow/.
 */
#pragma once

#include "flow/run.h"

/* Judgements, in the order of the workflow. The names go to the provider as the query's `name`. */
enum rf_judgement {
        RF_JUDGE_INTENT, RF_JUDGE_MOOD, RF_JUDGE_MENTIONS, RF_JUDGE_CANDIDATES, RF_JUDGE_ANCHOR_STRATEGY, RF_JUDGE_ANCHOR_SCORES,
        RF_JUDGE_ANCHORS, RF_JUDGE_ARTISTS, RF_JUDGE_SEEDS, RF_JUDGE_EVALUATION, RF_JUDGE_STRATEGY, RF_JUDGE_ORDER_BATCH,
        RF_JUDGE_ORDER, RF_JUDGE_COUNT
};

/*
 * Asks for intent and mood, both at once, and takes what comes into the brief: ranges of features, genres and mentions that the words
 * alone didn't say. Who can't be asked, or doesn't answer, leaves the brief as it is, and the receipt says so (yields). -ECANCELED,
 * -ENOMEM.
 */
int rf_analysis_read(struct rf_run *run, struct rf_brief *brief);

/*
 * One judgement that the old policy left to a model (yields): it's asked, and the workflow goes on by its own, so that a pair of runs
 * differs in time alone. Does nothing unless local-analysis is off. -ECANCELED, -ENOMEM.
 */
int rf_analysis_judge(struct rf_run *run, enum rf_step step, enum rf_judgement what);
