/*
 * State that the kernel keeps of a TC program's packet and that neither the packet's bytes nor its
 * context show: a packet cannot be handed over where user would have to know it.
 */
#include "ir/helpers.h"
#include "ir/llvm_ir.h"
#include "ir/llvm_objects.h"
#include "support/arena.h"

#include <linux/bpf.h>
#include <string.h>

static void refuse(struct ir_program *program, struct ir_edge *edge, const struct ir_op *op)
{
	if (edge->cut.reason == IR_REASON_NONE)
		edge->cut = (struct ir_why){IR_REASON_KERNEL_STATE,
					    arena_printf(program->arena, "bpf_%s", op->name)};
}

/* Whatever comes behind: what it set does not come back from user. */
static void refuse_all_behind(struct ir_program *program, const struct ir_op *op)
{
	const bool *after = llvm_reach_from(program, op->block);

	for (size_t e = 0; e < program->edge_count; e++)
		if (program->edges[e].from != IR_NONE && after[program->edges[e].from])
			refuse(program, &program->edges[e], op);
}

/* Where the network header starts, and whether there is an outer one: who changes it? */
static bool moves_headers(const struct ir_op *op)
{
	const uint64_t outer = BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

	if (op->helper == BPF_FUNC_skb_change_head)
		return true;
	if (op->helper != BPF_FUNC_skb_adjust_room)
		return false;
	LLVMValueRef flags = LLVMGetOperand(op->value, 3);
	return !LLVMIsAConstantInt(flags) || LLVMConstIntGetZExtValue(flags) & outer;
}

static bool uses_headers(const struct ir_op *op)
{
	return op->helper == BPF_FUNC_skb_adjust_room || op->helper == BPF_FUNC_skb_change_tail ||
	       op->helper == BPF_FUNC_skb_change_proto;
}

/* Per block: does a use of headers lie in it or behind it? */
static bool *find_users(struct ir_program *program)
{
	bool *leads = arena_array(program->arena, program->block_count, sizeof *leads), changed;

	for (size_t o = 0; o < program->op_count; o++)
		leads[program->ops[o].block] |= uses_headers(&program->ops[o]);
	do {
		changed = false;
		for (size_t e = 1; e < program->edge_count; e++) {
			bool *from = &leads[program->edges[e].from];

			changed |= leads[program->edges[e].to] && !*from;
			*from |= leads[program->edges[e].to];
		}
	} while (changed);
	return leads;
}

static void refuse_before_users(struct ir_program *program, const struct ir_op *op,
				const bool *leads)
{
	const bool *after = llvm_reach_from(program, op->block);

	for (size_t e = 0; e < program->edge_count; e++) {
		struct ir_edge *edge = &program->edges[e];

		if (edge->from != IR_NONE && after[edge->from] && leads[edge->to])
			refuse(program, edge, op);
	}
}

void llvm_refuse_hidden_state(struct ir_program *program)
{
	const bool *leads = find_users(program);

	for (size_t o = 0; o < program->op_count; o++) {
		const struct ir_op *op = &program->ops[o];

		if (op->kind == IR_OP_SKB_STATE)
			refuse_all_behind(program, op);
		else if (moves_headers(op))
			refuse_before_users(program, op, leads);
	}
}
