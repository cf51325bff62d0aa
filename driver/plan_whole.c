/*
 * Loops that bpf_loop makes in the source cost the verifier one round, and as loops of a split
 * kernel part all of them. So where such loops alone are against the kernel, one more plan is
 * looked at: everything in the kernel, as the source has it.
 */
#include "driver/pipeline.h"
#include "support/arena.h"

#include <string.h>

#define KERNEL_BIT ((ir_layer_set)(1 << IR_LAYER_KERNEL))

bool pipeline_is_rolled(const struct ir_op *op)
{
	enum ir_reason reason = op->missing[IR_LAYER_KERNEL].reason;

	return op->kind == IR_OP_LOOP && op->loop_rolled &&
	       (reason == IR_REASON_UNBOUNDED_LOOP || reason == IR_REASON_LOOP_TOO_LONG);
}

/* Are such loops, and what comes behind them, all that the kernel cannot run? */
static bool only_rolled(const struct ir_program *p)
{
	bool any = false;

	for (size_t o = 0; o < p->op_count; o++) {
		const struct ir_op *op = &p->ops[o];

		if (op->legal & KERNEL_BIT)
			continue;
		if (!pipeline_is_rolled(op) &&
		    op->missing[IR_LAYER_KERNEL].reason != IR_REASON_AFTER_USER_OP)
			return false;
		any |= pipeline_is_rolled(op);
	}
	return any;
}

static int plan_split(struct compilation *c, struct split split, struct plan **plan)
{
	return partitioner_plan(c->front.program, &c->target, split, !c->relaxed, plan, c->diag);
}

static int plan_whole(struct compilation *c, struct plan **plan)
{
	struct ir_program *p = c->front.program;
	struct ir_op *as_found = arena_array(c->arena, p->op_count + 1, sizeof *as_found);
	int err;

	memcpy(as_found, p->ops, p->op_count * sizeof *as_found);
	for (size_t o = 0; o < p->op_count; o++) {
		p->ops[o].legal |= KERNEL_BIT;
		p->ops[o].missing[IR_LAYER_KERNEL] = (struct ir_why){IR_REASON_NONE, NULL};
	}
	err = plan_split(c, (struct split){.kind = SPLIT_KERNEL}, plan);
	memcpy(p->ops, as_found, p->op_count * sizeof *as_found);
	return err;
}

/* A guess about the source, or what was found of code that was made of it. */
static bool is_doubtful(enum ir_reason reason)
{
	return reason == IR_REASON_UNBOUNDED_LOOP || reason == IR_REASON_LOOP_TOO_LONG ||
	       reason == IR_REASON_VERIFIER || reason == IR_REASON_AFTER_USER_OP;
}

bool pipeline_plan_source(struct compilation *c)
{
	const struct ir_program *p = c->front.program;

	if (c->split.kind != SPLIT_AUTO && c->split.kind != SPLIT_KERNEL)
		return false;
	for (size_t o = 0; o < p->op_count; o++)
		if (!(p->ops[o].legal & KERNEL_BIT) &&
		    !is_doubtful(p->ops[o].missing[IR_LAYER_KERNEL].reason))
			return false;
	return plan_whole(c, &c->plan) == 0;
}

int pipeline_plan(struct compilation *c)
{
	bool asked = c->split.kind == SPLIT_AUTO || c->split.kind == SPLIT_KERNEL;
	struct plan *whole = NULL;
	int err = 0;

	if (asked && only_rolled(c->front.program))
		err = plan_whole(c, &whole);
	if (!err && (!whole || c->split.kind == SPLIT_AUTO))
		err = plan_split(c, c->split, &c->plan);
	if (!err && whole && (c->split.kind == SPLIT_KERNEL || whole->cost_ns <= c->plan->cost_ns))
		c->plan = whole;
	return err;
}
