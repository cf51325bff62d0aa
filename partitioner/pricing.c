#include "partitioner/pricing.h"

#include <linux/bpf.h>
#include <math.h>
#include <string.h>

#include "bundle/kernel_abi.h"
#include "partitioner/components.h"
#include "partitioner/handoff.h"
#include "support/arena.h"

/* The order cell's hash, look at and compare, and the ticket: instructions, roughly. */
#define ORDER_INSTRUCTIONS 30

/* Above any cost of a packet, so that a cut that a rule avoids is only taken where it must be. */
#define AVOID_NS  1e6
#define BEFORE_NS 1e9

void pricing_new(struct pricing *pricing, struct arena *scratch, const struct ir_program *program,
		 const struct target *target, bool strict)
{
	int *from = arena_array(scratch, program->edge_count, sizeof *from);
	int *to = arena_array(scratch, program->edge_count, sizeof *to);
	int *behind = arena_array(scratch, program->edge_count, sizeof *behind);
	double *probability = arena_array(scratch, program->edge_count, sizeof *probability);

	for (size_t e = 0; e < program->edge_count; e++) {
		from[e] = program->edges[e].from;
		to[e] = program->edges[e].to;
		behind[e] = ir_edge_behind(program, (int)e)->to;
		probability[e] = e ? program->edges[e].probability : 1;
	}
	*pricing = (struct pricing){
	    .arena = scratch,
	    .program = program,
	    .target = target,
	    .strict = strict,
	    .stopping = stopping_new(scratch, IR_LAYER_COUNT, program->block_count,
				     program->edge_count, from, to, behind, probability),
	    .user_can = arena_array(scratch, program->block_count, sizeof(bool)),
	};
}

/* Verdicts by what they cost when user gives them; those of TC go the way of an XDP action. */
static const struct {
	const char *name;
	enum xdp_action costs;
} verdicts[] = {
    {"ABORTED", XDP_ABORTED},   {"DROP", XDP_DROP}, {"PASS", XDP_PASS},   {"TX", XDP_TX},
    {"REDIRECT", XDP_REDIRECT}, {"OK", XDP_PASS},   {"UNSPEC", XDP_PASS}, {"PIPE", XDP_PASS},
    {"RECLASSIFY", XDP_PASS},   {"SHOT", XDP_DROP}, {"STOLEN", XDP_DROP}, {"QUEUED", XDP_DROP},
};

/* What an action taken in user costs more: the mean of those that the op may take. */
static double verdict_ns(const struct target *t, const struct ir_op *op)
{
	double sum = 0;
	int count = 0;

	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
		if (op->verdicts && strstr(op->verdicts, verdicts[i].name)) {
			sum += t->verdict_ns[verdicts[i].costs];
			count++;
		}
	if (count)
		return sum / count;
	return (t->verdict_ns[XDP_DROP] + t->verdict_ns[XDP_PASS] + t->verdict_ns[XDP_TX]) / 3;
}

static bool global_allows(const struct pricing *pr, const struct ir_op *op, enum ir_layer layer,
			  const enum map_mode *modes)
{
	enum map_mode mode = modes[map_state_of(pr->program, op)];

	return map_mode_allows(mode, layer, map_touch(op)) && !(mode == MODE_BOTH && pr->strict);
}

static double op_ns(const struct pricing *pr, const struct ir_op *op, enum ir_layer layer,
		    const enum map_mode *modes)
{
	const struct target *t = pr->target;
	double cost = t->op_ns[op->kind][layer];

	if (!(op->legal & 1u << layer))
		return INFINITY;
	if (op->inner && layer == IR_LAYER_USER && !pr->strict && modes[op->map] != MODE_OPEN &&
	    (op->kind == IR_OP_MAP_WRITE || op->kind == IR_OP_MAP_ADD))
		return INFINITY; /* nobody would keep two copies of the value apart */
	if (op->global != IR_NONE && !global_allows(pr, op, layer, modes))
		return INFINITY;
	if (op->map != IR_NONE)
		cost += map_op_cost(pr->program, t, op, layer, modes[op->map]);
	if (op->kind == IR_OP_VERDICT && layer == IR_LAYER_USER)
		cost += verdict_ns(t, op);
	return cost;
}

double pricing_block_ns(const struct pricing *pr, int block, enum ir_layer layer,
			const enum map_mode *modes)
{
	const struct ir_program *p = pr->program;
	double cost = p->blocks[block].instructions * pr->target->instruction_ns[layer];

	if (!(pr->target->layers & 1u << layer))
		return INFINITY;
	for (struct ir_op *op = ir_first_op(p, (size_t)block), *end = ir_end_op(p, (size_t)block);
	     op < end; op++)
		cost += op_ns(pr, op, layer, modes);
	if (layer == IR_LAYER_KERNEL && pricing_ordered_map(pr, block, modes) != IR_NONE)
		cost += ORDER_INSTRUCTIONS * pr->target->instruction_ns[layer];
	return cost;
}

static bool is_keyed(const struct ir_op *op)
{
	return op->map != IR_NONE && op->kind != IR_OP_MAP_READ && op->kind != IR_OP_MAP_WRITE &&
	       op->kind != IR_OP_MAP_ADD;
}

int pricing_ordered_map(const struct pricing *pr, int block, const enum map_mode *modes)
{
	const struct ir_program *p = pr->program;

	for (struct ir_op *op = ir_first_op(p, (size_t)block), *end = ir_end_op(p, (size_t)block);
	     op < end; op++)
		if (is_keyed(op) &&
		    map_mode_is_ordered(&p->maps[op->map], modes[op->map], pr->strict))
			return op->map;
	return IR_NONE;
}

uint32_t pricing_ordered_count(const struct pricing *pr, const enum map_mode *modes, bool *as_one)
{
	uint32_t count = 0;

	for (size_t m = 0; m < pr->program->map_count; m++)
		count += map_mode_is_ordered(&pr->program->maps[m], modes[m], pr->strict);
	/* Too many to tell apart: watched together. A pair would have to agree on that. */
	*as_one = count > CLEAVE_ORDER_MAPS && !pr->program->outside;
	return *as_one ? 1 : count;
}

/* A look-up that the user part repeats with the key it was handed. */
static bool needs_call(const struct ir_program *p, const struct ir_live *live,
		       const enum map_mode *modes)
{
	if (live->kind != IR_LIVE_MAP_VALUE || modes[live->map] == MODE_ADD ||
	    map_mode_home(&p->maps[live->map], modes[live->map]) != MAP_HOME_KERNEL_BATCHED)
		return false;
	for (size_t i = 0; i < p->op_count; i++)
		if (p->ops[i].kind == IR_OP_MAP_LOOKUP && p->ops[i].map == live->map &&
		    !p->ops[i].add_only)
			return true;
	return false;
}

double pricing_handoff_ns(const struct ir_program *program, const struct target *target, int edge,
			  const enum map_mode *modes, uint32_t bytes)
{
	const struct ir_edge *behind = ir_edge_behind(program, edge);
	double cost = target->handoff_ns + target->handoff_byte_ns * bytes;

	for (size_t i = 0; i < behind->live_count; i++)
		if (needs_call(program, &behind->live[i], modes))
			cost += target->bpf_call_ns;
	return cost;
}

/* Blocks that user may run with all that can follow: the rest is what leads to a forbidden one. */
static void find_user_can(struct pricing *pr)
{
	const struct stopping *s = pr->stopping;
	const struct components *c = s->components;
	bool changed;

	for (size_t b = 0; b < s->block_count; b++)
		pr->user_can[b] = isfinite(s->block_cost[b * s->layers + IR_LAYER_USER]);
	do {
		changed = false;
		for (size_t i = 0; i < s->block_count; i++) {
			int b = c->order[i];

			for (int k = c->out_begin[b]; k < c->out_begin[b + 1]; k++)
				if (pr->user_can[b] && !pr->user_can[s->to[c->out[k]]]) {
					pr->user_can[b] = false;
					changed = true;
				}
		}
	} while (changed);
}

bool pricing_edge_is_legal(const struct pricing *pr, int edge, const enum map_mode *modes,
			   uint32_t ordered_maps)
{
	const struct ir_edge *e = &pr->program->edges[edge];

	return e->cut.reason == IR_REASON_NONE &&
	       pr->user_can[ir_edge_behind(pr->program, edge)->to] &&
	       handoff_bytes(pr->program, edge, modes, ordered_maps, NULL) <=
		   pr->target->handoff_bytes_max;
}

static void fill_blocks(struct pricing *pr, const enum map_mode *modes, enum ir_layer layer)
{
	struct stopping *s = pr->stopping;

	for (size_t b = 0; b < s->block_count; b++)
		s->block_cost[b * s->layers + layer] = pricing_block_ns(pr, (int)b, layer, modes);
}

void pricing_find_user_can(struct pricing *pr, const enum map_mode *modes)
{
	fill_blocks(pr, modes, IR_LAYER_USER);
	find_user_can(pr);
}

/*
 * Strict order hands over a packet whose key is in flight just before the op that would touch it,
 * or somewhere before that, at the start if nowhere else. Where that is not possible, the op cannot
 * be in the kernel part.
 */
static bool can_hold(const struct pricing *pr, int block, const enum map_mode *modes,
		     uint32_t ordered)
{
	const struct components *c = pr->stopping->components;

	if (pr->start_can)
		return true;
	for (int i = c->in_begin[block]; i < c->in_begin[block + 1]; i++)
		if (!pricing_edge_is_legal(pr, c->in[i], modes, ordered))
			return false;
	return true;
}

void pricing_open_start(struct pricing *pr, const enum map_mode *modes)
{
	bool as_one;

	pricing_find_user_can(pr, modes);
	pr->start_can =
	    pricing_edge_is_legal(pr, 0, modes, pricing_ordered_count(pr, modes, &as_one));
}

static void fill_edge(struct pricing *pr, size_t e, const enum map_mode *modes, uint32_t ordered)
{
	static const double penalty[EDGE_BEFORE + 1] = {
	    [EDGE_AVOID] = AVOID_NS, [EDGE_BEFORE] = BEFORE_NS};
	struct stopping *s = pr->stopping;
	enum edge_rule rule = pr->rules ? pr->rules[e] : EDGE_FREE;
	bool legal = rule != EDGE_NEVER && pricing_edge_is_legal(pr, (int)e, modes, ordered);
	double up = INFINITY;

	if (legal) {
		uint32_t bytes = handoff_bytes(pr->program, (int)e, modes, ordered, NULL);

		up = pricing_handoff_ns(pr->program, pr->target, (int)e, modes, bytes);
		up += penalty[rule];
	}
	for (size_t from = 0; from < IR_LAYER_COUNT; from++) {
		for (size_t to = 0; to < IR_LAYER_COUNT; to++)
			*stopping_edge_cost(s, e, from, to) = from == to ? 0 : INFINITY;
		if (from < IR_LAYER_USER)
			*stopping_edge_cost(s, e, from, IR_LAYER_USER) = up;
	}
	/* What no rule of the NIC took enters the kernel as it is: only the start carries no state.
	 */
	if (e == 0)
		*stopping_edge_cost(s, e, IR_LAYER_NIC, IR_LAYER_KERNEL) =
		    rule == EDGE_MUST ? INFINITY : 0;
	if (rule == EDGE_MUST)
		*stopping_edge_cost(s, e, IR_LAYER_KERNEL, IR_LAYER_KERNEL) = INFINITY;
}

void pricing_fill(struct pricing *pr, const enum map_mode *modes)
{
	struct stopping *s = pr->stopping;
	bool as_one;
	uint32_t ordered = pricing_ordered_count(pr, modes, &as_one);

	for (size_t l = 0; l < IR_LAYER_COUNT; l++)
		fill_blocks(pr, modes, (enum ir_layer)l);
	find_user_can(pr);
	for (size_t b = 0; b < s->block_count; b++)
		if (pricing_ordered_map(pr, (int)b, modes) != IR_NONE &&
		    !can_hold(pr, (int)b, modes, ordered))
			s->block_cost[b * s->layers + IR_LAYER_KERNEL] = INFINITY;
	for (size_t e = 0; e < s->edge_count; e++)
		fill_edge(pr, e, modes, ordered);
}
