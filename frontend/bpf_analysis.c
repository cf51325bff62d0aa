#include "frontend/bpf_analysis.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "ir/ir.h"
#include "support/arena.h"

enum { INSTRUCTIONS_MAX = 1 << 19, DEPTH_MAX = 16 };

struct src_loc bpf_place(const struct bpf_analysis *a, int instance, uint32_t at)
{
	return bpf_object_place(a->object, a->instances[instance].function, at);
}

static void fail(struct bpf_analysis *a, struct src_loc place, enum ir_reason reason,
		 const char *detail)
{
	struct ir_why why = {reason, detail};

	diag_error(a->diag, place, "%s", ir_why_sentence(a->object->arena, why));
	a->err = -EINVAL;
}

/* ---- instances ---- */

static int add_instance(struct bpf_analysis *a, struct bpf_function *function, int parent,
			uint32_t call_block)
{
	struct arena *arena = a->object->arena;
	const struct bpf_cfg *cfg = bpf_cfg_get(a->object, function, a->diag);
	struct bpf_instance *i;

	if (!cfg) {
		a->err = -EINVAL;
		return -1;
	}
	i = ARENA_PUSH(arena, a->instances, a->instance_count, a->instance_cap);
	*i = (struct bpf_instance){.function = function,
				   .cfg = cfg,
				   .parent = parent,
				   .depth = parent < 0 ? 0 : a->instances[parent].depth + 1,
				   .call_block = call_block,
				   .in = arena_array(arena, cfg->order_count + 1, sizeof *i->in),
				   .pending = arena_array(arena, cfg->order_count + 1, 1),
				   .child =
				       arena_array(arena, cfg->block_count + 1, sizeof *i->child)};
	for (uint32_t b = 0; b < cfg->block_count; b++)
		i->child[b] = -1;
	a->instructions += function->end - function->first;
	return (int)a->instance_count - 1;
}

/* What a call may not do. */
static bool check_call(struct bpf_analysis *a, int instance, uint32_t at,
		       const struct bpf_function *callee)
{
	struct src_loc place = bpf_place(a, instance, at);

	for (int i = instance; i >= 0; i = a->instances[i].parent)
		if (a->instances[i].function == callee) {
			fail(a, place, IR_REASON_RECURSION, callee->name);
			return false;
		}
	if (a->instances[instance].depth + 1 == DEPTH_MAX ||
	    a->instructions + callee->end - callee->first > INSTRUCTIONS_MAX) {
		fail(a, place, IR_REASON_UNSUPPORTED_CALL,
		     arena_printf(a->object->arena,
				  "inlining %s (over %d instructions, or %d calls deep)",
				  callee->name, INSTRUCTIONS_MAX, DEPTH_MAX));
		return false;
	}
	return true;
}

/* What the last instruction of a block enters, or NULL (reported, or not known). */
static struct bpf_function *callee_of(struct bpf_analysis *a, int instance, uint32_t at,
				      const struct bpf_state *state)
{
	const struct bpf_instruction *i = bpf_at(a, instance, at);
	struct bpf_function *callee;

	if (bpf_callback_of(i))
		return bpf_callback_function(a, state);
	callee = bpf_object_function(a->object, i->reference.index, i->reference.offset);
	if (!callee)
		fail(a, bpf_place(a, instance, at), IR_REASON_UNSUPPORTED_CALL,
		     "calling the middle of a function");
	return callee;
}

static int child_of(struct bpf_analysis *a, int instance, uint32_t block,
		    const struct bpf_state *state)
{
	uint32_t at = a->instances[instance].cfg->blocks[block].end - 1;
	const struct bpf_callback *callback = bpf_callback_of(bpf_at(a, instance, at));
	bool later = callback && callback->later;
	int child = a->instances[instance].child[block];
	struct bpf_function *callee;

	if (child >= 0)
		return child;
	callee = callee_of(a, instance, at, state);
	for (size_t i = 0; i < a->instance_count && later; i++)
		if (a->instances[i].callback == callback && a->instances[i].function == callee)
			child = (int)i;
	if (child < 0 && callee && (later || check_call(a, instance, at, callee))) {
		child = add_instance(a, callee, later ? -1 : instance, block);
		if (child >= 0)
			a->instances[child].callback = callback;
	}
	a->instances[instance].child[block] = child;
	return child;
}

struct bpf_function *bpf_callback_function(const struct bpf_analysis *a,
					   const struct bpf_state *state)
{
	struct bpf_value v = state->reg[BPF_CALLBACK_REGISTER];

	return v.kind == BPF_VALUE_CODE && v.known && !v.null
		   ? bpf_object_function(a->object, v.index, v.number)
		   : NULL;
}

/* ---- the work list: a flag for each block ---- */

static void queue(struct bpf_instance *i, uint32_t order)
{
	if (i->pending[order])
		return;
	i->pending[order] = true;
	if (!i->pending_count++ || order < i->pending_first)
		i->pending_first = order;
}

static uint32_t dequeue(struct bpf_instance *i)
{
	uint32_t order = i->pending_first;

	i->pending[order] = false;
	i->pending_count--;
	for (uint32_t n = order + 1; i->pending_count && n < i->cfg->order_count; n++)
		if (i->pending[n]) {
			i->pending_first = n;
			break;
		}
	return order;
}

static struct bpf_state *copy_state(const struct bpf_analysis *a, const struct bpf_state *from,
				    unsigned depth)
{
	struct bpf_state *to = arena_alloc(a->object->arena, bpf_state_bytes(depth));

	memcpy(to, from, bpf_state_bytes(depth));
	return to;
}

static void flow_into(struct bpf_analysis *a, int instance, uint32_t block,
		      const struct bpf_state *state)
{
	struct bpf_instance *i = &a->instances[instance];
	uint32_t order = i->cfg->blocks[block].order;

	if (!i->in[order]) {
		i->in[order] = copy_state(a, state, i->depth);
		queue(i, order);
	} else if (bpf_state_join(i->in[order], state, i->depth)) {
		queue(i, order);
	}
}

/* ---- branches ---- */

static bool tests_for_null(const struct bpf_instruction *i, const struct bpf_state *state)
{
	struct bpf_value right = bpf_operand(i, state);

	return BPF_CLASS(i->code) == BPF_JMP && i->dst != BPF_FRAME_REGISTER &&
	       bpf_value_is_pointer(state->reg[i->dst]) && bpf_value_is_constant(right) &&
	       right.number == 0 && (BPF_OP(i->code) == BPF_JEQ || BPF_OP(i->code) == BPF_JNE);
}

static void set_bound(struct bpf_way *way, const struct bpf_instruction *i,
		      const struct bpf_state *state, bool holds)
{
	uint32_t most = bpf_value_bound_behind(BPF_OP(i->code), BPF_CLASS(i->code) == BPF_JMP,
					       holds, state->reg[i->dst], bpf_operand(i, state));

	if (most == BPF_NO_BOUND)
		return;
	way->bounded_register = i->dst;
	way->most = most;
}

void bpf_find_ways(const struct bpf_analysis *a, int instance, uint32_t block,
		   const struct bpf_state *state, struct bpf_way *taken, struct bpf_way *next)
{
	const struct bpf_block *b = &a->instances[instance].cfg->blocks[block];
	const struct bpf_instruction *i = bpf_at(a, instance, b->end - 1);
	int outcome;

	*taken = (struct bpf_way){b->taken, -1, -1, 0};
	*next = (struct bpf_way){b->next, -1, -1, 0};
	if (!bpf_is_jump(i) || b->taken == BPF_NO_BLOCK || b->next == BPF_NO_BLOCK ||
	    i->dst >= BPF_REGISTERS || i->src >= BPF_REGISTERS)
		return;
	outcome = bpf_value_compare(BPF_OP(i->code), BPF_CLASS(i->code) == BPF_JMP,
				    state->reg[i->dst], bpf_operand(i, state));
	if (outcome == 0)
		taken->block = BPF_NO_BLOCK;
	else if (outcome == 1)
		next->block = BPF_NO_BLOCK;
	else if (tests_for_null(i, state))
		(BPF_OP(i->code) == BPF_JEQ ? taken : next)->null_register = i->dst;
	set_bound(taken, i, state, true);
	set_bound(next, i, state, false);
}

static void go(struct bpf_analysis *a, int instance, struct bpf_way way, struct bpf_state *state)
{
	int narrowed = way.null_register >= 0 ? way.null_register : way.bounded_register;
	struct bpf_value before;

	if (way.block == BPF_NO_BLOCK)
		return;
	if (narrowed < 0) {
		flow_into(a, instance, way.block, state);
		return;
	}
	before = state->reg[narrowed];
	state->reg[narrowed] =
	    way.null_register >= 0 ? BPF_KNOWN(BPF_VALUE_NUMBER, 0, 0) : bpf_value_up_to(way.most);
	flow_into(a, instance, way.block, state);
	state->reg[narrowed] = before;
}

/* ---- calls and returns ---- */

/* What the caller finds behind the call: its own registers, the callee's result, all stacks. */
static void flow_back(struct bpf_analysis *a, int child, struct bpf_state *caller)
{
	const struct bpf_instance *i = &a->instances[child];
	const struct bpf_instance *p = &a->instances[i->parent];

	if (!i->out)
		return;
	caller->reg[0] = i->out->reg[0];
	for (unsigned r = 1; r <= 5; r++)
		caller->reg[r] = (struct bpf_value){.kind = BPF_VALUE_NONE};
	memcpy(caller->slots, i->out->slots, (p->depth + 1) * sizeof *caller->slots);
	if (p->cfg->blocks[i->call_block].next != BPF_NO_BLOCK)
		flow_into(a, i->parent, p->cfg->blocks[i->call_block].next, caller);
}

/* A callee's state where it begins: its caller's stacks, and no registers but its arguments. */
static struct bpf_state *enter(struct bpf_analysis *a, int child, const struct bpf_state *caller)
{
	unsigned depth = a->instances[child].depth;
	struct bpf_state *entry = arena_alloc(a->object->arena, bpf_state_bytes(depth));

	memcpy(entry, caller, depth ? bpf_state_bytes(depth - 1) : sizeof *caller);
	entry->reg[0] = (struct bpf_value){.kind = BPF_VALUE_NONE};
	for (unsigned r = 6; r < BPF_FRAME_REGISTER; r++)
		entry->reg[r] = (struct bpf_value){.kind = BPF_VALUE_NONE};
	entry->reg[BPF_FRAME_REGISTER] = BPF_KNOWN(BPF_VALUE_FRAME, child, 0);
	return entry;
}

static void call(struct bpf_analysis *a, int child, struct bpf_state *state)
{
	flow_into(a, child, a->instances[child].cfg->order[0], enter(a, child, state));
	flow_back(a, child, state);
}

static struct bpf_value callback_argument(const struct bpf_state *state,
					  enum bpf_callback_parameter parameter)
{
	struct bpf_value map = state->reg[1];
	int32_t index =
	    map.kind == BPF_VALUE_MAP || map.kind == BPF_VALUE_MAP_VALUE ? map.index : -1;

	switch (parameter) {
	case BPF_PARAMETER_MAP:
		return BPF_KNOWN(BPF_VALUE_MAP, index, 0);
	case BPF_PARAMETER_VALUE:
		return BPF_KNOWN(BPF_VALUE_MAP_VALUE, index, 0);
	case BPF_PARAMETER_KERNEL:
		return BPF_KNOWN(BPF_VALUE_KERNEL, 0, 0);
	case BPF_PARAMETER_SHARED:
		return state->reg[BPF_SHARED_REGISTER];
	default:
		return BPF_ANY_NUMBER;
	}
}

/*
 * A callback runs as often as the helper likes: it begins with the stacks that the caller has, or
 * that it left itself, and so the caller finds them. One that runs later knows of no stack.
 */
static void call_back(struct bpf_analysis *a, int instance, uint32_t block, int child,
		      struct bpf_state *state)
{
	const struct bpf_instance *p = &a->instances[instance];
	const struct bpf_instance *i = child < 0 ? NULL : &a->instances[child];
	struct bpf_state *entry = i ? enter(a, child, state) : NULL;

	for (unsigned n = 0; i && n < i->callback->count; n++)
		entry->reg[n + 1] = callback_argument(state, i->callback->parameter[n]);
	for (unsigned n = i ? i->callback->count : 5; n < 5; n++)
		entry->reg[n + 1] = (struct bpf_value){.kind = BPF_VALUE_NONE};
	for (unsigned d = 0; i && i->out && !i->callback->later && d <= p->depth; d++)
		for (size_t s = 0; s < BPF_SLOTS; s++)
			bpf_value_join(&state->slots[d][s], i->out->slots[d][s]);
	if (i && !i->callback->later)
		memcpy(entry->slots, state->slots, (p->depth + 1) * sizeof *state->slots);
	if (i)
		flow_into(a, child, i->cfg->order[0], entry);
	state->reg[0] = BPF_ANY_NUMBER;
	for (unsigned r = 1; r <= 5; r++)
		state->reg[r] = (struct bpf_value){.kind = BPF_VALUE_NONE};
	if (p->cfg->blocks[block].next != BPF_NO_BLOCK)
		flow_into(a, instance, p->cfg->blocks[block].next, state);
}

static void leave(struct bpf_analysis *a, int instance, const struct bpf_state *state)
{
	struct bpf_instance *i = &a->instances[instance], *p;
	bool changed = !i->out;

	if (i->parent < 0)
		return;
	if (changed)
		i->out = copy_state(a, state, i->depth);
	else
		changed = bpf_state_join(i->out, state, i->depth);
	p = &a->instances[i->parent];
	if (changed)
		queue(p, p->cfg->blocks[i->call_block].order);
}

/* ---- the fixpoint ---- */

static void interpret(struct bpf_analysis *a, int instance, uint32_t order,
		      struct bpf_state *scratch)
{
	const struct bpf_cfg *cfg = a->instances[instance].cfg;
	uint32_t block = cfg->order[order];
	const struct bpf_block *b = &cfg->blocks[block];
	const struct bpf_instruction *last = bpf_at(a, instance, b->end - 1);
	struct bpf_way taken, next;

	memcpy(scratch, a->instances[instance].in[order],
	       bpf_state_bytes(a->instances[instance].depth));
	for (uint32_t at = b->first; at < b->end; at++)
		bpf_step(a, instance, scratch, at);
	if (bpf_is_exit(last)) {
		leave(a, instance, scratch);
	} else if (bpf_callback_of(last)) {
		call_back(a, instance, block, child_of(a, instance, block, scratch), scratch);
	} else if (bpf_is_subprogram_call(last)) {
		int child = child_of(a, instance, block, scratch);

		if (child >= 0)
			call(a, child, scratch);
	} else {
		bpf_find_ways(a, instance, block, scratch, &taken, &next);
		go(a, instance, taken, scratch);
		go(a, instance, next, scratch);
	}
}

/* The innermost instance with work: its callers wait for what it returns. */
static int find_work(const struct bpf_analysis *a)
{
	for (size_t i = a->instance_count; i--;)
		if (a->instances[i].pending_count)
			return (int)i;
	return -1;
}

static void run(struct bpf_analysis *a)
{
	struct bpf_state *scratch = arena_alloc(a->object->arena, bpf_state_bytes(DEPTH_MAX));
	int instance;

	while (!a->err && (instance = find_work(a)) >= 0)
		interpret(a, instance, dequeue(&a->instances[instance]), scratch);
}

static struct bpf_state *first_state(struct bpf_analysis *a)
{
	struct bpf_state *state = arena_alloc(a->object->arena, bpf_state_bytes(0));

	state->reg[1] = BPF_KNOWN(BPF_VALUE_CONTEXT, 0, 0);
	state->reg[BPF_FRAME_REGISTER] = BPF_KNOWN(BPF_VALUE_FRAME, 0, 0);
	return state;
}

void bpf_each_instruction(struct bpf_analysis *a, int instance, bpf_visit *visit, void *argument)
{
	struct bpf_instance *i = &a->instances[instance];
	struct bpf_state *state = arena_alloc(a->object->arena, bpf_state_bytes(i->depth));

	for (uint32_t o = 0; o < i->cfg->order_count && !a->err; o++) {
		const struct bpf_block *b = &i->cfg->blocks[i->cfg->order[o]];

		if (!i->in[o])
			continue;
		memcpy(state, i->in[o], bpf_state_bytes(i->depth));
		for (uint32_t at = b->first; at < b->end && !a->err; at++) {
			visit(a, instance, state, at, argument);
			bpf_step(a, instance, state, at);
		}
	}
}

struct bpf_analysis *bpf_analyse(struct bpf_object *object, struct bpf_function *program,
				 struct diag *diag)
{
	struct bpf_analysis *a = arena_alloc(object->arena, sizeof *a);

	*a = (struct bpf_analysis){
	    .object = object, .diag = diag, .section = object->code[program->code].section};
	ir_section_kind(a->section, &a->kind);
	if (add_instance(a, program, -1, 0) < 0)
		return NULL;
	flow_into(a, 0, a->instances[0].cfg->order[0], first_state(a));
	run(a);
	if (a->err)
		return NULL;
	bpf_find_frames(a);
	bpf_find_spills(a);
	return a;
}
