/*
 * Callbacks that stay functions of their own, because the kernel alone calls them: a timer's, one
 * for each element of a hash, one for each record of a user ring buffer. The call that names such a
 * function is the kernel's, and what the function touches is the kernel's too: it may run at any
 * time, and no packet leaves in the middle of it. So its maps are pinned (ir_map.callback), and its
 * variables count as touched where the call stands (llvm_callback_uses in ir/llvm_callbacks.c).
 */
#include "frontend/llvm_stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/btf_maps.h"
#include "ir/helpers.h"
#include "ir/kfuncs.h"
#include "support/arena.h"

uint32_t frontend_map_type(struct ir_program *program, LLVMValueRef global)
{
	struct diag quiet = {0};
	LLVMMemoryBufferRef object = NULL;
	struct ir_map map = {0};
	size_t length;
	char *messages = NULL;
	size_t size = 0;

	map.name = LLVMGetValueName2(global, &length);
	quiet.out = open_memstream(&messages, &size);
	if (!quiet.out)
		return 0;
	/* What is wrong with the map is said once all of them are read. */
	if (!frontend_emit_maps_object(program, &object, &quiet)) {
		frontend_read_map_definitions(program, LLVMGetBufferStart(object),
					      LLVMGetBufferSize(object), &map, 1, &quiet);
		LLVMDisposeMemoryBuffer(object);
	}
	fclose(quiet.out);
	free(messages);
	return map.type;
}

/* What a callback may not do, as far as the program around it would have to know of it. */
static const char *refused_call(const struct ir_helper *helper)
{
	switch (helper->op) {
	case IR_OP_PKT_RESIZE:
	case IR_OP_REDIRECT:
	case IR_OP_TAIL_CALL:
		return helper->name;
	default:
		return NULL;
	}
}

struct note {
	struct ir_program *program;
	struct diag *diag;
	const char *callback;
	LLVMValueRef *seen;
	size_t seen_count, seen_cap;
};

static int note_function(struct note *note, LLVMValueRef function);

static int refuse(struct note *note, LLVMValueRef call, enum ir_reason reason, const char *detail)
{
	return frontend_refuse(note->program, note->diag, frontend_value_loc(note->program, call),
			       reason, detail);
}

static int check_helper(struct note *note, LLVMValueRef call, long number)
{
	const struct ir_program *program = note->program;
	const struct ir_helper *helper = ir_helper_by_number(number);
	const char *foreign = ir_foreign_helper_name(program->kind, number);

	if (foreign)
		return refuse(note, call, IR_REASON_FOREIGN_HELPER,
			      arena_printf(program->arena, "%s program call helper %s",
					   ir_program_kind_text(program->kind), foreign));
	if (!helper)
		return refuse(note, call, IR_REASON_UNKNOWN_HELPER,
			      arena_printf(program->arena, "%ld", number));
	if (!helper->supported)
		return refuse(note, call, IR_REASON_UNSUPPORTED_HELPER, helper->name);
	if (refused_call(helper))
		return refuse(note, call, IR_REASON_UNSUPPORTED_CALL,
			      arena_printf(program->arena, "bpf_%s in the callback %s",
					   helper->name, note->callback));
	return 0;
}

static int check_call(struct note *note, LLVMValueRef call)
{
	LLVMValueRef callee = LLVMGetCalledValue(call);
	const char *name = llvm_kernel_function(call);
	const struct ir_kfunc *known = name ? ir_kfunc_by_name(name) : NULL;

	if (LLVMIsAConstantExpr(callee) && LLVMGetConstOpcode(callee) == LLVMIntToPtr &&
	    LLVMIsAConstantInt(LLVMGetOperand(callee, 0)))
		return check_helper(note, call,
				    (long)LLVMConstIntGetZExtValue(LLVMGetOperand(callee, 0)));
	if (name && (!known || known->refusal))
		return refuse(note, call, IR_REASON_UNSUPPORTED_CALL,
			      arena_printf(note->program->arena, "the kernel function %s", name));
	if (LLVMIsAFunction(callee) && !LLVMIsDeclaration(callee))
		return note_function(note, callee);
	return 0;
}

static int note_operand(struct note *note, LLVMValueRef value)
{
	struct ir_program *program = note->program;
	int err = 0;

	if (LLVMIsAFunction(value))
		return LLVMIsDeclaration(value) ? 0 : note_function(note, value);
	for (size_t m = 0; m < program->map_count; m++)
		if (program->maps[m].value == value)
			program->maps[m].callback = note->callback;
	if (LLVMIsAConstantExpr(value))
		for (int o = 0; o < LLVMGetNumOperands(value); o++)
			err = note_operand(note, LLVMGetOperand(value, (unsigned)o)) ?: err;
	return err;
}

static int note_instruction(struct note *note, LLVMValueRef i)
{
	bool call = LLVMIsACallInst(i);
	int count = call ? (int)LLVMGetNumArgOperands(i) : LLVMGetNumOperands(i);
	int err = call ? check_call(note, i) : 0;

	for (int o = 0; o < count; o++)
		if (!LLVMValueIsBasicBlock(LLVMGetOperand(i, (unsigned)o)))
			err = note_operand(note, LLVMGetOperand(i, (unsigned)o)) ?: err;
	return err;
}

static int note_function(struct note *note, LLVMValueRef function)
{
	LLVMValueRef i = frontend_first_instruction(function);
	int err = 0;

	for (size_t s = 0; s < note->seen_count; s++)
		if (note->seen[s] == function)
			return 0;
	*ARENA_PUSH(note->program->arena, note->seen, note->seen_count, note->seen_cap) = function;
	for (; i; i = frontend_next_instruction(i))
		err = note_instruction(note, i) ?: err;
	return err;
}

/* The map that the call walks over belongs to the kernel as well: its values are the callback's. */
static int note_call(struct note *note, LLVMValueRef call, LLVMValueRef callback)
{
	size_t length;
	bool inner;
	int map = llvm_call_map(note->program, call, &inner);

	note->callback = arena_strdup(note->program->arena, LLVMGetValueName2(callback, &length));
	note->seen_count = 0;
	if (map != IR_NONE)
		note->program->maps[map].callback = note->callback;
	return note_function(note, callback);
}

int frontend_note_callbacks(struct ir_program *program, struct diag *diag)
{
	struct note note = {.program = program, .diag = diag};
	LLVMValueRef i = frontend_first_instruction(program->llvm->function);
	int err = 0;

	for (; i; i = frontend_next_instruction(i)) {
		LLVMValueRef callback = llvm_call_callback(i);

		if (callback)
			err = note_call(&note, i, callback) ?: err;
	}
	return err;
}
