/*
 * What lies in stack objects: the memory view of llvm_pointer_region.
 *
 * A pointer that was stored on the stack (a struct of packet pointers whose address was taken, a
 * cursor, a volatile variable) comes back by a load. For each word of 8 bytes of each object, the
 * values that some store of the program puts there are kept, whatever the order in which they run;
 * copies between objects carry them along. So what a load can give is one of those values, if
 * nothing else writes there.
 *
 * Sound by these rules: what is written of another size, or at another place, or by a helper, or
 * through a pointer that may go anywhere, makes the words it may hit unknown; an object that only
 * its own name leads to (not exposed) is hit by nothing but what names it. Words that nobody writes
 * are undefined, and say nothing.
 */
#ifndef CLEAVE_IR_LLVM_SLOTS_H
#define CLEAVE_IR_LLVM_SLOTS_H

#include "ir/llvm_ir.h"

enum { LLVM_SLOT_VALUES_MAX = 16, LLVM_SLOT_BYTES = 8 };

/* What a word, or one of several, can hold. */
struct llvm_slot_values {
	LLVMValueRef value[LLVM_SLOT_VALUES_MAX];
	size_t count;
	bool zero;     /* or all bits zero */
	bool unknown;  /* or something else */
	bool pointers; /* and part of a pointer may be in it all the same */
};

/* Fills program->llvm->slots in; the graph's blocks are there. */
void llvm_find_slots(struct ir_program *program);

/*
 * What a load can give. False: it is not from the stack, or nothing is known of the stack. `whole`:
 * it takes the words as they were stored; else a part of one, or of several.
 */
bool llvm_slot_load(const struct ir_program *program, LLVMValueRef load,
		    struct llvm_slot_values *values, bool *whole);

/* May that byte of a stack object be part of a pointer? */
bool llvm_slot_has_pointer(const struct ir_program *program, LLVMValueRef alloca, uint64_t byte);

#endif
