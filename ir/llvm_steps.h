/* Between the files that judge loops: a value of a loop's header, and what a round adds to it. */
#ifndef CLEAVE_IR_LLVM_STEPS_H
#define CLEAVE_IR_LLVM_STEPS_H

#include <llvm-c/Core.h>
#include <stdbool.h>
#include <stdint.h>

struct induction {
	LLVMValueRef phi;
	bool start_known;
	bool uneven; /* steps differ, all of one sign; `step` is the least */
	int64_t start, step;
	uint64_t start_max;
};

/* Without extensions and truncations. */
LLVMValueRef ir_peel_casts(LLVMValueRef value);
/* Notes the steps from iv->phi to `value` and `sum`; false: not all are numbers of one sign. */
bool ir_read_steps(struct induction *iv, LLVMValueRef value, int64_t sum, unsigned depth);
/* The phi of the header that `value` is a number, or one of several, away from; or NULL. */
LLVMValueRef ir_induced_by(LLVMValueRef value, LLVMBasicBlockRef header, unsigned depth);

/*
 * Rounds of a loop that folds a sum until no more than its low part is left, which `test` is about;
 * 0: it is none.
 */
uint64_t ir_fold_trips(LLVMValueRef test, bool leaves_when, LLVMBasicBlockRef header);

#endif
