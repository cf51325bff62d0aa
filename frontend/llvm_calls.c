/*
 * Calls. A BPF helper is a call of a constant address, its number: it becomes a call of a declared
 * intrinsic. Map helpers get one type each; other helpers keep the types of the source's call.
 */
#include "frontend/llvm_stages.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "ir/helpers.h"
#include "ir/kfuncs.h"
#include "support/arena.h"

#define ARGUMENTS_MAX 5 /* registers r1 to r5 of the BPF calling convention */

struct rewrite {
	struct ir_program *program;
	struct diag *diag;
	LLVMBuilderRef builder;
};

static bool helper_number(LLVMValueRef callee, long long *number)
{
	if (LLVMIsAConstantPointerNull(callee)) {
		*number = 0;
		return true;
	}
	if (!LLVMIsAConstantExpr(callee) || LLVMGetConstOpcode(callee) != LLVMIntToPtr ||
	    !LLVMIsAConstantInt(LLVMGetOperand(callee, 0)))
		return false;
	*number = LLVMConstIntGetSExtValue(LLVMGetOperand(callee, 0));
	return true;
}

/* The declaration of that name and type; another type under the same name gets a suffix. */
static LLVMValueRef declare(struct rewrite *rw, const char *name, LLVMTypeRef type)
{
	LLVMModuleRef module = rw->program->llvm->module;
	const char *full = name;

	for (unsigned n = 2;; n++) {
		LLVMValueRef found = LLVMGetNamedFunction(module, full);

		if (!found)
			return LLVMAddFunction(module, full, type);
		if (LLVMGlobalGetValueType(found) == type)
			return found;
		full = arena_printf(rw->program->arena, "%s.%u", name, n);
	}
}

/* Canonical types of the map helpers; NULL for others. */
static LLVMTypeRef map_helper_type(LLVMContextRef context, const struct ir_helper *helper)
{
	LLVMTypeRef ptr = LLVMPointerTypeInContext(context, 0),
		    i64 = LLVMInt64TypeInContext(context);
	LLVMTypeRef params[] = {ptr, ptr, ptr, i64};

	switch (helper->op) {
	case IR_OP_MAP_LOOKUP:
		return LLVMFunctionType(ptr, params, 2, false);
	case IR_OP_MAP_UPDATE:
		return LLVMFunctionType(i64, params, 4, false);
	case IR_OP_MAP_DELETE:
		return LLVMFunctionType(i64, params, 2, false);
	default:
		return NULL;
	}
}

/* The call's own types, without the variable arguments of trace_printk. */
static LLVMTypeRef call_type(LLVMValueRef call, unsigned count)
{
	LLVMTypeRef params[ARGUMENTS_MAX];

	for (unsigned i = 0; i < count; i++)
		params[i] = LLVMTypeOf(LLVMGetOperand(call, i));
	return LLVMFunctionType(LLVMTypeOf(call), params, count, false);
}

static LLVMValueRef convert(LLVMBuilderRef b, LLVMValueRef value, LLVMTypeRef type)
{
	bool from_pointer = LLVMGetTypeKind(LLVMTypeOf(value)) == LLVMPointerTypeKind;
	bool to_pointer = LLVMGetTypeKind(type) == LLVMPointerTypeKind;

	if (LLVMTypeOf(value) == type)
		return value;
	if (from_pointer && !to_pointer)
		return LLVMBuildPtrToInt(b, value, type, "");
	if (!from_pointer && to_pointer)
		return LLVMBuildIntToPtr(b, value, type, "");
	return LLVMBuildIntCast2(b, value, type, false, "");
}

static void replace_helper(struct rewrite *rw, LLVMValueRef call, const struct ir_helper *helper)
{
	unsigned count = LLVMGetNumArgOperands(call);
	LLVMTypeRef params[ARGUMENTS_MAX], type;
	LLVMValueRef args[ARGUMENTS_MAX], made;

	type = map_helper_type(rw->program->llvm->context, helper);
	if (!type || LLVMCountParamTypes(type) != count)
		type = call_type(call, count);
	LLVMGetParamTypes(type, params);
	LLVMPositionBuilderBefore(rw->builder, call);
	for (unsigned i = 0; i < count; i++)
		args[i] = convert(rw->builder, LLVMGetOperand(call, i), params[i]);
	made = LLVMBuildCall2(rw->builder, type,
			      declare(rw, ir_helper_intrinsic(rw->program->arena, helper), type),
			      args, count, "");
	if (LLVMGetTypeKind(LLVMTypeOf(call)) != LLVMVoidTypeKind)
		LLVMReplaceAllUsesWith(call, convert(rw->builder, made, LLVMTypeOf(call)));
	LLVMInstructionEraseFromParent(call);
}

/* The function that the kernel is to call is there, and of this program. */
static bool has_callback(LLVMValueRef call, const struct ir_helper *helper)
{
	for (unsigned a = 0; a < LLVMGetNumArgOperands(call) && a < ARGUMENTS_MAX; a++)
		if (helper->arguments[a] == IR_ARGUMENT_CALLBACK &&
		    (!LLVMIsAFunction(LLVMGetOperand(call, a)) ||
		     LLVMIsDeclaration(LLVMGetOperand(call, a))))
			return false;
	return true;
}

static int replace_number(struct rewrite *rw, LLVMValueRef call, long long number)
{
	const struct ir_helper *helper = ir_helper_by_number(number);
	struct src_loc loc = frontend_value_loc(rw->program, call);

	const char *foreign = ir_foreign_helper_name(rw->program->kind, number);

	if (foreign)
		return frontend_refuse(
		    rw->program, rw->diag, loc, IR_REASON_FOREIGN_HELPER,
		    arena_printf(rw->program->arena, "%s program call helper %s",
				 rw->program->kind == IR_PROGRAM_TC ? "a TC" : "an XDP", foreign));
	if (!helper)
		return frontend_refuse(rw->program, rw->diag, loc, IR_REASON_UNKNOWN_HELPER,
				       arena_printf(rw->program->arena, "%lld", number));
	if (number == BPF_FUNC_loop || !has_callback(call, helper))
		return frontend_refuse(rw->program, rw->diag, loc, IR_REASON_UNSUPPORTED_CALL,
				       arena_printf(rw->program->arena,
						    "bpf_%s whose callback is not known here",
						    helper->name));
	if (!helper->supported)
		return frontend_refuse(rw->program, rw->diag, loc, IR_REASON_UNSUPPORTED_HELPER,
				       helper->name);
	if (LLVMGetNumArgOperands(call) > ARGUMENTS_MAX) {
		diag_error(rw->diag, loc, "helper %s is called with more than %d arguments",
			   helper->name, ARGUMENTS_MAX);
		return -EINVAL;
	}
	if (helper->op == IR_OP_CLOCK)
		rw->program->uses_clock = true;
	replace_helper(rw, call, helper);
	return 0;
}

/* Compilers' barriers are empty; anything else is BPF machine code. */
static int check_asm(struct rewrite *rw, LLVMValueRef call, LLVMValueRef callee)
{
	size_t length;

	LLVMGetInlineAsmAsmString(callee, &length);
	if (!length)
		return 0;
	return frontend_refuse(rw->program, rw->diag, frontend_value_loc(rw->program, call),
			       IR_REASON_UNSUPPORTED_CALL, "inline assembly");
}

/* A declared function: of LLVM, of a native library, or the kernel's own. */
static int check_declared(struct rewrite *rw, LLVMValueRef call)
{
	const char *name = llvm_kernel_function(call);
	const struct ir_kfunc *known = name ? ir_kfunc_by_name(name) : NULL;

	if (!name || (known && !known->refusal))
		return 0;
	return frontend_refuse(rw->program, rw->diag, frontend_value_loc(rw->program, call),
			       IR_REASON_UNSUPPORTED_CALL,
			       arena_printf(rw->program->arena, "the kernel function %s%s%s%s",
					    name, known ? " (" : "", known ? known->refusal : "",
					    known ? ")" : ""));
}

static int replace_call(struct rewrite *rw, LLVMValueRef call)
{
	LLVMValueRef callee = LLVMGetCalledValue(call);
	long long number;

	if (LLVMIsAFunction(callee))
		return check_declared(rw, call);
	if (LLVMIsAInlineAsm(callee))
		return check_asm(rw, call, callee);
	if (helper_number(callee, &number))
		return replace_number(rw, call, number);
	return frontend_refuse(rw->program, rw->diag, frontend_value_loc(rw->program, call),
			       IR_REASON_INDIRECT_CALL, NULL);
}

/* asm goto, and goto to a computed label. */
static int check_terminator(struct rewrite *rw, LLVMValueRef instruction)
{
	LLVMOpcode opcode = LLVMGetInstructionOpcode(instruction);
	const char *what = opcode == LLVMCallBr       ? "asm goto"
			   : opcode == LLVMIndirectBr ? "goto to a computed label"
						      : NULL;

	if (!what)
		return 0;
	return frontend_refuse(rw->program, rw->diag, frontend_value_loc(rw->program, instruction),
			       IR_REASON_UNSUPPORTED_CALL, what);
}

int frontend_replace_calls(struct ir_program *program, struct diag *diag)
{
	struct rewrite rw = {program, diag, LLVMCreateBuilderInContext(program->llvm->context)};
	LLVMValueRef i = frontend_first_instruction(program->llvm->function), next;
	int err = 0;

	for (; i; i = next) {
		next = frontend_next_instruction(i);
		if (LLVMIsACallInst(i))
			err = replace_call(&rw, i) ?: err;
		else
			err = check_terminator(&rw, i) ?: err;
	}
	LLVMDisposeBuilder(rw.builder);
	return err;
}
