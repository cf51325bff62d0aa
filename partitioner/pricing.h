/*
 * Prices: what every block costs in every layer and every edge at a cut, for given modes of the
 * maps. Fills in a stopping problem; what is not allowed costs INFINITY.
 */
#ifndef CLEAVE_PARTITIONER_PRICING_H
#define CLEAVE_PARTITIONER_PRICING_H

#include "partitioner/map_homes.h"
#include "partitioner/stopping.h"

/* What --split asks of an edge. */
enum edge_rule {
	EDGE_FREE,   /* may be cut */
	EDGE_NEVER,  /* may not */
	EDGE_MUST,   /* no packet may cross it in the kernel */
	EDGE_AVOID,  /* cut only where nothing else is possible */
	EDGE_BEFORE, /* the same, and it leads to an edge that must be cut: avoid that even more */
};

struct pricing {
	struct arena *arena; /* scratch */
	const struct ir_program *program;
	const struct target *target;
	bool strict;
	const enum edge_rule *rules; /* per edge; NULL: all free */
	struct stopping *stopping;
	bool *user_can; /* per block: user may run it and all that can follow */
	bool start_can; /* ... and all there is, with maps that both parts touch */
};

void pricing_new(struct pricing *pricing, struct arena *scratch, const struct ir_program *program,
		 const struct target *target, bool strict);
/* Prices everything under the modes, the rules' penalties included. */
void pricing_fill(struct pricing *pricing, const enum map_mode *modes);
/* Finds start_can: can everything go to user at the start, under these modes? */
void pricing_open_start(struct pricing *pricing, const enum map_mode *modes);
/* Only what user can run under the modes. */
void pricing_find_user_can(struct pricing *pricing, const enum map_mode *modes);
/* May a packet be handed over at this edge under the modes last priced? */
bool pricing_edge_is_legal(const struct pricing *pricing, int edge, const enum map_mode *modes,
			   uint32_t ordered_maps);
/* ns of one packet across the edge. */
double pricing_handoff_ns(const struct ir_program *program, const struct target *target, int edge,
			  const enum map_mode *modes, uint32_t bytes);
/* Does the block begin with an op whose key strict order watches under the modes? Its map, or
 * IR_NONE. */
int pricing_ordered_map(const struct pricing *pricing, int block, const enum map_mode *modes);
/* What a ticket has room for: ordered maps, or 1 for all of them together. */
uint32_t pricing_ordered_count(const struct pricing *pricing, const enum map_mode *modes,
			       bool *as_one);
/* Cost of one execution of the block, without what is not allowed. */
double pricing_block_ns(const struct pricing *pricing, int block, enum ir_layer layer,
			const enum map_mode *modes);

#endif
