/*
 * Minimum cut of a directed graph with capacities, by Dinic's algorithm (1970).
 *
 *     struct min_cut *m = min_cut_new(arena, nodes);
 *     min_cut_arc(m, a, b, capacity);
 *     double value = min_cut_solve(m, source, sink, source_side);
 */
#ifndef CLEAVE_PARTITIONER_MIN_CUT_H
#define CLEAVE_PARTITIONER_MIN_CUT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct min_cut;

#define MIN_CUT_NEVER 1e18 /* the capacity of what may not be cut */

struct min_cut *min_cut_new(struct arena *arena, size_t nodes);
void min_cut_arc(struct min_cut *cut, size_t from, size_t to, double capacity);
/* The value of the cut (MIN_CUT_NEVER or more: there is none); source_side: per node, out. */
double min_cut_solve(struct min_cut *cut, size_t source, size_t sink, bool *source_side);

#endif
