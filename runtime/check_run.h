/*
 * Runs a packet list on the oracle and on what is under test, from the start state, and stops at
 * the first difference.
 *
 * After every packet its verdict, its bytes and the map elements it touched are compared; small
 * maps whole every few packets; every map and global variable whole at the end.
 */
#ifndef CLEAVE_RUNTIME_CHECK_RUN_H
#define CLEAVE_RUNTIME_CHECK_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/check_compare.h"

struct packet_list;

struct check_job {
	const struct bundle *bundle; /* under test */
	const struct bundle
	    *whole; /* native oracle: a bundle whose user part is the whole program; else NULL */
	const struct map_init *init, *whole_init;
	uint64_t seed; /* of random numbers */
	uint32_t cpu, delay;
	bool native; /* run replay.so too */
	struct diag *diag;
};

struct check_result {
	size_t packets;     /* run and compared */
	size_t handed_over; /* of those, by the split */
	size_t not_run;     /* too short or too long for the kernel's test run */
	size_t restarts;    /* started over because full LRU maps chose differently */
	size_t entries[CLEAVE_ENTRIES_MAX];
	size_t verdicts[6]; /* by XDP action, 5: others */
	bool mismatch;
	size_t at; /* the packet; list->count: at the end */
	enum check_difference kind;
	char *text; /* what differs, in lines; owned, free() */
};

/* Returns 0 (also with a mismatch), or a negative errno, reported. result->text is due to be freed.
 */
int check_run(const struct check_job *job, const struct packet_list *list,
	      struct check_result *result);

#endif
