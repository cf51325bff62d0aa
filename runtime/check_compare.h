/* What differs between two sides after the same packets. */
#ifndef CLEAVE_RUNTIME_CHECK_COMPARE_H
#define CLEAVE_RUNTIME_CHECK_COMPARE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/check_side.h"

enum check_difference {
	CHECK_SAME,
	CHECK_VERDICT,
	CHECK_PACKET,   /* bytes or length */
	CHECK_METADATA, /* the same of what lies in front of it */
	CHECK_REDIRECT, /* where to */
	CHECK_EVENTS,   /* what a consumer gets */
	CHECK_ENTRY,    /* of a map */
	CHECK_INNER,    /* what is in the map that a map of maps has at the key */
	CHECK_QUEUE,    /* what a queue or a stack gives; key: how many come out before it */
	CHECK_GLOBAL,
	CHECK_FIELD, /* of a TC program's context */
};

struct check_diff {
	enum check_difference kind;
	uint32_t index; /* of the map or global variable */
	uint8_t key[CLEAVE_BATCH_KEY_MAX];
};

const char *check_verdict_text(bool tc, uint32_t verdict); /* "XDP_PASS" */
/* The first field that differs, or NULL. */
const char *check_compare_skb(const struct cleave_skb *a, const struct cleave_skb *b);

/* Returns true, with *diff, when they differ. */
bool check_compare_outcomes(const struct check_outcome *a, const struct check_outcome *b,
			    struct check_diff *diff);
bool check_compare_touched(const struct check_side *a, const struct check_side *b,
			   const struct check_touches *touches, struct check_diff *diff);
/* Maps of at most entries_max elements, whole; and the global variables. */
bool check_compare_state(const struct check_side *a, const struct check_side *b,
			 uint32_t entries_max, struct check_diff *diff);

/*
 * Did a full LRU map drop other elements on one side than on the other? Both choices are right, and
 * from then on the sides may go different ways.
 */
bool check_lru_diverged(const struct check_side *a, const struct check_side *b);

#endif
