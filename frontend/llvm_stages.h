/*
 * The steps of frontend_load, in order. Only files named llvm_*.c include this.
 *
 * Each works on program->llvm->module, returns 0 or a negative errno and has then reported every
 * fault that it found, with its line.
 */
#ifndef CLEAVE_FRONTEND_LLVM_STAGES_H
#define CLEAVE_FRONTEND_LLVM_STAGES_H

#include "frontend/frontend.h"
#include "ir/ir.h"
#include "ir/llvm_ir.h"

/* What a pair has in common stays where both find it: see llvm_pair.c. */
void frontend_keep_shared(struct ir_program *program);
bool frontend_is_shared(const struct ir_program *program, LLVMValueRef global);
/*
 * Gives functions whose section says nothing the section of what they are. Returns the name of the
 * wanted one, which source->program may name by its section; NULL: none is wanted.
 */
const char *frontend_name_programs(struct arena *arena, LLVMModuleRef module,
				   const struct frontend_source *source);
/* Finds the XDP program (name: the wanted one, or NULL) and sets llvm->function. */
int frontend_choose_program(struct ir_program *program, const char *name, struct diag *diag);
/* -EAGAIN when there is BPF assembly in it and an object to read instead: see llvm_assembly.c. */
int frontend_leave_assembly(struct ir_program *program, struct diag *diag);
/* Helpers that call back become loops: see llvm_callbacks.c. */
int frontend_expand_callbacks(struct ir_program *program, struct diag *diag);
/* Programs that call each other by bpf_tail_call become one function: see llvm_tail_calls.c. */
int frontend_join_programs(struct ir_program *program, struct diag *diag);
/* The same after inlining, which it needs. */
int frontend_link_tail_calls(struct ir_program *program, struct diag *diag);
/* Notes in the arrays of programs what they hold. */
int frontend_note_tail_calls(struct ir_program *program, struct diag *diag);
void frontend_forget_programs(LLVMValueRef map);
/* The only XDP program that no array of programs is known to hold, or NULL. */
LLVMValueRef frontend_find_uncalled(struct ir_program *program, struct diag *diag);
/* A function with a body that can be attached to an interface; of the chosen program's kind, once
 * there is one. */
bool frontend_is_program(const struct ir_program *program, LLVMValueRef function);
bool frontend_is_map(LLVMValueRef global);
/* Inlines all that the program reaches and deletes the rest. */
int frontend_inline_calls(struct ir_program *program, struct diag *diag);
/* Field offsets that clang left to be relocated against the running kernel become constants. */
int frontend_fold_offsets(struct ir_program *program, struct diag *diag);
/* Is it the offset of a field in an object of the kernel's own, to be relocated? */
bool frontend_is_kernel_offset(LLVMValueRef global);
/* Context loads become intrinsics; afterwards only intrinsics use the context parameter. */
int frontend_replace_context(struct ir_program *program, struct diag *diag);
/* Loads of the context's address from structs on the stack give way to it. */
void frontend_forward_context(struct ir_program *program);
/* Packet addresses that went through 32-bit numbers become pointers again, or are refused. */
int frontend_rebuild_addresses(struct ir_program *program, struct diag *diag);
/* Helper calls become intrinsics; other calls are checked. */
int frontend_replace_calls(struct ir_program *program, struct diag *diag);
/* Maps, globals and licence. */
int frontend_collect_globals(struct ir_program *program, struct diag *diag);
int frontend_expand_map_choices(struct ir_program *program, struct diag *diag);
int frontend_check_map_uses(struct ir_program *program, struct diag *diag);
/* Callbacks that stay the kernel's: see llvm_kept_callbacks.c. */
int frontend_note_callbacks(struct ir_program *program, struct diag *diag);
/* Of a map's definition, before the definitions are read; 0: not known. */
uint32_t frontend_map_type(struct ir_program *program, LLVMValueRef global);
/* The bounds of loops over all of a map, which are known only now. */
int frontend_size_maps(struct ir_program *program, struct diag *diag);

/* Runs passes of LLVM over the module; returns 0 or -EIO (reported). */
int frontend_run_passes(struct ir_program *program, const char *passes, struct diag *diag);
/* Where an instruction or global variable stands in the source; the innermost place. */
struct src_loc frontend_value_loc(const struct ir_program *program, LLVMValueRef value);
/* Reports a reason of ir/reasons.def with its detail and returns -EINVAL. */
int frontend_refuse(struct ir_program *program, struct diag *diag, struct src_loc loc,
		    enum ir_reason reason, const char *detail);
/* Constant byte offset of a GEP (its indices start at operand `first`) over `type`. */
bool frontend_constant_offset(LLVMModuleRef module, LLVMTypeRef type, LLVMValueRef gep,
			      unsigned first, unsigned end, int64_t *offset);

/*
 * An object with the module's maps and their BTF but without code. Returned bytes belong to
 * *buffer, which the caller disposes of.
 */
int frontend_emit_maps_object(struct ir_program *program, LLVMMemoryBufferRef *buffer,
			      struct diag *diag);

/* The instruction after this one in the function, across blocks. */
LLVMValueRef frontend_next_instruction(LLVMValueRef instruction);
LLVMValueRef frontend_first_instruction(LLVMValueRef function);

#endif
