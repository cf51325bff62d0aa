/* The edges at which `--split every` cuts, one plan each. */
#include "partitioner/plan.h"

#include <math.h>
#include <string.h>

#include "partitioner/split_rules.h"
#include "support/arena.h"

/* Blocks that some packet can reach in the kernel. */
static bool *find_kernel_blocks(const struct ir_program *p, struct arena *scratch)
{
	bool *in = arena_array(scratch, p->block_count, sizeof *in), changed;

	in[0] = true;
	do {
		changed = false;
		for (size_t e = 1; e < p->edge_count; e++) {
			size_t from = (size_t)p->edges[e].from, to = (size_t)p->edges[e].to;
			bool legal = true;

			if (!in[from] || in[to])
				continue;
			for (struct ir_op *op = ir_first_op(p, from), *end = ir_end_op(p, from);
			     op < end; op++)
				legal &= !!(op->legal & 1u << IR_LAYER_KERNEL);
			in[to] = legal;
			changed |= legal;
		}
	} while (changed);
	return in;
}

/* Is there a plan, under the cheapest homes, in which the edge is cut? */
static bool can_be_cut(struct pricing *pr, int edge, enum edge_rule *rules,
		       const enum map_mode *modes)
{
	struct diag quiet = {.prog = "cleave"};
	struct split split = {.kind = SPLIT_AT_EDGE, .edge = edge};

	if (pr->program->edges[edge].cut.reason != IR_REASON_NONE ||
	    split_rules(pr->program, pr->target, split, rules, &quiet))
		return false;
	pr->rules = rules;
	pricing_fill(pr, modes);
	stopping_solve(pr->stopping);
	return isfinite(pr->stopping->cost);
}

static bool leaves_legal_block(const struct ir_program *p, int edge)
{
	int from = p->edges[edge].from;

	if (from == IR_NONE)
		return true;
	for (struct ir_op *op = ir_first_op(p, (size_t)from), *end = ir_end_op(p, (size_t)from);
	     op < end; op++)
		if (!(op->legal & 1u << IR_LAYER_KERNEL))
			return false;
	return true;
}

size_t partitioner_legal_cuts(const struct ir_program *program, const struct target *target,
			      int **edges)
{
	struct arena *scratch = arena_new();
	struct pricing pricing;
	enum edge_rule *rules = arena_array(scratch, program->edge_count, sizeof *rules);
	enum map_mode *modes = arena_array(scratch, map_state_count(program) + 1, sizeof *modes);
	bool *in = find_kernel_blocks(program, scratch);
	size_t count = 0;

	pricing_new(&pricing, scratch, program, target, false);
	for (size_t m = 0; m < program->map_count; m++)
		if (program->maps[m].packet_local)
			modes[m] = MODE_BOTH;
	*edges = arena_array(program->arena, program->edge_count, sizeof **edges);
	for (size_t e = 0; e < program->edge_count; e++) {
		int from = program->edges[e].from;

		memset(rules, 0, program->edge_count * sizeof *rules);
		if ((from == IR_NONE || in[from]) && leaves_legal_block(program, (int)e) &&
		    can_be_cut(&pricing, (int)e, rules, modes))
			(*edges)[count++] = (int)e;
	}
	arena_free(&scratch);
	return count;
}
