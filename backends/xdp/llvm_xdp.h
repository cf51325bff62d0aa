/* Between the files of the XDP backend. */
#ifndef CLEAVE_BACKENDS_XDP_LLVM_XDP_H
#define CLEAVE_BACKENDS_XDP_LLVM_XDP_H

#include "backends/llvm_clone.h"
#include "ir/helpers.h"

/* Intrinsics become context loads, helper calls and calls of kernel_rt.bpf.c. */
void llvm_lower_to_xdp(struct llvm_clone *clone);

/*
 * Check builds: before a helper call, the call of kernel_rt.bpf.c that stands in for it: clocks
 * and random numbers come from struct cleave_replay_inputs, redirects are noted. NULL: none does.
 */
LLVMValueRef llvm_replay_helper(struct llvm_clone *clone, LLVMValueRef call,
				const struct ir_helper *helper);

/*
 * Every verdict of the program as it is now is counted, when the agent asks for it. Before the
 * cuts: what is handed over there is no verdict.
 */
void llvm_count_verdicts(struct llvm_clone *clone);

/*
 * Programs that call each other are one function in the graph. Before the cuts: it asks which
 * program runs. At the end: a program of the source's name for each that the kernel part has.
 */
void llvm_choose_program(struct llvm_clone *clone);
int llvm_split_programs(struct llvm_clone *clone, struct diag *diag);
/* The kernel part's programs by number, as functions of its module; NULL behind the last. */
LLVMValueRef llvm_kernel_program(const struct llvm_clone *clone, size_t number);
/* Makes it the function that is worked on. */
void llvm_take_function(struct llvm_clone *clone, LLVMValueRef function);
/* The lowering of cleave.tail.*, and of a tail call; false for other intrinsics. */
bool llvm_lower_tail_call(struct llvm_clone *clone, LLVMValueRef call, const char *name,
			  LLVMValueRef *now);

/* Of clang's own module: only what the program reaches stays after the next pass. */
void llvm_reduce_to_program(struct llvm_clone *clone);

/* The array of a `shared values` map's slots: a global by the name cv_MAP, declared on first use.
 */
LLVMValueRef llvm_values_map(struct llvm_clone *clone, int map);
/* `u32 cleave_claim_N(void)`: the index of a slot that is now the caller's to fill in, or ~0. */
LLVMValueRef llvm_claim_function(struct llvm_clone *clone, int map);
/* After linking the run-time part: what those functions do. */
void llvm_fill_claims(struct llvm_clone *clone);
uint32_t llvm_values_slots(const struct ir_map *map);
uint32_t llvm_value_offset(const struct ir_map *map);

/*
 * Gives the maps the definitions that their homes ask for (flags, value sizes), with BTF, and
 * drops those that have no home in the kernel.
 */
void llvm_define_maps(struct llvm_clone *clone);
/* Likewise what the user says of them, where the program is taken as it stands. */
void llvm_complete_maps(struct llvm_clone *clone);

/* Check builds of TC programs: before each return, the context goes where check finds it. */
void llvm_note_context(struct llvm_clone *clone);
/* TC, where there are cuts: packets that user has decided about are dealt with first. */
void llvm_resume_at_start(struct llvm_clone *clone);

/* Before the first pass: tests for NULL of packet pointers stay what they are. */
void llvm_keep_null_tests(struct llvm_clone *clone);
/* A packet pointer that was moved by a number stays one pointer; before any pass. */
void llvm_keep_moved_pointers(struct llvm_clone *clone);
/* After the last pass: checks and differences of packet pointers as the verifier follows them. */
void llvm_keep_habits(struct llvm_clone *clone);
/*
 * A sum in which a number is added to one of two packet pointers whose difference it is: takes the
 * difference first and returns it. NULL: it is none.
 */
LLVMValueRef llvm_take_difference_first(struct llvm_clone *clone, LLVMValueRef sum);
/* After the last pass: no stack object shares a slot of 8 bytes with what LLVM keeps there. */
void llvm_fill_stack_slots(struct llvm_clone *clone);
/* Places in the source that work on the largest object on the stack; how many. */
size_t llvm_find_stack_places(struct llvm_clone *clone, struct src_loc **places);

/* The cases of the program that writes user's events, when a map needs it. */
void llvm_build_outputs(struct llvm_clone *clone);

/* The batch program's cases, when a map needs it. */
void llvm_build_batch(struct llvm_clone *clone);

#endif
