/*
 * Does a loop count? Of loops whose bound is not recognised, those that end with the packet alone
 * are known to be too long for the verifier: it walks them to the largest packet there is. Those
 * that also ask a number which changes from round to round may end in its sight.
 */
#include "ir/llvm_graph.h"

enum { DEPTH_MAX = 12, PHI_DEPTH = 4 /* so deep counts a phi */ };

static bool is_counter(LLVMValueRef value, LLVMBasicBlockRef header, unsigned depth)
{
	if (!LLVMIsAInstruction(value) ||
	    LLVMGetTypeKind(LLVMTypeOf(value)) != LLVMIntegerTypeKind || depth >= DEPTH_MAX)
		return false;
	if (LLVMIsAPHINode(value) && LLVMGetInstructionParent(value) == header)
		return true;
	if (LLVMIsALoadInst(value) || LLVMIsACallInst(value) || LLVMIsAPtrToIntInst(value))
		return false;
	for (int n = 0; n < LLVMGetNumOperands(value); n++)
		if (is_counter(LLVMGetOperand(value, (unsigned)n), header,
			       depth + (LLVMIsAPHINode(value) ? PHI_DEPTH : 1)))
			return true;
	return false;
}

bool ir_loop_counts(const struct ir_program *program, size_t header, const bool *body)
{
	for (size_t b = 0; b < program->block_count; b++) {
		const struct ir_block *block = &program->blocks[b];
		LLVMValueRef end = LLVMGetBasicBlockTerminator(block->value);
		bool leaves = false;

		for (size_t o = 0; o < block->out_count; o++)
			leaves |= !body[program->edges[block->out[o]].to];
		if (body[b] && leaves && LLVMIsABranchInst(end) && LLVMIsConditional(end) &&
		    is_counter(LLVMGetCondition(end), program->blocks[header].value, 0))
			return true;
	}
	return false;
}
