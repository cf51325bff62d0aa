/*
 * Packet addresses that went through numbers become pointers again.
 *
 *     %a = phi i32 [ load data ], [ load data again ]    %a = phi ptr [ @cleave.pkt.data ], [ ... ]
 *     %b = zext i32 %a to i64                          →
 *     %p = inttoptr i64 %b to ptr                        (uses of %p use %a)
 *
 * The context holds 32 bits of an address, which the kernel's verifier makes a whole one when it is
 * loaded; a phi of two loads is a move of registers there. Elsewhere the upper half would be lost,
 * so an address that cannot be traced to pointers on every path is refused.
 */
#include "frontend/llvm_stages.h"

#include <errno.h>

#include "support/arena.h"

struct pair {
	LLVMValueRef number, pointer;
};

struct rebuild {
	struct ir_program *program;
	LLVMBuilderRef builder;
	LLVMTypeRef ptr;
	struct pair *made; /* numbers whose pointer exists; phis may still lack arms */
	size_t count, capacity;
	LLVMValueRef *seen; /* numbers on the way that trace() takes */
	size_t seen_count, seen_capacity;
};

static bool has_bits(LLVMValueRef value, unsigned bits)
{
	LLVMTypeRef type = LLVMTypeOf(value);

	return LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) >= bits;
}

/* The value that this one has the address of, less its upper half at most; or NULL. */
static LLVMValueRef step(LLVMValueRef number)
{
	if (!has_bits(number, 32))
		return NULL;
	if (LLVMIsAZExtInst(number) || LLVMIsATruncInst(number) || LLVMIsAFreezeInst(number))
		return LLVMGetOperand(number, 0);
	return NULL;
}

static bool trace(struct rebuild *rb, LLVMValueRef number);

static bool trace_arms(struct rebuild *rb, LLVMValueRef number)
{
	bool select = LLVMIsASelectInst(number);
	unsigned count = select ? 2 : LLVMCountIncoming(number);

	for (size_t i = 0; i < rb->seen_count; i++)
		if (rb->seen[i] == number)
			return true;
	*ARENA_PUSH(rb->program->arena, rb->seen, rb->seen_count, rb->seen_capacity) = number;
	for (unsigned i = 0; i < count; i++)
		if (!trace(rb, select ? LLVMGetOperand(number, i + 1)
				      : LLVMGetIncomingValue(number, i)))
			return false;
	return true;
}

/* Is it the address of a pointer on every path? */
static bool trace(struct rebuild *rb, LLVMValueRef number)
{
	if (LLVMIsAPtrToIntInst(number) || LLVMIsUndef(number))
		return true;
	if (LLVMIsAPHINode(number) || LLVMIsASelectInst(number))
		return trace_arms(rb, number);
	return step(number) && trace(rb, step(number));
}

static LLVMValueRef make(struct rebuild *rb, LLVMValueRef number);

static void remember(struct rebuild *rb, LLVMValueRef number, LLVMValueRef pointer)
{
	*ARENA_PUSH(rb->program->arena, rb->made, rb->count, rb->capacity) =
	    (struct pair){number, pointer};
}

static LLVMValueRef make_select(struct rebuild *rb, LLVMValueRef select)
{
	LLVMValueRef yes = make(rb, LLVMGetOperand(select, 1));
	LLVMValueRef no = make(rb, LLVMGetOperand(select, 2)), pointer;

	LLVMPositionBuilderBefore(rb->builder, select);
	pointer = LLVMBuildSelect(rb->builder, LLVMGetOperand(select, 0), yes, no, "");
	remember(rb, select, pointer);
	return pointer;
}

static LLVMValueRef make_phi(struct rebuild *rb, LLVMValueRef phi)
{
	LLVMValueRef pointer;

	LLVMPositionBuilderBefore(rb->builder, phi);
	pointer = LLVMBuildPhi(rb->builder, rb->ptr, "");
	remember(rb, phi, pointer);
	for (unsigned i = 0; i < LLVMCountIncoming(phi); i++) {
		LLVMValueRef value = make(rb, LLVMGetIncomingValue(phi, i));
		LLVMBasicBlockRef block = LLVMGetIncomingBlock(phi, i);

		LLVMAddIncoming(pointer, &value, &block, 1);
	}
	return pointer;
}

/* The pointer of what trace() answered yes to. */
static LLVMValueRef make(struct rebuild *rb, LLVMValueRef number)
{
	for (size_t i = 0; i < rb->count; i++)
		if (rb->made[i].number == number)
			return rb->made[i].pointer;
	if (LLVMIsUndef(number))
		return LLVMGetPoison(rb->ptr);
	if (LLVMIsAPtrToIntInst(number))
		return LLVMGetOperand(number, 0);
	if (LLVMIsAPHINode(number))
		return make_phi(rb, number);
	if (LLVMIsASelectInst(number))
		return make_select(rb, number);
	return make(rb, step(number));
}

/* Has it been narrower than an address on the way? Then the upper half is gone. */
static bool is_half(LLVMValueRef number, unsigned depth)
{
	if (!has_bits(number, 64))
		return true;
	if (!depth || LLVMIsAPHINode(number) || LLVMIsASelectInst(number) || !step(number))
		return false;
	return is_half(step(number), depth - 1);
}

static int rebuild_address(struct rebuild *rb, LLVMValueRef cast, struct diag *diag)
{
	LLVMValueRef number = LLVMGetOperand(cast, 0);

	rb->seen_count = 0;
	if (trace(rb, number)) {
		LLVMReplaceAllUsesWith(cast, make(rb, number));
		LLVMInstructionEraseFromParent(cast);
		return 0;
	}
	if (!is_half(number, 8))
		return 0; /* arithmetic on whole addresses */
	return frontend_refuse(rb->program, diag, frontend_value_loc(rb->program, cast),
			       IR_REASON_UNSUPPORTED_CALL, "an address made of a 32-bit number");
}

int frontend_rebuild_addresses(struct ir_program *program, struct diag *diag)
{
	LLVMContextRef context = program->llvm->context;
	struct rebuild rb = {.program = program, .ptr = LLVMPointerTypeInContext(context, 0)};
	LLVMValueRef i = frontend_first_instruction(program->llvm->function);
	int err = 0;

	rb.builder = LLVMCreateBuilderInContext(context);
	while (i) {
		LLVMValueRef next = frontend_next_instruction(i);

		if (LLVMIsAIntToPtrInst(i))
			err = rebuild_address(&rb, i, diag) ?: err;
		i = next;
	}
	LLVMDisposeBuilder(rb.builder);
	return err;
}
