/*
 * Runs a packet list on the oracle and on what is under test, from the start state, and stops at
 * the first difference.
 *
 * Packets go through in bursts. What the kernel part hands over stays in flight for a while: up to
 * `delay` packets, how long follows from the packets and the seed, so that a shorter list keeps it.
 * Every packet's verdict and bytes are compared. Whenever no packet is in flight (often after a
 * single one), so are the map elements that were touched since; then, every few packets, small
 * maps whole, less often all; at the end every map and global variable.
 */
#ifndef CLEAVE_RUNTIME_CHECK_RUN_H
#define CLEAVE_RUNTIME_CHECK_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/check_compare.h"
#include "runtime/verdict_text.h"

struct packet_list;

struct check_job {
	const struct bundle *bundle; /* under test */
	const struct bundle *whole;  /* its user part is the whole program; or NULL */
	const struct map_init *init, *whole_init;
	bool native_oracle; /* whole is the oracle; else it only tells which elements are touched */
	uint64_t seed;      /* of random numbers */
	uint32_t cpu;
	uint32_t delay; /* packets in flight at most; a relaxed bundle has none */
	bool native;    /* run replay.so too */
	bool no_kernel; /* replay.so against whole, packets of any length; both must be there */
	struct diag *diag;
};

struct check_result {
	size_t packets;     /* run and compared */
	size_t handed_over; /* of those, by the split */
	size_t not_run;     /* too short or too long for the kernel's test run */
	size_t only_native; /* of those, short ones that were compared without the kernel */
	size_t restarts;    /* started over because full LRU maps chose differently */
	size_t entries[CLEAVE_ENTRIES_MAX];
	size_t second_entries[CLEAVE_ENTRIES_MAX]; /* of the other program of a pair */
	size_t verdicts[VERDICT_CELLS];
	bool mismatch;
	size_t at;        /* the packet that differs; list->count: something else at the end */
	size_t last;      /* the newest packet that had been run then */
	size_t in_flight; /* most at a time */
	enum check_difference kind;
	char *text; /* what differs, in lines; owned, free() */
};

/* Returns 0 (also with a mismatch), or a negative errno, reported. result->text is due to be freed.
 */
int check_run(const struct check_job *job, const struct packet_list *list,
	      struct check_result *result);

#endif
