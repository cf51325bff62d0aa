#include "partitioner/search.h"

#include <math.h>
#include <string.h>

#include "bundle/kernel_abi.h"
#include "partitioner/components.h"
#include "partitioner/holds.h"
#include "partitioner/label_cut.h"
#include "support/arena.h"

/* A node costs time in proportion to the graph; this keeps the worst search near half a second. */
enum { NODES_MAX = 100000, NODES_MIN = 64, WORK_MAX = 4000000 };

static void settled_new(struct arena *arena, const struct ir_program *p, struct settled *s)
{
	s->cut = arena_array(arena, p->edge_count, sizeof *s->cut);
	s->held = arena_array(arena, p->edge_count, sizeof *s->held);
	s->early = arena_array(arena, p->edge_count * p->map_count + 1, sizeof *s->early);
	s->in_kernel = arena_array(arena, p->block_count, sizeof *s->in_kernel);
	s->in_user = arena_array(arena, p->block_count, sizeof *s->in_user);
	s->kernel_touch = arena_array(arena, map_state_count(p) + 1, sizeof *s->kernel_touch);
	s->user_touch = arena_array(arena, map_state_count(p) + 1, sizeof *s->user_touch);
	s->modes = arena_array(arena, map_state_count(p) + 1, sizeof *s->modes);
}

void search_new(struct search *search, struct arena *scratch, const struct ir_program *program,
		const struct target *target, bool strict)
{
	size_t work = WORK_MAX / (program->edge_count + program->op_count + 1);

	*search = (struct search){.best_cost = INFINITY};
	pricing_new(&search->pricing, scratch, program, target, strict);
	settled_new(scratch, program, &search->best);
	settled_new(scratch, program, &search->trial);
	search->stack = arena_array(scratch, program->block_count, sizeof *search->stack);
	search->open = arena_array(scratch, map_state_count(program) + 1, sizeof *search->open);
	search->seen = arena_array(scratch, program->block_count, sizeof *search->seen);
	search->nodes_max = work > NODES_MAX ? NODES_MAX : work < NODES_MIN ? NODES_MIN : work;
}

/* Spreads `in` forward over edges that are not in `stop` (NULL: over all). */
static void spread(const struct search *search, bool *in, const bool *stop)
{
	const struct ir_program *p = search->pricing.program;
	const struct components *c = search->pricing.stopping->components;
	bool changed = true;

	/* Against the order of the components, one pass is enough but for loops. */
	while (changed) {
		changed = false;
		for (size_t i = p->block_count; i-- > 0;) {
			int b = c->order[i];

			for (int k = c->out_begin[b]; in[b] && k < c->out_begin[b + 1]; k++) {
				int e = c->out[k], to = p->edges[e].to;

				if ((stop && stop[e]) || in[to])
					continue;
				in[to] = true;
				changed = true;
			}
		}
	}
}

static void touch(const struct ir_program *p, const bool *in, unsigned *touches)
{
	memset(touches, 0, map_state_count(p) * sizeof *touches);
	for (size_t i = 0; i < p->op_count; i++)
		if (map_state_of(p, &p->ops[i]) != IR_NONE && in[p->ops[i].block])
			touches[map_state_of(p, &p->ops[i])] |= map_touch(&p->ops[i]);
}

/* What the other program of a pair does counts like what this one does. */
static void touch_outside(const struct ir_program *p, const unsigned *outside, unsigned *touches)
{
	for (size_t m = 0; outside && m < map_state_count(p); m++)
		touches[m] |= outside[m];
}

void search_settle(struct search *search, struct settled *s)
{
	const struct ir_program *p = search->pricing.program;

	memset(s->in_kernel, 0, p->block_count * sizeof *s->in_kernel);
	memset(s->in_user, 0, p->block_count * sizeof *s->in_user);
	s->in_kernel[0] = !s->cut[0];
	spread(search, s->in_kernel, s->cut);
	touch(p, s->in_kernel, s->kernel_touch);
	if (p->outside)
		touch_outside(p, p->outside->kernel, s->kernel_touch);
	for (size_t e = 0; e < p->edge_count; e++) {
		int from = p->edges[e].from;

		if (s->cut[e] && (from == IR_NONE || s->in_kernel[from]))
			s->in_user[ir_edge_behind(p, (int)e)->to] = true;
	}
	/* A held cut brings more blocks into the user part, and these may touch more maps. */
	do {
		spread(search, s->in_user, NULL);
		touch(p, s->in_user, s->user_touch);
		if (p->outside)
			touch_outside(p, p->outside->user, s->user_touch);
		for (size_t m = 0; m < map_state_count(p); m++)
			s->modes[m] = map_mode_of(s->kernel_touch[m], s->user_touch[m]);
	} while (holds_place(search, s));
}

double search_evaluate(struct search *search, struct settled *s)
{
	struct stopping *stopping = search->pricing.stopping;

	search_settle(search, s);
	if (s->ordered > CLEAVE_ORDER_MAPS || s->unholdable)
		return INFINITY;
	pricing_fill(&search->pricing, s->modes);
	for (size_t e = 0; e < stopping->edge_count; e++) {
		double *stay = stopping_edge_cost(stopping, e, IR_LAYER_KERNEL, IR_LAYER_KERNEL);

		if (s->cut[e])
			*stay = INFINITY;
		for (size_t from = 0; !s->cut[e] && from < IR_LAYER_USER; from++)
			*stopping_edge_cost(stopping, e, from, IR_LAYER_USER) = INFINITY;
	}
	if (s->cut[0])
		*stopping_edge_cost(stopping, 0, IR_LAYER_NIC, IR_LAYER_KERNEL) = INFINITY;
	if (!holds_are_legal(search, s))
		return INFINITY;
	stopping_solve(stopping);
	return isfinite(stopping->cost) ? stopping->cost + holds_early_ns(search, s) : INFINITY;
}

static void copy_settled(const struct ir_program *p, struct settled *to, const struct settled *from)
{
	memcpy(to->cut, from->cut, p->edge_count * sizeof *to->cut);
}

/* Tries the cuts in trial; keeps them if they are the best so far. */
static double try_cuts(struct search *search)
{
	double cost = search_evaluate(search, &search->trial);

	if (cost < search->best_cost) {
		search->best_cost = cost;
		copy_settled(search->pricing.program, &search->best, &search->trial);
	}
	return cost;
}

/* The cuts of the stopping problem's solution. */
static void read_cuts(struct search *search)
{
	const struct stopping *s = search->pricing.stopping;

	for (size_t e = 0; e < s->edge_count; e++)
		search->trial.cut[e] = s->choice[e * s->layers + IR_LAYER_KERNEL] == IR_LAYER_USER;
	search->trial.cut[0] = s->choice[IR_LAYER_NIC] == IR_LAYER_USER;
}

/*
 * How both sides may touch a map: every block that a packet reaches is in some part, so what is
 * done to a map that both touch is known beforehand.
 */
static enum map_mode shared_mode(const struct search *search, size_t map)
{
	unsigned all = search->all_touch[map];

	return map_mode_of(all, all);
}

/* The touches of all blocks that a packet reaches. */
static void find_touches(struct search *search)
{
	const struct ir_program *p = search->pricing.program;
	bool *reached = arena_array(search->pricing.arena, p->block_count, sizeof *reached);

	search->all_touch =
	    arena_array(search->pricing.arena, map_state_count(p) + 1, sizeof *search->all_touch);
	reached[0] = true;
	spread(search, reached, NULL);
	touch(p, reached, search->all_touch);
	if (p->outside) {
		touch_outside(p, p->outside->kernel, search->all_touch);
		touch_outside(p, p->outside->user, search->all_touch);
	}
}

/* A map or global that is open and touched from both sides, or -1. */
static int find_conflict(const struct search *search, const enum map_mode *modes)
{
	const struct settled *s = &search->trial;

	for (size_t m = 0; m < map_state_count(search->pricing.program); m++)
		if (modes[m] == MODE_OPEN && s->kernel_touch[m] && s->user_touch[m])
			return (int)m;
	return -1;
}

static void visit(struct search *search, enum map_mode *modes)
{
	if (search->nodes++ >= search->nodes_max) {
		search->exact = false;
		return;
	}
	pricing_fill(&search->pricing, modes);
	stopping_solve(search->pricing.stopping);
	double bound = search->pricing.stopping->cost;

	if (isinf(bound) || bound >= search->best_cost - 1e-9 * (1 + fabs(bound)))
		return;
	read_cuts(search);
	try_cuts(search);
	int map = find_conflict(search, modes);

	if (map < 0)
		return;
	const enum map_mode list[] = {MODE_KERNEL, MODE_USER, shared_mode(search, (size_t)map)};
	const struct ir_outside *outside = search->pricing.program->outside;

	for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
		if (outside && ((list[i] == MODE_KERNEL && outside->user[map]) ||
				(list[i] == MODE_USER && outside->kernel[map])))
			continue;
		modes[map] = list[i];
		visit(search, modes);
	}
	modes[map] = MODE_OPEN;
}

/* Good plans to begin with make the bound sharp: everything low, everything high, the label cut. */
static void try_seeds(struct search *search)
{
	const struct ir_program *p = search->pricing.program;
	struct settled *t = &search->trial;

	memset(t->cut, 0, p->edge_count * sizeof *t->cut);
	try_cuts(search);
	t->cut[0] = true;
	try_cuts(search);
	label_cut(&search->pricing, t->cut);
	try_cuts(search);
}

/* What is decided before the search begins. */
static enum map_mode first_mode(const struct search *search, size_t m)
{
	const struct ir_program *p = search->pricing.program;

	if (m < p->map_count && p->maps[m].packet_local)
		return MODE_BOTH;
	if (p->outside && p->outside->kernel[m] && p->outside->user[m])
		return shared_mode(search, m);
	return MODE_OPEN;
}

void search_run(struct search *search, const enum edge_rule *rules)
{
	const struct ir_program *p = search->pricing.program;
	enum map_mode *modes =
	    arena_array(search->pricing.arena, map_state_count(p) + 1, sizeof *modes);

	search->pricing.rules = rules;
	search->best_cost = INFINITY;
	search->nodes = 0;
	search->exact = true;
	find_touches(search);
	for (size_t m = 0; m < map_state_count(p); m++)
		modes[m] = shared_mode(search, m);
	pricing_open_start(&search->pricing, modes);
	try_seeds(search);
	for (size_t m = 0; m < map_state_count(p); m++)
		modes[m] = first_mode(search, m);
	visit(search, modes);
}
