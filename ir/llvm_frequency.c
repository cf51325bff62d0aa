/*
 * Static branch probabilities: branch weights that the source gave (__builtin_expect), else
 * heuristics in the manner of Ball and Larus, "Branch Prediction for Free" (PLDI 1993), with what
 * is peculiar to packet programs: a bounds check against the packet's end passes, a look-up finds
 * something.
 */
#include "ir/graph.h"
#include "ir/llvm_ir.h"

#include <string.h>

static const double P_BOUNDS_FAIL = 0.02, P_NULL = 0.25, P_LOOP_BACK = 0.9;

static bool read_weights(LLVMValueRef end, double *weights, unsigned count)
{
	LLVMValueRef node = LLVMGetMetadata(end, LLVMGetMDKindID("prof", 4)), operands[64];
	double sum = 0;

	if (!node)
		return false;
	int n = LLVMGetMDNodeNumOperands(node);
	if (n < (int)count + 1 || n > 64)
		return false;
	LLVMGetMDNodeOperands(node, operands);
	for (unsigned i = 0; i < count; i++) {
		LLVMValueRef weight = operands[(unsigned)n - count + i];

		if (!weight || !LLVMIsAConstantInt(weight))
			return false;
		weights[i] = (double)LLVMConstIntGetZExtValue(weight) + 1;
		sum += weights[i];
	}
	for (unsigned i = 0; i < count; i++)
		weights[i] /= sum;
	return true;
}

static enum llvm_memory memory_of(const struct ir_program *program, LLVMValueRef value)
{
	if (LLVMGetTypeKind(LLVMTypeOf(value)) != LLVMPointerTypeKind)
		return LLVM_MEMORY_UNKNOWN;
	return llvm_pointer_region(program, value).memory;
}

/* Probability that the comparison is true. */
static double guess_test(const struct ir_program *program, LLVMValueRef test)
{
	if (!LLVMIsAICmpInst(test))
		return 0.5;
	enum llvm_memory a = memory_of(program, LLVMGetOperand(test, 0));
	enum llvm_memory b = memory_of(program, LLVMGetOperand(test, 1));

	switch (LLVMGetICmpPredicate(test)) {
	case LLVMIntUGT:
	case LLVMIntUGE:
		if (b == LLVM_MEMORY_PACKET_END)
			return P_BOUNDS_FAIL;
		return a == LLVM_MEMORY_PACKET_END ? 1 - P_BOUNDS_FAIL : 0.5;
	case LLVMIntULT:
	case LLVMIntULE:
		if (a == LLVM_MEMORY_PACKET_END)
			return P_BOUNDS_FAIL;
		return b == LLVM_MEMORY_PACKET_END ? 1 - P_BOUNDS_FAIL : 0.5;
	case LLVMIntEQ:
		return b == LLVM_MEMORY_NULL ? P_NULL : 0.5;
	case LLVMIntNE:
		return b == LLVM_MEMORY_NULL ? 1 - P_NULL : 0.5;
	default:
		return 0.5;
	}
}

/* Going back to a header is likely, as far as the bound says it can be. */
static double back_probability(const struct ir_program *program, int header)
{
	const struct ir_op *op = ir_first_op(program, (size_t)header);

	if (op->kind == IR_OP_LOOP && op->loop_bounded && op->loop_trips)
		return (double)op->loop_trips / ((double)op->loop_trips + 1) < P_LOOP_BACK
			   ? (double)op->loop_trips / ((double)op->loop_trips + 1)
			   : P_LOOP_BACK;
	return P_LOOP_BACK;
}

static void guess_block(struct ir_program *program, const struct ir_block *block)
{
	LLVMValueRef end = LLVMGetBasicBlockTerminator(block->value);
	double weights[63];
	unsigned count = (unsigned)block->out_count;
	int b = (int)(block - program->blocks);

	if (count <= 63 && count > 1 && read_weights(end, weights, count)) {
		for (unsigned o = 0; o < count; o++)
			program->edges[block->out[o]].probability = weights[o];
		return;
	}
	for (unsigned o = 0; o < count; o++)
		program->edges[block->out[o]].probability = 1.0 / count;
	if (count != 2 || !LLVMIsABranchInst(end))
		return;
	struct ir_edge *yes = &program->edges[block->out[0]], *no = &program->edges[block->out[1]];
	if (yes->to <= b || no->to <= b) {
		struct ir_edge *back = yes->to <= b ? yes : no, *on = back == yes ? no : yes;

		back->probability = back_probability(program, back->to);
		on->probability = 1 - back->probability;
		return;
	}
	yes->probability = guess_test(program, LLVMGetCondition(end));
	no->probability = 1 - yes->probability;
}

void ir_guess_frequencies(struct ir_program *program)
{
	program->edges[0].probability = 1;
	for (size_t b = 0; b < program->block_count; b++)
		guess_block(program, &program->blocks[b]);
	ir_compute_frequencies(program);
}
