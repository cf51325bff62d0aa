/*
 * LLVM IR from an analysed BPF program, of the form that clang's bitcode has: the program a
 * function of its context in its section, subprograms functions of their own, helpers called by
 * number, maps and global variables LLVM's globals with debug info from the object's BTF.
 *
 * While a function is made, each register is two stack variables, `pointer` for what it holds as a
 * pointer and `number` as a number; a slot of the frame that nobody else reaches likewise. What
 * writes a pointer stores both forms; what writes a number stores no pointer, but null for 0. Reads
 * choose by the analysis. A slot that others reach too is memory, and a variable for the pointers
 * that its function keeps there (frontend/bpf_spills.c). LLVM's mem2reg then makes values of them,
 * and what nobody reads is gone:
 * so pointers stay pointers, through merges and spills, and no number is made a pointer.
 *
 * Only files named llvm_lift*.c include this.
 */
#ifndef CLEAVE_FRONTEND_LLVM_LIFT_H
#define CLEAVE_FRONTEND_LLVM_LIFT_H

#include "frontend/bpf_analysis.h"

#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>

struct lift_register {
	LLVMValueRef pointer, number; /* allocas */
};

struct lift {
	struct arena *arena;
	struct bpf_object *object;
	struct bpf_analysis *analysis;
	struct diag *diag;
	const char *tail_calls; /* as the user says, or NULL */
	LLVMContextRef context;
	LLVMModuleRef module;
	LLVMBuilderRef builder;
	LLVMDIBuilderRef debug;
	LLVMMetadataRef unit, file; /* of the object itself */
	LLVMMetadataRef *types;     /* by number in BTF, when made */
	unsigned type_depth, map_depth;
	LLVMTypeRef ptr, i1, i8, i16, i32, i64;
	LLVMValueRef *maps;            /* by index; NULL until it is needed */
	struct lift_data *data;        /* by index */
	struct lift_program *programs; /* the chosen one first, then those it may call */
	size_t program_count, program_cap;
	LLVMValueRef *functions;      /* by instance of the program that is made */
	LLVMMetadataRef *subprograms; /* by instance */
	struct lift_file *files;      /* by name */
	size_t file_count, file_cap;
};

struct lift_program {
	struct bpf_analysis *analysis;
	LLVMValueRef *functions;
	LLVMMetadataRef *subprograms;
};

/* A section of data: a global for each variable, or one for all of it. */
struct lift_data {
	LLVMValueRef *variables;
	LLVMValueRef whole;
	bool undivided; /* no variable of its own can stand for a place in it */
};

struct lift_file {
	const char *name;
	LLVMMetadataRef file;
};

/* One function while it is made. */
struct lift_function {
	struct lift *lift;
	int instance;
	const struct bpf_instance *info;
	LLVMValueRef function;
	struct lift_register reg[BPF_FRAME_REGISTER], slot[BPF_SLOTS];
	LLVMValueRef spill[BPF_SLOTS]; /* variable for the pointers of a slot that is memory */
	LLVMValueRef frame;            /* memory of the stack, or NULL */
	int64_t frame_bytes;
	LLVMBasicBlockRef *blocks; /* by number in the graph */
	struct bpf_state *state;   /* before the instruction that is made */
	uint32_t at;
};

/* Reports at the instruction that is made; returns -EINVAL. */
int lift_refuse(struct lift_function *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- values (llvm_lift_values.c) ---- */
LLVMValueRef lift_constant(struct lift *lift, int64_t number);
/* What a register holds, as a number or as a pointer (also of NULL, and inttoptr in emergency). */
LLVMValueRef lift_number(struct lift_function *f, unsigned reg);
LLVMValueRef lift_pointer(struct lift_function *f, unsigned reg);
void lift_set(struct lift_function *f, unsigned reg, LLVMValueRef value);
void lift_copy(struct lift_function *f, const struct lift_register *to,
	       const struct lift_register *from);
void lift_store_register(struct lift_function *f, const struct lift_register *to,
			 LLVMValueRef value);
void lift_set_null(struct lift_function *f, unsigned reg);
struct bpf_value lift_value_of(const struct lift_function *f, unsigned reg);
/* pointer + offset */
LLVMValueRef lift_offset(struct lift_function *f, LLVMValueRef pointer, LLVMValueRef offset);

/* ---- instructions ---- */
int lift_arithmetic(struct lift_function *f, const struct bpf_instruction *i);
int lift_load(struct lift_function *f, const struct bpf_instruction *i);
int lift_store(struct lift_function *f, const struct bpf_instruction *i);
void lift_expand_pointers(struct lift *lift);
int lift_atomic(struct lift_function *f, const struct bpf_instruction *i);
int lift_wide_load(struct lift_function *f, const struct bpf_instruction *i);
/* callback: the instance that the helper calls back, or -1. */
int lift_helper(struct lift_function *f, const struct bpf_instruction *i, int callback);
int lift_call(struct lift_function *f, uint32_t block);
/* A function of the kernel's own; NULL: it is none, or not described. In llvm_lift_kfuncs.c. */
LLVMValueRef lift_kfunc(struct lift *lift, const char *name);
int lift_kfunc_call(struct lift_function *f, const struct bpf_instruction *i, int callback);
/* Puts the function that was made for the callback of this call among its arguments. */
int lift_set_callback(struct lift_function *f, const struct bpf_instruction *i, int callback,
		      LLVMValueRef *values);
/* The comparison of a conditional jump, i1. */
LLVMValueRef lift_condition(struct lift_function *f, const struct bpf_instruction *i);

/* ---- functions ---- */
/* Analyses the program and all that it may reach by tail calls. */
int lift_find_programs(struct lift *lift, struct bpf_function *program);
/* Maps that the user says contents of, whether a program uses them or not. */
void lift_named_maps(struct lift *lift);
/* The program that an array of programs begins with, once it is declared; or NULL. */
LLVMValueRef lift_program_of(struct lift *lift, const struct bpf_reference *reference);
int lift_declare(struct lift *lift);
int lift_define(struct lift *lift, int instance);
bool lift_returns_pointer(const struct bpf_instance *instance);

/* ---- maps, data, debug info ---- */
LLVMValueRef lift_map(struct lift *lift, int index);
/* A variable of `.kconfig`, a constant; NULL: it has no value (reported). */
LLVMValueRef lift_extern(struct lift_function *f, const char *name);
/* What stands for the address of a function until a helper gets it. */
LLVMValueRef lift_code_place(struct lift *lift);
LLVMValueRef lift_data_place(struct lift *lift, int index, int64_t offset);
int lift_make_data(struct lift *lift);
LLVMMetadataRef lift_type(struct lift *lift, uint32_t id);
LLVMMetadataRef lift_map_type(struct lift *lift, const uint32_t *numbers);
LLVMMetadataRef lift_bytes_type(struct lift *lift, uint32_t size);
LLVMMetadataRef lift_file_of(struct lift *lift, const char *name);
void lift_describe_global(struct lift *lift, LLVMValueRef global, const char *name, bool local,
			  LLVMMetadataRef type);
void lift_begin_debug(struct lift *lift);
void lift_describe_function(struct lift *lift, int instance);
void lift_set_place(struct lift_function *f);

#endif
