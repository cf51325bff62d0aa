/* Adds to memory that both parts share (ops MAP_ADD and GLOBAL_ADD). */
#ifndef CLEAVE_BACKENDS_LLVM_ADDS_H
#define CLEAVE_BACKENDS_LLVM_ADDS_H

#include "backends/llvm_clone.h"

/* What an add adds: op is `store (load p) + n, p` or an atomic add, copy its copy. */
LLVMValueRef llvm_added_operand(LLVMValueRef original, LLVMValueRef copy);

/*
 * `counter++` on one CPU loses nothing in the source, but would while the other part counts too:
 * where both have the memory it becomes one atomic add. To be called before anything else is done
 * to the copy.
 */
void llvm_make_adds_atomic(struct llvm_clone *clone);

#endif
