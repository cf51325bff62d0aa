/*
 * What `cleave inspect --dot` draws. A graph with a node for each block is too large to look at:
 * here blocks between which nothing happens are one node, edges between the same nodes one arrow,
 * and an arrow to a node that many lead to is a stub with the node's name.
 */
#ifndef CLEAVE_IR_PICTURE_H
#define CLEAVE_IR_PICTURE_H

#include "ir/ir.h"

/* What a plan adds. All may be NULL; the arrays have an element for each block or edge. */
struct ir_picture_plan {
	const char *title;
	const ir_layer_set *block_layers; /* else: what all ops of the block may run in */
	const char *const *cuts;          /* of edges that are cut: what to write beside them */
	const bool *held;                 /* cuts that are for held packets only */
};

struct ir_picture_node {
	int block;      /* the first */
	unsigned count; /* of blocks */
	ir_layer_set layers;
	unsigned arrows_in;
	bool branches; /* some block of it has several successors */
};

struct ir_picture_arrow {
	int from, to;     /* nodes; from is IR_NONE for where packets come in */
	double frequency; /* of all its edges, per packet */
	bool can_be_cut;  /* at one of them */
	const char *cut;  /* it is, with this text; such an edge has an arrow of its own */
	bool held;
	bool is_stub;
};

struct ir_picture {
	struct ir_picture_node *nodes;
	size_t node_count;
	struct ir_picture_arrow *arrows; /* in the order of edges */
	size_t arrow_count;
	int *node_of; /* for each block */
};

/* In the program's arena. */
struct ir_picture ir_picture_make(const struct ir_program *program,
				  const struct ir_picture_plan *plan);

/* The same as text for graphviz: nodes coloured by layer, cuts in red. */
void ir_print_dot(FILE *out, const struct ir_program *program, const struct ir_picture_plan *plan);

#endif
