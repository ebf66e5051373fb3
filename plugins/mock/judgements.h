/* How long a language model took for each judgement of a run that was logged. */
#pragma once

#include <stdint.h>

uint64_t mock_judgement_us(const char *about); /* one without a name, or with another, takes 3 s */
