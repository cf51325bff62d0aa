/*
 * A copy of the program's module that a backend may change, with the way from an original value to
 * its copy, and a builder with the few shorthands that backends use.
 */
#ifndef CLEAVE_BACKENDS_LLVM_CLONE_H
#define CLEAVE_BACKENDS_LLVM_CLONE_H

#include "backends/handoff.h"
#include "ir/llvm_ir.h"
#include "partitioner/plan.h"

struct llvm_clone {
	const struct plan *plan;
	const struct ir_program *program;
	struct arena *arena;
	LLVMContextRef context;
	LLVMModuleRef module;
	LLVMValueRef function, packet; /* packet: its parameter */
	LLVMBuilderRef builder;
	LLVMTypeRef i8, i16, i32, i64, ptr, none;
	struct llvm_clone_entry *table; /* original -> copy */
	size_t mask;
	bool native; /* everything in one process: maps are the runtime's, whatever their home */
	bool replay_inputs; /* clocks and random numbers come from struct cleave_replay_inputs */
	bool first_cpu;     /* for the BPF CPU v1 */
};

/* Copies the module of plan->program. Disposed of with llvm_clone_free. */
struct llvm_clone *llvm_clone_new(const struct plan *plan);
void llvm_clone_free(struct llvm_clone **clone);

/* The copy of an instruction, global or argument; constants are their own. */
LLVMValueRef llvm_clone_value(const struct llvm_clone *clone, LLVMValueRef original);
/* `now` takes the place of a copy, which is erased. */
void llvm_clone_replace(struct llvm_clone *clone, LLVMValueRef copy, LLVMValueRef now);
LLVMBasicBlockRef llvm_clone_block(const struct llvm_clone *clone, int block);

LLVMValueRef llvm_u32(const struct llvm_clone *clone, uint64_t n);
LLVMValueRef llvm_u64(const struct llvm_clone *clone, uint64_t n);
/* base + offset bytes. */
LLVMValueRef llvm_at(struct llvm_clone *clone, LLVMValueRef base, int64_t offset);
/* A stack object of `bytes`, aligned to 8, at the function's start. */
LLVMValueRef llvm_stack(struct llvm_clone *clone, uint64_t bytes, const char *name);
/*
 * The same value, but not to LLVM: an empty assembly statement, as the kernel's own barrier_var.
 */
LLVMValueRef llvm_opaque(struct llvm_clone *clone, LLVMValueRef value);
/* Calls the run-time function `name`, declaring it by the arguments' types on first use. */
LLVMValueRef llvm_call(struct llvm_clone *clone, const char *name, LLVMTypeRef result,
		       LLVMValueRef *arguments, unsigned count);
/* Zeroes of a stack object (original alloca), at the function's start. */
void llvm_clear_object(struct llvm_clone *clone, LLVMValueRef original);
/*
 * Stack objects live from start to end: once there are cuts their lifetimes are not what the source
 * says. After a lifetime's start the bytes are undefined to LLVM, whatever was stored before; and
 * objects whose lifetimes do not meet may share their place, also where both are restored.
 */
void llvm_drop_lifetimes(struct llvm_clone *clone);
/* The same of one (original) only. */
void llvm_drop_lifetime(struct llvm_clone *clone, LLVMValueRef original);
/* A packet-local map's only element, by a look-up. */
LLVMValueRef llvm_local_element(struct llvm_clone *clone, int map);
void llvm_copy(struct llvm_clone *clone, LLVMValueRef to, unsigned to_align, LLVMValueRef from,
	       unsigned from_align, uint64_t bytes);
/* Alignment that is known of a pointer into the program's memory (original value), at least 1. */
unsigned llvm_known_align(const struct llvm_clone *clone, LLVMValueRef original);

/* Everything that is inserted gets this place, so that inlining keeps debug info valid. */
void llvm_set_place(struct llvm_clone *clone, LLVMValueRef near);

/* Links run-time bitcode in, makes it internal, and runs passes. 0 or a negative errno, reported.
 */
int llvm_link_bitcode(struct llvm_clone *clone, const unsigned char *bytes, size_t size,
		      struct diag *diag);
/* Deletes blocks that the start does not reach. Original values may have no copy afterwards. */
int llvm_drop_unreachable(struct llvm_clone *clone, struct diag *diag);
int llvm_run_passes(LLVMModuleRef module, const char *passes, void *target_machine,
		    struct diag *diag);

#endif
