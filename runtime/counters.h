/*
 * What happened to packets, by layer, verdict and cut. Each worker counts for itself, the kernel
 * per CPU; a snapshot sums them. Counters only grow, so two snapshots give a rate.
 */
#ifndef CLEAVE_RUNTIME_COUNTERS_H
#define CLEAVE_RUNTIME_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bundle/kernel_abi.h"
#include "runtime/io_xsk.h"
#include "runtime/verdict_text.h"

struct bundle;
struct json_t;

enum loss {
#define LOSS(id, text) LOSS_##id,
#include "runtime/loss.def"
#undef LOSS
	LOSS_COUNT
};

const char *loss_text(enum loss loss);

enum { ACTION_COUNT = 5 };

const char *action_text(uint32_t action);

/* Written by one worker, read by anyone. */
struct worker_counters {
	uint64_t received;
	uint64_t verdict[VERDICT_CELLS]; /* verdict_cell_of */
	uint64_t entry[CLEAVE_ENTRIES_MAX];
	uint64_t loss[LOSS_COUNT];
	uint64_t waited;        /* packets that had to wait for an earlier one of their key */
	uint64_t wait_timeouts; /* of those, run although it did not complete in time */
	uint64_t lost_tickets;  /* handed over by the kernel, never received */
};

struct counters {
	struct cleave_kernel_counters kernel;
	struct worker_counters user;
	struct io_drops drops;
	bool kernel_verdicts; /* were verdicts of the kernel part counted? */
};

static inline void count(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

static inline void count_more(uint64_t *counter, uint64_t more)
{
	__atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

void counters_add_worker(struct counters *sum, const struct worker_counters *worker);
void counters_add_drops(struct counters *sum, const struct io_drops *drops);

/* The table: a line per layer, then cuts, then losses that are not zero. */
void counters_print(const struct counters *c, const struct bundle *bundle, FILE *out);
/* The same as a JSON object (a new reference). */
struct json_t *counters_json(const struct counters *c, const struct bundle *bundle);

#endif
