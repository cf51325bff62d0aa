/*
 * Adjacency and strongly connected components of a graph, laid out for solving equations over it:
 * components in reverse topological order (a component's successors come before it), the blocks of
 * each in the order in which a depth-first walk leaves them, so that eliminating them in this order
 * keeps the equations of a loop short.
 */
#ifndef CLEAVE_PARTITIONER_COMPONENTS_H
#define CLEAVE_PARTITIONER_COMPONENTS_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct components {
	int *out, *out_begin; /* edges out of block b: out[out_begin[b] .. out_begin[b + 1]) */
	int *in, *in_begin;
	int *order;     /* all blocks, component by component */
	int *position;  /* of a block in order */
	int *component; /* of a block */
	int *begin;     /* component c: order[begin[c] .. begin[c + 1]) */
	int count;
	bool *cyclic; /* component c has an edge inside it */
};

struct components *components_new(struct arena *arena, size_t blocks, size_t edges, const int *from,
				  const int *to);

#endif
