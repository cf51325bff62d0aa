/*
 * How much metadata of its own the program may keep in front of the packet at each edge.
 *
 * Such metadata lies where a handoff goes, so it is moved down in front of that, and the two
 * together have to fit. A call that makes room may succeed or fail; what counts is the most there
 * can be. Nothing is there when the program starts: metadata of another program is not kept.
 */
#include "ir/llvm_graph.h"
#include "ir/llvm_range.h"
#include "support/arena.h"

#include <string.h>

/* The kernel takes less than 256 bytes, in whole words (net/core/filter.c, xdp_metalen_invalid). */
enum { METADATA_MAX = 252 };

static bool is_adjust_meta(const struct ir_op *op)
{
	return op->kind == IR_OP_PKT_RESIZE && op->name && strcmp(op->name, "xdp_adjust_meta") == 0;
}

/* By how many bytes a call grows the metadata, at most. */
static uint32_t growth(const struct ir_op *op)
{
	LLVMValueRef offset = LLVMGetOperand(op->value, 1);
	LLVMBasicBlockRef at = LLVMGetInstructionParent(op->value);
	struct llvm_range range;

	/* 0 - x */
	if (LLVMIsABinaryOperator(offset) && LLVMGetInstructionOpcode(offset) == LLVMSub &&
	    LLVMIsNull(LLVMGetOperand(offset, 0)) &&
	    llvm_value_range(LLVMGetOperand(offset, 1), at, &range) && range.most <= METADATA_MAX)
		return (uint32_t)range.most;
	/* As a number of 32 bits without a sign: those from 2^31 on are negative. */
	if (!llvm_value_range(offset, at, &range))
		return METADATA_MAX;
	if (range.most <= INT32_MAX)
		return 0;
	return range.least > UINT32_MAX - METADATA_MAX && range.most <= UINT32_MAX
		   ? -(uint32_t)range.least
		   : METADATA_MAX;
}

static uint32_t after_call(const struct ir_op *op, uint32_t before)
{
	uint32_t after = before + growth(op);

	return after < METADATA_MAX ? after : METADATA_MAX;
}

/* At the block's end, when there were so many bytes at its start. */
static uint32_t after_block(const struct ir_program *program, size_t block, uint32_t bytes)
{
	const struct ir_op *op = ir_first_op(program, block), *end = ir_end_op(program, block);

	for (; op < end; op++)
		if (is_adjust_meta(op))
			bytes = after_call(op, bytes);
	return bytes;
}

void ir_bound_own_metadata(struct ir_program *program)
{
	uint32_t *start = arena_array(program->arena, program->block_count, sizeof *start);
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t b = 0; b < program->block_count; b++) {
			uint32_t bytes = after_block(program, b, start[b]);

			for (size_t o = 0; o < program->blocks[b].out_count; o++) {
				struct ir_edge *edge = &program->edges[program->blocks[b].out[o]];

				edge->own_metadata = bytes & ~3u;
				if (start[edge->to] >= bytes)
					continue;
				start[edge->to] = bytes;
				changed = true;
			}
		}
	}
	for (size_t e = 0; e < program->edge_count; e++)
		if (program->edges[e].own_metadata == METADATA_MAX &&
		    program->edges[e].cut.reason == IR_REASON_NONE)
			program->edges[e].cut = (struct ir_why){IR_REASON_OWN_METADATA, NULL};
}
