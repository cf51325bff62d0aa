/* Between the files that build the graph. */
#ifndef CLEAVE_IR_LLVM_GRAPH_H
#define CLEAVE_IR_LLVM_GRAPH_H

#include "ir/ir.h"
#include "ir/llvm_ir.h"

/* Block index, or IR_NONE for a block that the program's start does not reach. */
int ir_block_of(const struct ir_program *program, LLVMBasicBlockRef block);
/* Innermost source place of an instruction; line 0 when it has none. */
struct src_loc ir_instruction_loc(const struct ir_program *program, LLVMValueRef instruction);
/* Appends the ops that an instruction is (none, one, or two for a copy between memories). */
void ir_add_instruction_ops(struct ir_program *program, int block, LLVMValueRef instruction,
			    size_t *capacity);
/* The pointer that a load, store or atomic instruction goes through, or a memory intrinsic's
 * destination. */
LLVMValueRef ir_access_pointer(LLVMValueRef instruction);
/* Does the loop with that header and body leave on a number of its own, not by the packet alone? */
bool ir_loop_counts(const struct ir_program *program, size_t header, const bool *body);
/* Bounds the program's own metadata at each edge; refuses edges where there is no bound. */
void ir_bound_own_metadata(struct ir_program *program);
/* Adds LOOP's bound and the blocks' loop depth. */
void ir_find_loops(struct ir_program *program);

#endif
