/* What runs hold of the heap. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sim_memory {
        double active_kib;  /* of one that is under way, when all of them held the most */
        double waiting_kib; /* of one that waits for its place */
        double coroutines;  /* of one that is under way, at most */
};

/* Looks at the heap while runs go on: what it held beyond what it holds when they have ended, shared by those that were under way. */
struct sim_memory_meter {
        size_t n_active, most_active; /* `n_active` is the caller's to count */
        size_t most, at_most;         /* bytes, and how many were under way then */
        double cpu_ms;                /* that the looking took */
        struct sim_memory memory;
};

void sim_memory_look(struct sim_memory_meter *m);
void sim_memory_end(struct sim_memory_meter *m);

size_t sim_memory_heap(void); /* bytes in use */
double sim_memory_cpu_ms(void); /* of this process */
