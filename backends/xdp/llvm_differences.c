/*
 * Differences of packet pointers, taken before anything is added to them.
 *
 *     (u16)(data_end - data - offset)    in LLVM    end16 - (data16 + offset)
 *
 * The verifier allows the difference of two pointers, in 32 bits too, but no sum of half a pointer
 * and a number (adjust_ptr_min_max_vals, kernel/bpf/verifier.c). Sums and differences are the same
 * in any order, so where one has a pointer with each sign, that pair comes first, in 64 bits.
 */
#include "backends/xdp/llvm_xdp.h"
#include "ir/context_fields.h"

enum { TERMS_MAX = 16 };

struct terms {
	struct llvm_clone *clone;
	LLVMValueRef number[TERMS_MAX], pointer[2]; /* pointer: with plus, with minus */
	bool negative[TERMS_MAX];
	size_t count;
	bool failed, mixed; /* mixed: a number is added to a pointer by itself */
};

static bool is_sum(LLVMValueRef value)
{
	return LLVMIsABinaryOperator(value) && (LLVMGetInstructionOpcode(value) == LLVMAdd ||
						LLVMGetInstructionOpcode(value) == LLVMSub);
}

static bool is_cast(LLVMValueRef value)
{
	return LLVMIsATruncInst(value) || LLVMIsAZExtInst(value) || LLVMIsAPtrToIntInst(value) ||
	       LLVMIsAIntToPtrInst(value);
}

/* A word of the context that is a pointer in the verifier's eyes. */
static bool is_pointer_word(const struct llvm_clone *c, LLVMValueRef value)
{
	static const char *const names[] = {"cleave.pkt.data", "cleave.pkt.data_end",
					    "cleave.pkt.data_meta"};
	LLVMValueRef from =
	    LLVMIsALoadInst(value) && LLVMGetVolatile(value) ? LLVMGetOperand(value, 0) : NULL;
	uint64_t offset = 0;
	bool writes;

	if (from && LLVMIsAGetElementPtrInst(from) && LLVMGetNumOperands(from) == 2 &&
	    LLVMIsAConstantInt(LLVMGetOperand(from, 1))) {
		offset = LLVMConstIntGetZExtValue(LLVMGetOperand(from, 1));
		from = LLVMGetOperand(from, 0);
	}
	for (size_t n = 0; n < sizeof names / sizeof *names && from == c->packet; n++)
		if (ir_context_field_of(c->program->kind, names[n], &writes)->offset == offset)
			return true;
	return false;
}

/* The packet pointer that a number is, or is the lower half of; or NULL. */
static LLVMValueRef pointer_of(const struct llvm_clone *c, LLVMValueRef value)
{
	while (is_cast(value)) {
		if (LLVMIsAPtrToIntInst(value))
			return LLVMGetOperand(value, 0);
		value = LLVMGetOperand(value, 0);
	}
	return is_pointer_word(c, value) ? value : NULL;
}

/* How many pointers are in it. */
static unsigned add_term(struct terms *t, LLVMValueRef value, bool negative, unsigned depth)
{
	LLVMValueRef inner = value, pointer = pointer_of(t->clone, value);
	unsigned pointers = pointer ? 1 : 0;

	while (LLVMIsATruncInst(inner))
		inner = LLVMGetOperand(inner, 0);
	if (pointer) {
		t->failed |= t->pointer[negative] != NULL;
		t->pointer[negative] = pointer;
	} else if (is_sum(inner) && depth < TERMS_MAX) {
		bool minus = LLVMGetInstructionOpcode(inner) == LLVMSub;

		pointers = add_term(t, LLVMGetOperand(inner, 0), negative, depth + 1);
		pointers += add_term(t, LLVMGetOperand(inner, 1), negative ^ minus, depth + 1);
		t->mixed |= pointers == 1;
	} else if (t->count == TERMS_MAX) {
		t->failed = true;
	} else {
		t->number[t->count] = value;
		t->negative[t->count++] = negative;
	}
	return pointers;
}

static LLVMValueRef wide(struct llvm_clone *c, LLVMValueRef pointer)
{
	return LLVMGetTypeKind(LLVMTypeOf(pointer)) == LLVMPointerTypeKind
		   ? LLVMBuildPtrToInt(c->builder, pointer, c->i64, "")
		   : LLVMBuildZExt(c->builder, pointer, c->i64, "");
}

/* In the type of the whole: a term may be wider, then its lower part counts. */
static LLVMValueRef rebuild(struct terms *t, LLVMValueRef difference, LLVMTypeRef type)
{
	struct llvm_clone *c = t->clone;
	LLVMValueRef sum = llvm_opaque(c, difference);

	if (LLVMTypeOf(sum) != type)
		sum = LLVMBuildTrunc(c->builder, sum, type, "");
	for (size_t n = 0; n < t->count; n++) {
		LLVMValueRef number = t->number[n];

		if (LLVMTypeOf(number) != type)
			number = LLVMBuildTrunc(c->builder, number, type, "");
		sum = t->negative[n] ? LLVMBuildSub(c->builder, sum, number, "")
				     : LLVMBuildAdd(c->builder, sum, number, "");
	}
	return sum;
}

LLVMValueRef llvm_take_difference_first(struct llvm_clone *c, LLVMValueRef sum)
{
	struct terms t = {.clone = c};
	LLVMValueRef difference;

	if (!is_sum(sum))
		return NULL;
	add_term(&t, sum, false, 0);
	if (t.failed || !t.mixed || !t.pointer[0] || !t.pointer[1])
		return NULL;
	LLVMPositionBuilderBefore(c->builder, sum);
	LLVMSetCurrentDebugLocation2(c->builder, LLVMInstructionGetDebugLoc(sum));
	difference = LLVMBuildSub(c->builder, wide(c, t.pointer[0]), wide(c, t.pointer[1]), "");
	LLVMReplaceAllUsesWith(sum, rebuild(&t, difference, LLVMTypeOf(sum)));
	return difference;
}
