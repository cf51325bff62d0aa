/*
 * Strict order: where packets leave whose key is in flight in user.
 *
 * Just before an op on an ordered map, as far as a packet can be handed over there. Where it
 * cannot, earlier, at the last edges on the way where it can: the key is not known there, so
 * packets that come to such an edge leave while anything of the map is in flight, and the map is
 * watched as a whole.
 */
#ifndef CLEAVE_PARTITIONER_HOLDS_H
#define CLEAVE_PARTITIONER_HOLDS_H

#include "partitioner/search.h"

/*
 * Fills held, early and unholdable of settled for its modes, and makes user run what is behind the
 * held edges; true when that is more than it ran before.
 */
bool holds_place(struct search *search, struct settled *settled);

/* With everything priced for the modes: can packets really leave there? */
bool holds_are_legal(const struct search *search, const struct settled *settled);

/* What packets that leave early cost beyond what the stopping problem knows; it is measured. */
double holds_early_ns(struct search *search, const struct settled *settled);

static inline bool *holds_early(const struct search *search, const struct settled *settled,
				size_t edge)
{
	return settled->early + edge * search->pricing.program->map_count;
}

#endif
