/*
 * Kernel blocks are on the source's side, user blocks on the sink's. Two nodes more for each map
 * say "user only" (sink's side: no kernel block may touch it; else user ops pay the shared home's
 * extra) and "kernel only" (source's side, the same the other way round): the terms of a Potts
 * model that remain submodular, so the cut stays exact.
 */
#include "partitioner/label_cut.h"

#include <math.h>

#include "partitioner/handoff.h"
#include "partitioner/min_cut.h"
#include "support/arena.h"

struct labels {
	struct pricing *pricing;
	struct min_cut *cut;
	enum map_mode *modes;
	size_t source, sink, first_map; /* two nodes per map from first_map */
};

static double weighted(double frequency, double cost)
{
	return isinf(cost) ? MIN_CUT_NEVER : frequency * cost;
}

static void add_block(struct labels *l, size_t b)
{
	double frequency = l->pricing->program->blocks[b].frequency;

	for (int user = 0; user < 2; user++) {
		double cost = pricing_block_ns(l->pricing, (int)b,
					       user ? IR_LAYER_USER : IR_LAYER_KERNEL, l->modes);

		if (user)
			min_cut_arc(l->cut, l->source, b, weighted(frequency, cost));
		else
			min_cut_arc(l->cut, b, l->sink, weighted(frequency, cost));
	}
}

static void add_edge(struct labels *l, size_t e)
{
	const struct ir_program *p = l->pricing->program;
	const struct ir_edge *edge = &p->edges[e];
	uint32_t bytes = handoff_bytes(p, (int)e, l->modes, 0, NULL);
	double frequency =
	    edge->from == IR_NONE ? 1 : p->blocks[edge->from].frequency * edge->probability;
	double cost = INFINITY;

	if (edge->cut.reason == IR_REASON_NONE && bytes <= l->pricing->target->handoff_bytes_max)
		cost = pricing_handoff_ns(p, l->pricing->target, (int)e, l->modes, bytes);
	size_t from = edge->from == IR_NONE ? l->source : (size_t)edge->from;

	min_cut_arc(l->cut, from, (size_t)edge->to, weighted(frequency, cost));
	if (edge->from != IR_NONE)
		min_cut_arc(l->cut, (size_t)edge->to, from, MIN_CUT_NEVER);
}

/* What an op costs more when its map is shared than when its side has the map alone. */
static void add_map_op(struct labels *l, const struct ir_op *op)
{
	const struct ir_program *p = l->pricing->program;
	const struct target *t = l->pricing->target;
	double frequency = p->blocks[op->block].frequency;
	size_t user_only = l->first_map + 2 * (size_t)op->map, kernel_only = user_only + 1;
	double kernel = map_op_cost(p, t, op, IR_LAYER_KERNEL, MODE_BOTH) -
			map_op_cost(p, t, op, IR_LAYER_KERNEL, MODE_OPEN);
	double user = map_op_cost(p, t, op, IR_LAYER_USER, MODE_BOTH) -
		      map_op_cost(p, t, op, IR_LAYER_USER, MODE_OPEN);
	size_t b = (size_t)op->block;

	min_cut_arc(l->cut, b, user_only, MIN_CUT_NEVER);
	min_cut_arc(l->cut, user_only, b, frequency * fmax(user, 0));
	min_cut_arc(l->cut, kernel_only, b, MIN_CUT_NEVER);
	min_cut_arc(l->cut, b, kernel_only, frequency * fmax(kernel, 0));
}

double label_cut(struct pricing *pricing, bool *cut)
{
	const struct ir_program *p = pricing->program;
	struct arena *scratch = arena_new();
	size_t nodes = p->block_count + 2 * p->map_count + 2;
	struct labels l = {.pricing = pricing,
			   .cut = min_cut_new(scratch, nodes),
			   .modes = arena_array(scratch, map_state_count(p) + 1, sizeof *l.modes),
			   .source = nodes - 2,
			   .sink = nodes - 1,
			   .first_map = p->block_count};
	bool *side = arena_array(scratch, nodes, sizeof *side);

	for (size_t b = 0; b < p->block_count; b++)
		add_block(&l, b);
	for (size_t e = 0; e < p->edge_count; e++)
		add_edge(&l, e);
	for (size_t i = 0; i < p->op_count; i++)
		if (p->ops[i].map != IR_NONE)
			add_map_op(&l, &p->ops[i]);
	double value = min_cut_solve(l.cut, l.source, l.sink, side);

	for (size_t e = 0; e < p->edge_count; e++) {
		int from = p->edges[e].from;

		cut[e] = (from == IR_NONE || side[from]) && !side[p->edges[e].to];
	}
	arena_free(&scratch);
	return value >= MIN_CUT_NEVER ? INFINITY : value;
}
