/*
 * What stands for a map-value pointer of a map whose slots do not tell which they are: the index
 * of the element, or its key. Made where the pointer is made, by its look-up, and followed through
 * phis and selects; so all cuts share them.
 */
#ifndef CLEAVE_BACKENDS_LLVM_SHADOWS_H
#define CLEAVE_BACKENDS_LLVM_SHADOWS_H

#include "backends/llvm_clone.h"

struct llvm_shadows {
	struct llvm_clone *clone;
	bool keys;         /* shadows are pointers to copies of keys; else i32 indices */
	LLVMValueRef none; /* the key of NULL */
	LLVMValueRef *value, *shadow;
	size_t count, value_capacity, shadow_capacity, shadow_count;
};

LLVMValueRef llvm_shadow_of(struct llvm_shadows *shadows, LLVMValueRef original);

#endif
