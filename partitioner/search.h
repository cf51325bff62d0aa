/*
 * The best plan: a branch and bound over the modes of the maps, with the stopping solution for the
 * cheapest modes as bound. Exact, unless it runs out of its budget of nodes.
 */
#ifndef CLEAVE_PARTITIONER_SEARCH_H
#define CLEAVE_PARTITIONER_SEARCH_H

#include "partitioner/pricing.h"

/* What a set of cut edges amounts to. */
struct settled {
	bool *cut;       /* per edge, in: hand over whatever crosses it in the kernel */
	bool *held;      /* per edge: cut for packets whose key is in flight only */
	bool *early;     /* per edge and map: held because of ops of the map further on */
	bool unholdable; /* some op cannot be in the kernel part: no packet can leave before it */
	bool *in_kernel, *in_user;           /* per block */
	unsigned *kernel_touch, *user_touch; /* per map: TOUCH_ bits, also of held packets */
	enum map_mode *modes;                /* per map, what the touches amount to */
	uint32_t ordered;
	bool as_one; /* so many that they are watched as one */
};

struct search {
	struct pricing pricing;
	struct settled best, trial;
	unsigned *all_touch; /* per map: TOUCH_ bits of the whole program */
	double best_cost;    /* penalties included; INFINITY: nothing is possible */
	int *stack;          /* scratch, a block each */
	bool *seen;
	enum map_mode *open; /* scratch, a map or global each */
	size_t nodes, nodes_max;
	bool exact;
};

void search_new(struct search *search, struct arena *scratch, const struct ir_program *program,
		const struct target *target, bool strict);
/* Finds best and best_cost under the rules (NULL: none). */
void search_run(struct search *search, const enum edge_rule *rules);
/* Works out everything else of settled from its cuts. */
void search_settle(struct search *search, struct settled *settled);
/* The cost of just these cuts (settles them); INFINITY when they are not a legal plan. Leaves the
 * stopping problem priced and solved for them. */
double search_evaluate(struct search *search, struct settled *settled);

#endif
