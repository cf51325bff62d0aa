/*
 * Loads from and stores to the context (struct xdp_md, struct __sk_buff) become intrinsics.
 *
 *     %5 = load i32, ptr %ctx            %d = call ptr @cleave.pkt.data(ptr %ctx)
 *     %6 = zext i32 %5 to i64       →
 *     %7 = inttoptr i64 %6 to ptr        (uses of %7 use %d)
 *
 * One call stands at the place of each load, because adjusting head or tail changes what the next
 * load yields. Arithmetic on the 32-bit value goes through ptrtoint.
 */
#include "frontend/llvm_stages.h"

#include <errno.h>
#include <llvm-c/Target.h>
#include <stddef.h>
#include <string.h>

#include "ir/context_fields.h"
#include "support/arena.h"

#define PASSES_ALONE "function(sroa,early-cse,simplifycfg)"

struct rewrite {
	struct ir_program *program;
	struct diag *diag;
	LLVMBuilderRef builder;
	LLVMTypeRef ptr, i32, i64;
};

static LLVMValueRef context_of(struct ir_program *program)
{
	return LLVMGetParam(program->llvm->function, 0);
}

static int refuse(struct rewrite *rw, LLVMValueRef at, const char *what)
{
	return frontend_refuse(rw->program, rw->diag, frontend_value_loc(rw->program, at),
			       IR_REASON_UNSUPPORTED_CALL, what);
}

static LLVMValueRef declare(struct rewrite *rw, const char *name, LLVMTypeRef type)
{
	LLVMValueRef callee = LLVMGetNamedFunction(rw->program->llvm->module, name);

	return callee ? callee : LLVMAddFunction(rw->program->llvm->module, name, type);
}

static LLVMTypeRef field_type(struct rewrite *rw, const struct ir_context_field *field)
{
	return field->kind == IR_CONTEXT_POINTER
		   ? rw->ptr
		   : LLVMIntTypeInContext(rw->program->llvm->context, 8 * field->bytes);
}

static LLVMValueRef call_intrinsic(struct rewrite *rw, const struct ir_context_field *field)
{
	LLVMTypeRef type = LLVMFunctionType(field_type(rw, field), &rw->ptr, 1, false);
	LLVMValueRef context = context_of(rw->program);

	return LLVMBuildCall2(rw->builder, type, declare(rw, field->read, type), &context, 1, "");
}

/* Uses of a widened packet pointer: back to a pointer, or arithmetic. */
static void replace_wide(struct rewrite *rw, LLVMValueRef wide, LLVMValueRef pointer)
{
	LLVMUseRef use = LLVMGetFirstUse(wide);

	while (use) {
		LLVMValueRef user = LLVMGetUser(use);

		use = LLVMGetNextUse(use);
		if (!LLVMIsAIntToPtrInst(user))
			continue;
		LLVMReplaceAllUsesWith(user, pointer);
		LLVMInstructionEraseFromParent(user);
	}
	if (LLVMGetFirstUse(wide))
		LLVMReplaceAllUsesWith(
		    wide, LLVMBuildPtrToInt(rw->builder, pointer, LLVMTypeOf(wide), ""));
	LLVMInstructionEraseFromParent(wide);
}

/* The builder stands just before the load, so what it makes follows the call. */
static void replace_pointer_load(struct rewrite *rw, LLVMValueRef load, LLVMValueRef pointer)
{
	LLVMUseRef use = LLVMGetFirstUse(load);

	while (use) {
		LLVMValueRef user = LLVMGetUser(use);

		use = LLVMGetNextUse(use);
		if (LLVMIsAZExtInst(user) && LLVMTypeOf(user) == rw->i64)
			replace_wide(rw, user, pointer);
		else if (LLVMIsAIntToPtrInst(user)) {
			LLVMReplaceAllUsesWith(user, pointer);
			LLVMInstructionEraseFromParent(user);
		}
	}
	if (LLVMGetFirstUse(load))
		LLVMReplaceAllUsesWith(
		    load, LLVMBuildTrunc(rw->builder,
					 LLVMBuildPtrToInt(rw->builder, pointer, rw->i64, ""),
					 rw->i32, ""));
}

/* A part of a field: the little-endian bytes from `skip` on. */
static LLVMValueRef narrow(struct rewrite *rw, LLVMValueRef value, unsigned skip, LLVMTypeRef type)
{
	if (LLVMGetTypeKind(LLVMTypeOf(value)) == LLVMPointerTypeKind)
		value = LLVMBuildTrunc(
		    rw->builder, LLVMBuildPtrToInt(rw->builder, value, rw->i64, ""), rw->i32, "");
	if (skip)
		value = LLVMBuildLShr(rw->builder, value,
				      LLVMConstInt(LLVMTypeOf(value), 8ull * skip, false), "");
	return LLVMBuildTruncOrBitCast(rw->builder, value, type, "");
}

/* A value of `type` at `offset` of the context, made before instruction `at`. */
static int replace_load(struct rewrite *rw, LLVMValueRef load, int64_t offset)
{
	LLVMTypeRef type = LLVMTypeOf(load);
	unsigned bits =
	    LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) : 0;
	const struct ir_context_field *field =
	    bits % 8 ? NULL : ir_context_field_at(rw->program->kind, offset, bits / 8);
	LLVMValueRef value;

	if (!bits || !field)
		return refuse(rw, load,
			      arena_printf(rw->program->arena,
					   "reading bytes %lld of the context this way",
					   (long long)offset));
	if (!LLVMGetFirstUse(load)) {
		LLVMInstructionEraseFromParent(load);
		return 0;
	}
	LLVMPositionBuilderBefore(rw->builder, load);
	value = call_intrinsic(rw, field);
	if (bits != 8 * field->bytes)
		LLVMReplaceAllUsesWith(load,
				       narrow(rw, value, (unsigned)(offset - field->offset), type));
	else if (field->kind == IR_CONTEXT_POINTER)
		replace_pointer_load(rw, load, value);
	else
		LLVMReplaceAllUsesWith(load, value);
	LLVMInstructionEraseFromParent(load);
	return 0;
}

static int replace_store(struct rewrite *rw, LLVMValueRef store, int64_t offset)
{
	LLVMValueRef value = LLVMGetOperand(store, 0), arguments[2] = {context_of(rw->program)};
	LLVMTypeRef type = LLVMTypeOf(value), parameters[2] = {rw->ptr};
	unsigned bits =
	    LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) : 0;
	const struct ir_context_field *field =
	    bits % 8 ? NULL : ir_context_field_at(rw->program->kind, offset, bits / 8);

	if (!bits || !field || !field->write || bits != 8 * field->bytes)
		return refuse(rw, store, "writing to the context");
	LLVMPositionBuilderBefore(rw->builder, store);
	arguments[1] = value;
	parameters[1] = field_type(rw, field);
	type = LLVMFunctionType(LLVMVoidTypeInContext(rw->program->llvm->context), parameters, 2,
				false);
	LLVMBuildCall2(rw->builder, type, declare(rw, field->write, type), arguments, 2, "");
	LLVMInstructionEraseFromParent(store);
	return 0;
}

/* load(select c, a, b) is select c, load a, load b: reading the context has no effect. */
static void split_select_load(struct rewrite *rw, LLVMValueRef load, LLVMValueRef select)
{
	LLVMValueRef arms[2];

	LLVMPositionBuilderBefore(rw->builder, load);
	for (unsigned i = 0; i < 2; i++)
		arms[i] = LLVMBuildLoad2(rw->builder, LLVMTypeOf(load),
					 LLVMGetOperand(select, i + 1), "");
	LLVMReplaceAllUsesWith(
	    load, LLVMBuildSelect(rw->builder, LLVMGetOperand(select, 0), arms[0], arms[1], ""));
	LLVMInstructionEraseFromParent(load);
}

static int split_select(struct rewrite *rw, LLVMValueRef select)
{
	LLVMUseRef use;

	while ((use = LLVMGetFirstUse(select))) {
		LLVMValueRef user = LLVMGetUser(use);

		if (!LLVMIsALoadInst(user))
			return refuse(rw, select, "choosing between addresses in the context");
		split_select_load(rw, user, select);
	}
	LLVMInstructionEraseFromParent(select);
	return 0;
}

static bool named_call(LLVMValueRef user, const char *prefix)
{
	LLVMValueRef callee = LLVMIsACallInst(user) ? LLVMGetCalledValue(user) : NULL;
	size_t length;

	return callee && LLVMIsAFunction(callee) &&
	       !strncmp(LLVMGetValueName2(callee, &length), prefix, strlen(prefix));
}

static bool helper_call(LLVMValueRef user)
{
	LLVMValueRef callee = LLVMIsACallInst(user) ? LLVMGetCalledValue(user) : NULL;

	return callee && (LLVMIsAConstantExpr(callee) || named_call(user, "cleave.") ||
			  llvm_kernel_function(user));
}

static int replace_uses(struct rewrite *rw, LLVMValueRef address, int64_t offset);

static int replace_alias(struct rewrite *rw, LLVMValueRef alias, int64_t offset)
{
	int err = replace_uses(rw, alias, offset);

	if (!err && !LLVMGetFirstUse(alias))
		LLVMInstructionEraseFromParent(alias);
	return err;
}

/* llvm.bpf.getelementptr.and.load(ptr, volatile, order, scope, align, inbounds, indices...) */
static int replace_element_load(struct rewrite *rw, LLVMValueRef call, int64_t offset)
{
	static const unsigned indices = 6;
	unsigned kind = LLVMGetEnumAttributeKindForName("elementtype", 11);
	LLVMAttributeRef attribute = LLVMGetCallSiteEnumAttribute(call, 1, kind);

	if (!attribute || !frontend_constant_offset(rw->program->llvm->module,
						    LLVMGetTypeAttributeValue(attribute), call,
						    indices, LLVMGetNumArgOperands(call), &offset))
		return refuse(rw, call, "reading the context at a computed offset");
	return replace_load(rw, call, offset);
}

/* gep ctx, (select c, 12, 16), as clang writes c ? &ctx->a : &ctx->b: a select of two geps. */
static bool split_gep(struct rewrite *rw, LLVMValueRef gep)
{
	LLVMValueRef index = LLVMGetOperand(gep, 1), arms[2];

	if (LLVMGetNumOperands(gep) != 2 || !LLVMIsASelectInst(index))
		return false;
	LLVMPositionBuilderBefore(rw->builder, gep);
	for (unsigned i = 0; i < 2; i++) {
		LLVMValueRef offset = LLVMGetOperand(index, i + 1);

		arms[i] = LLVMBuildGEP2(rw->builder, LLVMGetGEPSourceElementType(gep),
					LLVMGetOperand(gep, 0), &offset, 1, "");
	}
	LLVMReplaceAllUsesWith(
	    gep, LLVMBuildSelect(rw->builder, LLVMGetOperand(index, 0), arms[0], arms[1], ""));
	LLVMInstructionEraseFromParent(gep);
	return true;
}

static int replace_gep(struct rewrite *rw, LLVMValueRef gep, int64_t offset)
{
	if (split_gep(rw, gep))
		return 0;
	if (!frontend_constant_offset(rw->program->llvm->module, LLVMGetGEPSourceElementType(gep),
				      gep, 1, (unsigned)LLVMGetNumOperands(gep), &offset))
		return refuse(rw, gep, "reading the context at a computed offset");
	return replace_alias(rw, gep, offset);
}

/* The context is never NULL. */
static int replace_null_check(struct rewrite *rw, LLVMValueRef icmp)
{
	LLVMIntPredicate predicate = LLVMGetICmpPredicate(icmp);

	if (!LLVMIsAConstantPointerNull(LLVMGetOperand(icmp, 1)) ||
	    (predicate != LLVMIntEQ && predicate != LLVMIntNE))
		return refuse(rw, icmp, "comparing the context's address");
	LLVMReplaceAllUsesWith(icmp, LLVMConstInt(LLVMTypeOf(icmp), predicate == LLVMIntNE, false));
	LLVMInstructionEraseFromParent(icmp);
	return 0;
}

/* Is it the context's address, moved by this number? */
static bool is_moved_by(struct rewrite *rw, LLVMValueRef value, int64_t wanted)
{
	int64_t offset = 0;

	while (LLVMIsAGetElementPtrInst(value)) {
		if (!frontend_constant_offset(rw->program->llvm->module,
					      LLVMGetGEPSourceElementType(value), value, 1,
					      (unsigned)LLVMGetNumOperands(value), &offset))
			return false;
		value = LLVMGetOperand(value, 0);
	}
	return value == context_of(rw->program) && offset == wanted;
}

/* One address on every way: two reads of a field that clang may not see to be of one. */
static int replace_phi(struct rewrite *rw, LLVMValueRef phi, int64_t offset)
{
	LLVMTypeRef byte = LLVMInt8TypeInContext(rw->program->llvm->context);
	LLVMValueRef index = LLVMConstInt(rw->i64, (unsigned long long)offset, true),
		     same = context_of(rw->program);

	for (unsigned i = 0; i < LLVMCountIncoming(phi); i++)
		if (LLVMGetIncomingValue(phi, i) != phi &&
		    !is_moved_by(rw, LLVMGetIncomingValue(phi, i), offset))
			return refuse(rw, phi, "choosing between the context and another address");
	if (offset) {
		LLVMBasicBlockRef entry = LLVMGetEntryBasicBlock(rw->program->llvm->function);

		LLVMPositionBuilderBefore(rw->builder, LLVMGetFirstInstruction(entry));
		same = LLVMBuildGEP2(rw->builder, byte, same, &index, 1, "");
	}
	LLVMReplaceAllUsesWith(phi, same);
	LLVMInstructionEraseFromParent(phi);
	return 0;
}

static int refuse_hand_on(struct rewrite *rw, LLVMValueRef user)
{
	size_t length;

	if (!named_call(user, ""))
		return refuse(rw, user, "handing the context's address on");
	return refuse(rw, user,
		      arena_printf(rw->program->arena, "handing the context to %s",
				   LLVMGetValueName2(LLVMGetCalledValue(user), &length)));
}

/* cb[]: the kernel lets a program have bytes, half words and two words at once there. */
static bool is_scratch(struct rewrite *rw, int64_t offset, unsigned bits)
{
	const struct ir_context_field *field =
	    bits % 8 ? NULL : ir_context_field_at(rw->program->kind, offset, 1);

	return field && strncmp(field->name, "cb", 2) == 0;
}

/* Two words of cb[]? Its halves are then fields of their own. */
static bool is_two_words(struct rewrite *rw, int64_t offset, unsigned bits)
{
	return bits == 64 && is_scratch(rw, offset, bits) && is_scratch(rw, offset + 4, bits);
}

static LLVMValueRef moved(struct rewrite *rw, LLVMValueRef address, int64_t by)
{
	LLVMTypeRef byte = LLVMInt8TypeInContext(rw->program->llvm->context);
	LLVMValueRef index = LLVMConstInt(rw->i64, (unsigned long long)by, true);

	return by ? LLVMBuildGEP2(rw->builder, byte, address, &index, 1, "") : address;
}

static void split_load(struct rewrite *rw, LLVMValueRef load, LLVMValueRef address)
{
	LLVMValueRef half[2];

	LLVMPositionBuilderBefore(rw->builder, load);
	for (unsigned i = 0; i < 2; i++)
		half[i] = LLVMBuildZExt(
		    rw->builder,
		    LLVMBuildLoad2(rw->builder, rw->i32, moved(rw, address, 4 * i), ""), rw->i64,
		    "");
	half[1] = LLVMBuildShl(rw->builder, half[1], LLVMConstInt(rw->i64, 32, false), "");
	LLVMReplaceAllUsesWith(load, LLVMBuildOr(rw->builder, half[0], half[1], ""));
	LLVMInstructionEraseFromParent(load);
}

static void split_store(struct rewrite *rw, LLVMValueRef store, LLVMValueRef address)
{
	LLVMPositionBuilderBefore(rw->builder, store);
	for (unsigned i = 0; i < 2; i++)
		LLVMBuildStore(rw->builder, narrow(rw, LLVMGetOperand(store, 0), 4 * i, rw->i32),
			       moved(rw, address, 4 * i));
	LLVMInstructionEraseFromParent(store);
}

/* A byte or half word of cb[]: its word with these bits. */
static void widen_store(struct rewrite *rw, LLVMValueRef store, LLVMValueRef address,
			int64_t offset)
{
	LLVMValueRef value = LLVMGetOperand(store, 0), word, old;
	unsigned bits = LLVMGetIntTypeWidth(LLVMTypeOf(value)), shift = 8 * (offset % 4);
	unsigned long long mask = ((1ull << bits) - 1) << shift;

	LLVMPositionBuilderBefore(rw->builder, store);
	word = moved(rw, address, -(offset % 4));
	old = LLVMBuildAnd(rw->builder, LLVMBuildLoad2(rw->builder, rw->i32, word, ""),
			   LLVMConstInt(rw->i32, ~mask, false), "");
	value = LLVMBuildShl(rw->builder, LLVMBuildZExt(rw->builder, value, rw->i32, ""),
			     LLVMConstInt(rw->i32, shift, false), "");
	LLVMBuildStore(rw->builder, LLVMBuildOr(rw->builder, old, value, ""), word);
	LLVMInstructionEraseFromParent(store);
}

/* What of cb[] is not one whole word becomes loads and stores of words. */
static bool split_scratch(struct rewrite *rw, LLVMValueRef access, LLVMValueRef address,
			  int64_t offset)
{
	bool loads = LLVMIsALoadInst(access);
	LLVMTypeRef type = LLVMTypeOf(loads ? access : LLVMGetOperand(access, 0));
	unsigned bits =
	    LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) : 0;

	if (is_two_words(rw, offset, bits))
		(loads ? split_load : split_store)(rw, access, address);
	else if (!loads && (bits == 8 || bits == 16) && is_scratch(rw, offset, bits))
		widen_store(rw, access, address, offset);
	else
		return false;
	return true;
}

static int replace_use(struct rewrite *rw, LLVMValueRef user, LLVMValueRef address, int64_t offset)
{
	bool stores = LLVMIsAStoreInst(user) && LLVMGetOperand(user, 1) == address;

	if ((LLVMIsALoadInst(user) || stores) && split_scratch(rw, user, address, offset))
		return 0;
	if (LLVMIsALoadInst(user))
		return replace_load(rw, user, offset);
	if (LLVMIsAGetElementPtrInst(user))
		return replace_gep(rw, user, offset);
	if (LLVMIsASelectInst(user))
		return split_select(rw, user);
	if (LLVMIsAPHINode(user))
		return replace_phi(rw, user, offset);
	if (LLVMIsAICmpInst(user))
		return replace_null_check(rw, user);
	if (named_call(user, "llvm.bpf.getelementptr.and.load"))
		return replace_element_load(rw, user, offset);
	if (named_call(user, "llvm.bpf.passthrough") || named_call(user, "llvm.preserve.static"))
		return replace_alias(rw, user, offset);
	if (stores)
		return replace_store(rw, user, offset);
	return refuse_hand_on(rw, user);
}

/* Every use but those as the first argument of a helper is replaced. */
static int replace_uses(struct rewrite *rw, LLVMValueRef address, int64_t offset)
{
	LLVMUseRef use = LLVMGetFirstUse(address);
	int err = 0;

	while (use && !err) {
		LLVMValueRef user = LLVMGetUser(use);

		if (offset == 0 && address == context_of(rw->program) && helper_call(user)) {
			use = LLVMGetNextUse(use);
			continue;
		}
		err = replace_use(rw, user, address, offset);
		use = err ? NULL : LLVMGetFirstUse(address);
	}
	return err;
}

/* Kept in memory (a struct of the caller, or code compiled without optimisation)? */
static bool stored(LLVMValueRef context)
{
	for (LLVMUseRef use = LLVMGetFirstUse(context); use; use = LLVMGetNextUse(use))
		if (LLVMIsAStoreInst(LLVMGetUser(use)))
			return true;
	return false;
}

int frontend_replace_context(struct ir_program *program, struct diag *diag)
{
	LLVMContextRef context = program->llvm->context;
	struct rewrite rw = {
	    .program = program,
	    .diag = diag,
	    .ptr = LLVMPointerTypeInContext(context, 0),
	    .i32 = LLVMInt32TypeInContext(context),
	    .i64 = LLVMInt64TypeInContext(context),
	};
	int err = 0;

	if (LLVMCountParams(program->llvm->function) != 1 ||
	    LLVMTypeOf(context_of(program)) != rw.ptr ||
	    LLVMGetReturnType(LLVMGlobalGetValueType(program->llvm->function)) != rw.i32) {
		diag_error(diag, frontend_value_loc(program, program->llvm->function),
			   program->kind == IR_PROGRAM_TC
			       ? "a TC program is int %s(struct __sk_buff *skb)"
			       : "an XDP program is int %s(struct xdp_md *ctx)",
			   program->name);
		return -EINVAL;
	}
	if (stored(context_of(program)))
		err = frontend_run_passes(program, PASSES_ALONE, diag);
	if (err)
		return err;
	frontend_forward_context(program);
	rw.builder = LLVMCreateBuilderInContext(context);
	err = replace_uses(&rw, context_of(program), 0);
	LLVMDisposeBuilder(rw.builder);
	return err;
}
