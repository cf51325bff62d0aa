/* Surgery on basic blocks that LLVM's C interface does not have. */
#ifndef CLEAVE_IR_LLVM_BLOCKS_H
#define CLEAVE_IR_LLVM_BLOCKS_H

#include "ir/llvm_ir.h"

/*
 * Moves what follows `at` to a new block right after its own, which is left without a terminator;
 * the phis of what comes next are told. The builder stands anywhere then, at its old line.
 */
LLVMBasicBlockRef llvm_split_behind(LLVMBuilderRef builder, LLVMValueRef at, const char *name);

/*
 * Moves the allocas of `from` to the end of `to`, where the builder is left. Stack objects stay in
 * a function's first block: elsewhere LLVM would take them for objects of any size.
 */
void llvm_move_allocas(LLVMBuilderRef builder, LLVMBasicBlockRef from, LLVMBasicBlockRef to);

#endif
