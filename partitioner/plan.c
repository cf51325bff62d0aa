#include "partitioner/plan.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "partitioner/handoff.h"
#include "partitioner/holds.h"
#include "partitioner/split_rules.h"
#include "support/arena.h"
#include "support/limits.h"

/* Expected ns per packet of all ops on a map. */
static double map_cost(const struct search *search, int map)
{
	const struct ir_program *p = search->pricing.program;
	const struct stopping *s = search->pricing.stopping;
	double sum = 0;

	for (size_t i = 0; i < p->op_count; i++)
		for (int l = IR_LAYER_KERNEL; p->ops[i].map == map && l <= IR_LAYER_USER; l++) {
			double visits = s->visits[(size_t)p->ops[i].block * s->layers + (size_t)l];

			if (visits > 0)
				sum +=
				    visits * map_op_cost(p, search->pricing.target, &p->ops[i],
							 (enum ir_layer)l, search->best.modes[map]);
		}
	return sum;
}

static void fill_maps(const struct search *search, struct plan *plan)
{
	const struct ir_program *p = plan->program;

	plan->maps = arena_array(p->arena, p->map_count + 1, sizeof *plan->maps);
	for (size_t m = 0; m < p->map_count; m++) {
		unsigned kernel = search->best.kernel_touch[m], user = search->best.user_touch[m];
		struct plan_map *out = &plan->maps[m];

		out->kernel_reads = kernel & (TOUCH_READ | TOUCH_KEY);
		out->kernel_writes = kernel & (TOUCH_WRITE | TOUCH_ADD);
		out->user_reads = user & (TOUCH_READ | TOUCH_KEY);
		out->user_writes = user & (TOUCH_WRITE | TOUCH_ADD);
		out->ordered =
		    map_mode_is_ordered(&p->maps[m], search->best.modes[m], plan->strict);
		out->cost_ns = map_cost(search, (int)m);
		for (size_t e = 0; e < p->edge_count; e++)
			out->whole |= holds_early(search, &search->best, e)[m] ||
				      (search->best.as_one && out->ordered);
		map_explain(p, &plan->target, (int)m, search->best.modes[m], out);
	}
}

/* Why this edge and not another. */
static const char *cut_because(const struct search *search, const struct plan *plan, int edge)
{
	const struct ir_program *p = plan->program;
	const struct stopping *s = search->pricing.stopping;
	int to = p->edges[edge].to;
	double user = s->value[(size_t)to * s->layers + IR_LAYER_USER];

	if (plan->split.kind == SPLIT_USER ||
	    (plan->split.kind == SPLIT_AT_EDGE && plan->split.edge == edge))
		return "--split asks for it";
	for (struct ir_op *op = ir_first_op(p, (size_t)to), *end = ir_end_op(p, (size_t)to);
	     op < end; op++)
		if (!(op->legal & 1u << IR_LAYER_KERNEL))
			return ir_why_sentence(p->arena, op->missing[IR_LAYER_KERNEL]);
	return arena_printf(p->arena, "from here on user is the better place: %.1f ns to the end",
			    user);
}

/* A block that ends a way into the kernel's op may itself be an op's. */
static void fill_held(const struct search *search, struct plan_cut *cut)
{
	const struct ir_program *p = search->pricing.program;
	const bool *early = holds_early(search, &search->best, (size_t)cut->edge);
	int to = p->edges[cut->edge].to;

	cut->map = search->best.in_kernel[to]
		       ? pricing_ordered_map(&search->pricing, to, search->best.modes)
		       : IR_NONE;
	cut->early = arena_array(p->arena, p->map_count, sizeof *cut->early);
	for (size_t m = 0; m < p->map_count; m++)
		if (early[m])
			cut->early[cut->early_count++] = (int)m;
	if (cut->map != IR_NONE)
		cut->because = arena_printf(
		    p->arena, "only while an earlier packet of the same key of %s is in user",
		    p->maps[cut->map].name);
	for (size_t i = 0; i < cut->early_count; i++)
		cut->because =
		    arena_printf(p->arena, "%s%s %s", cut->because ? cut->because : "",
				 !cut->because ? "only while an earlier packet that may touch"
				 : i           ? ","
					       : ", or",
				 p->maps[cut->early[i]].name);
	if (cut->early_count)
		cut->because =
		    arena_printf(p->arena, "%s is in user: none can leave later", cut->because);
}

static void add_cut(const struct search *search, struct plan *plan, int edge, bool held)
{
	const struct ir_program *p = plan->program;
	const struct stopping *s = search->pricing.stopping;
	struct plan_cut *cut = &plan->cuts[plan->cut_count];
	uint16_t entry = edge != 0;

	/* 0 is kept for edges[0] whether it is cut or not. */
	for (size_t i = 0; edge && i < plan->cut_count; i++)
		entry = (uint16_t)(entry + (plan->cuts[i].edge != 0));
	*cut = (struct plan_cut){.edge = edge, .entry = entry, .held_only = held, .map = IR_NONE};
	plan->cut_count++;
	handoff_bytes(p, edge, search->best.modes, 0, &cut->live_bytes);
	cut->cost_ns = pricing_handoff_ns(
	    p, &plan->target, edge, search->best.modes,
	    handoff_bytes(p, edge, search->best.modes, search->best.ordered, NULL));
	if (held) {
		fill_held(search, cut);
		return;
	}
	cut->frequency = edge ? s->flow[(size_t)edge * s->layers + IR_LAYER_KERNEL] : 1;
	cut->because = cut_because(search, plan, edge);
	if (p->edges[edge].restarts)
		cut->because = arena_printf(
		    p->arena,
		    "%s; user starts over: more than %u bytes are live here, and nothing that "
		    "the kernel did with the packet shows",
		    cut->because, plan->target.handoff_bytes_max);
}

static int fill_cuts(const struct search *search, struct plan *plan, struct diag *diag)
{
	const struct ir_program *p = plan->program;

	plan->cuts = arena_array(p->arena, p->edge_count, sizeof *plan->cuts);
	for (int held = 0; held < 2; held++)
		for (size_t e = 0; e < p->edge_count; e++) {
			int from = p->edges[e].from;
			bool ordinary = search->best.cut[e] &&
					(from == IR_NONE || search->best.in_kernel[from]);

			if (held ? search->best.held[e] : ordinary)
				add_cut(search, plan, (int)e, held);
		}
	if (plan->cut_count < ENTRIES_MAX)
		return 0;
	diag_error(diag, p->blocks[0].loc, "%s",
		   ir_why_sentence(
		       p->arena, (struct ir_why){IR_REASON_TOO_MANY_CUTS,
						 arena_printf(p->arena, "%zu", plan->cut_count)}));
	return -EINVAL;
}

/* The reason that binds a block to where it is: an op that only one layer can run, or the price. */
static void explain_block(const struct search *search, struct plan *plan, size_t b)
{
	const struct ir_program *p = plan->program;
	const struct stopping *s = search->pricing.stopping;
	struct plan_block *out = &plan->blocks[b];
	double kernel = s->value[b * s->layers + IR_LAYER_KERNEL],
	       user = s->value[b * s->layers + IR_LAYER_USER];

	for (struct ir_op *op = ir_first_op(p, b), *end = ir_end_op(p, b); op < end; op++)
		for (int l = IR_LAYER_KERNEL; l <= IR_LAYER_USER; l++)
			if (out->why.reason == IR_REASON_NONE && !(op->legal & 1u << l) &&
			    out->layers)
				out->why = op->missing[l];
	if (out->why.reason != IR_REASON_NONE)
		out->because = ir_why_sentence(p->arena, out->why);
	else if (!out->layers)
		out->because = "no packet gets here";
	else if (out->layers == (1 << IR_LAYER_KERNEL | 1 << IR_LAYER_USER))
		out->because = "packets of both parts get here: each part has a copy";
	else if (out->layers == 1 << IR_LAYER_USER)
		out->because =
		    isfinite(user)
			? arena_printf(p->arena, "behind a cut; %.1f ns from here to the end", user)
			: "behind a cut";
	else
		out->because =
		    isfinite(kernel)
			? arena_printf(p->arena,
				       "no hand-over before it pays; %.1f ns from here to the end",
				       kernel)
			: "no hand-over before it pays";
}

static void fill_blocks(const struct search *search, struct plan *plan)
{
	const struct ir_program *p = plan->program;
	const struct stopping *s = search->pricing.stopping;

	plan->blocks = arena_array(p->arena, p->block_count, sizeof *plan->blocks);
	for (size_t b = 0; b < p->block_count; b++) {
		struct plan_block *out = &plan->blocks[b];

		out->layers = (ir_layer_set)(search->best.in_kernel[b] << IR_LAYER_KERNEL |
					     search->best.in_user[b] << IR_LAYER_USER);
		for (int l = 0; l < IR_LAYER_COUNT; l++) {
			out->frequency[l] = s->visits[b * s->layers + (size_t)l];
			out->cost_ns[l] = pricing_block_ns(&search->pricing, (int)b,
							   (enum ir_layer)l, search->best.modes);
		}
		explain_block(search, plan, b);
	}
}

/* What everything in one layer would cost, whatever --split says. */
static double whole_cost(struct search *search, bool user)
{
	const struct ir_program *p = search->pricing.program;

	memset(search->trial.cut, 0, p->edge_count * sizeof *search->trial.cut);
	search->trial.cut[0] = user;
	return search_evaluate(search, &search->trial);
}

static bool has_plan(const struct ir_program *program, const struct target *target,
		     const enum edge_rule *rules, bool strict)
{
	struct arena *scratch = arena_new();
	struct search search;

	search_new(&search, scratch, program, target, strict);
	search_run(&search, rules);
	arena_free(&scratch);
	return isfinite(search.best_cost);
}

/* An edge that has to be cut is not, when another cut comes before it on every path. */
static int check_reached(const struct search *search, struct split split, struct diag *diag)
{
	const struct ir_program *p = search->pricing.program;
	const struct ir_edge *e;

	if (split.kind != SPLIT_AT_EDGE)
		return 0;
	e = &p->edges[split.edge];
	if (e->from == IR_NONE || search->best.in_kernel[e->from])
		return 0;
	diag_error(diag, ir_edge_loc(p, e), "%s",
		   ir_why_sentence(p->arena, (struct ir_why){IR_REASON_NEVER_REACHED, NULL}));
	return -EINVAL;
}

static int fill_plan(struct search *search, struct plan *plan, struct diag *diag)
{
	plan->exact = search->exact;
	search->pricing.rules = NULL;
	plan->kernel_cost_ns = whole_cost(search, false);
	plan->user_cost_ns = whole_cost(search, true);
	plan->cost_ns = search_evaluate(search, &search->best);
	stopping_measure(search->pricing.stopping);
	plan->ordered_maps = plan->strict ? search->best.ordered : 0;
	plan->ordered_as_one = search->best.as_one;
	fill_maps(search, plan);
	fill_blocks(search, plan);
	return fill_cuts(search, plan, diag);
}

int partitioner_plan(const struct ir_program *program, const struct target *target,
		     struct split split, bool strict, struct plan **plan, struct diag *diag)
{
	enum edge_rule *rules = arena_array(program->arena, program->edge_count, sizeof *rules);
	struct arena *scratch = arena_new();
	struct search search;
	int err = split_rules(program, target, split, rules, diag);

	*plan = NULL;
	if (!err) {
		search_new(&search, scratch, program, target, strict);
		search_run(&search, rules);
		if (isinf(search.best_cost))
			err = split_refuse(program, target, split, strict,
					   strict && has_plan(program, target, rules, false), diag);
	}
	if (!err) {
		search_settle(&search, &search.best);
		err = check_reached(&search, split, diag);
	}
	if (!err) {
		struct plan *made = arena_alloc(program->arena, sizeof *made);

		*made = (struct plan){
		    .program = program, .target = *target, .split = split, .strict = strict};
		err = fill_plan(&search, made, diag);
		if (!err)
			*plan = made;
	}
	arena_free(&scratch);
	return err;
}
