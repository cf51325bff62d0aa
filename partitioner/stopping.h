/*
 * The best way up through the layers, exactly, for fixed costs.
 *
 * A packet walks the graph as a Markov chain; at every edge it may leave its layer for a higher
 * one, and never comes back. A block may be in several layers (each then holds a copy), so what to
 * decide is not a label per block but where to stop walking in each layer: an optimal stopping
 * problem.
 *
 *     V[l](b) = block_cost[l](b) + sum over edges e out of b of
 *               probability(e) * min(V[l](to(e)) + edge_cost[l][l](e),
 *                                    min over l' > l of (edge_cost[l][l'](e) + V[l'](behind(e))))
 *
 * behind(e) is to(e), or where a packet starts over that leaves its layer at e.
 *
 * An infinite cost means "not allowed"; a choice that can lead a packet, however improbably, to
 * where nothing is allowed is not allowed either. Layers are solved from the highest down; inside a
 * layer the strongly connected components in reverse topological order: one block by the formula, a
 * loop by policy iteration with a sparse linear solution for each policy (docs/partitioning.md).
 *
 *     struct stopping *s = stopping_new(arena, layers, blocks, edges, from, to, probability);
 *     fill s->block_cost and s->edge_cost
 *     stopping_solve(s);          s->cost, s->choice
 *     stopping_measure(s);        s->visits, s->flow
 */
#ifndef CLEAVE_PARTITIONER_STOPPING_H
#define CLEAVE_PARTITIONER_STOPPING_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct components;
struct linear;

#define STOPPING_NEVER 0xff /* no choice is allowed at this edge */

struct stopping {
	size_t layers, block_count, edge_count;
	const int *from, *to;      /* edges; edge 0 has from < 0 and enters the graph at layer 0 */
	const int *behind;         /* per edge: the block at which a higher layer goes on */
	const double *probability; /* of the edge at the end of its block; 1 for edge 0 */
	double *block_cost;        /* [block * layers + layer] */
	double *edge_cost;         /* see stopping_edge_cost */
	double *value;             /* out: [block * layers + layer], expected cost from here on */
	uint8_t *choice;           /* out: [edge * layers + layer], the layer behind the edge */
	double cost;               /* out: of a packet; INFINITY when nothing is allowed */
	double *visits;            /* out: [block * layers + layer], visits per packet */
	double *flow; /* out: [edge * layers + layer], crossings from this layer per packet */
	struct components *components;
	struct linear *linear;
};

struct stopping *stopping_new(struct arena *arena, size_t layers, size_t blocks, size_t edges,
			      const int *from, const int *to, const int *behind,
			      const double *probability);

/* The cost of crossing the edge from one layer into another (or the same: 0 or INFINITY). */
static inline double *stopping_edge_cost(struct stopping *s, size_t edge, size_t from, size_t to)
{
	return &s->edge_cost[(edge * s->layers + from) * s->layers + to];
}

/* Fills value, choice and cost. Among equal choices the lowest layer wins. */
void stopping_solve(struct stopping *s);

/* Fills visits and flow for the choices made; cost must be finite. */
void stopping_measure(struct stopping *s);

#endif
