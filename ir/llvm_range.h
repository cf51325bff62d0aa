/*
 * Which numbers a value can be, and between which bytes of an object a pointer can lie.
 *
 * Found by walking back over the instructions that made the value, and over the branches that lead
 * to the block where it is used: `words[i & 7]`, `if (i < 8) words[i]`. Nothing is taken from
 * types: an index may leave the array that the source names, and then touches what lies beside it.
 */
#ifndef CLEAVE_IR_LLVM_RANGE_H
#define CLEAVE_IR_LLVM_RANGE_H

#include "ir/llvm_ir.h"

#include <stdint.h>

/* Both ends belong to it; never negative. */
struct llvm_range {
	uint64_t least, most;
};

/* False when nothing is known of an integer that is used in block `at`. */
bool llvm_value_range(LLVMValueRef value, LLVMBasicBlockRef at, struct llvm_range *range);

/*
 * What a GEP adds, in bytes: between *least and *most, always a multiple of *step (0 when it is
 * one number). False when an index can be anything.
 */
struct llvm_distance {
	int64_t least, most;
	uint64_t step;
};
bool llvm_gep_distance(LLVMTargetDataRef layout, LLVMValueRef gep, struct llvm_distance *distance);

/*
 * Where behind its stack object a pointer lies, as a distance. root: the object. False when it is
 * not known to lie in one object; true with `whole` when it may lie anywhere in it, of which only
 * the step is known then: some multiple of it away from at.least.
 */
struct llvm_span {
	LLVMValueRef root;
	bool whole;
	struct llvm_distance at;
};
bool llvm_stack_span(const struct ir_program *program, LLVMValueRef pointer,
		     struct llvm_span *span);

#endif
