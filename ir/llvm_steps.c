/*
 * What a loop adds to a value from round to round: a number, or one of several. Values are followed
 * through choices for a few steps only.
 */
#include "ir/llvm_steps.h"

#include <stdlib.h>

enum { DEPTH_MAX = 12, CHOICE_DEPTH = 3 /* so deep counts a choice */ };

LLVMValueRef ir_peel_casts(LLVMValueRef value)
{
	while (LLVMIsAZExtInst(value) || LLVMIsASExtInst(value) || LLVMIsATruncInst(value) ||
	       LLVMIsAFreezeInst(value))
		value = LLVMGetOperand(value, 0);
	return value;
}

static bool add_step(struct induction *iv, int64_t step)
{
	if (!step || (iv->step && (iv->step < 0) != (step < 0)))
		return false;
	iv->uneven |= iv->step && iv->step != step;
	if (!iv->step || llabs(step) < llabs(iv->step))
		iv->step = step;
	return true;
}

/* What a choice chooses from: [*first, the result) of its operands or incoming values; 0: none. */
static unsigned choices(LLVMValueRef value, unsigned *first)
{
	*first = LLVMIsASelectInst(value) ? 1 : 0;
	return LLVMIsAPHINode(value) ? LLVMCountIncoming(value) : *first ? 3 : 0;
}

static LLVMValueRef choice(LLVMValueRef value, unsigned n)
{
	return LLVMIsAPHINode(value) ? LLVMGetIncomingValue(value, n) : LLVMGetOperand(value, n);
}

/* The number, or choice of numbers, that a sum adds to *to; NULL: it is no such sum. */
static LLVMValueRef added_number(LLVMValueRef sum, LLVMValueRef *to)
{
	if (!LLVMIsAInstruction(sum) || LLVMGetInstructionOpcode(sum) != LLVMAdd)
		return NULL;
	for (unsigned side = 2; side-- > 0;) {
		LLVMValueRef number = LLVMGetOperand(sum, side);
		unsigned first, count = choices(number, &first);
		bool all = count || LLVMIsAConstantInt(number);

		for (unsigned n = first; n < count; n++)
			all &= LLVMIsAConstantInt(choice(number, n)) != NULL;
		*to = LLVMGetOperand(sum, 1 - side);
		if (all)
			return number;
	}
	return NULL;
}

/*
 * `value` is what the phi is plus `sum`, or one of several such: `if (found) off += 3; off++`. What
 * is added may be one of several numbers.
 */
bool ir_read_steps(struct induction *iv, LLVMValueRef value, int64_t sum, unsigned depth)
{
	LLVMValueRef to = NULL, added = added_number(value, &to), one;
	unsigned first, count;
	bool all = true;

	if (value == iv->phi)
		return add_step(iv, sum);
	if (depth >= DEPTH_MAX)
		return false;
	if (added && LLVMIsAConstantInt(added))
		return ir_read_steps(iv, to, sum + LLVMConstIntGetSExtValue(added), depth + 1);
	count = choices(added ? added : value, &first);
	for (unsigned n = first; n < count && all; n++) {
		one = choice(added ? added : value, n);
		all = added ? ir_read_steps(iv, to, sum + LLVMConstIntGetSExtValue(one),
					    depth + CHOICE_DEPTH)
			    : ir_read_steps(iv, one, sum, depth + CHOICE_DEPTH);
	}
	return count && all;
}

/* The header's phi that `value` is a number ahead of, or one of several numbers. */
LLVMValueRef ir_induced_by(LLVMValueRef value, LLVMBasicBlockRef header, unsigned depth)
{
	LLVMValueRef to, found = NULL;
	unsigned first, count;

	value = ir_peel_casts(value);
	if (!LLVMIsAInstruction(value) || depth >= DEPTH_MAX)
		return NULL;
	if (LLVMIsAPHINode(value) && LLVMGetInstructionParent(value) == header)
		return value;
	if (added_number(value, &to))
		return ir_induced_by(to, header, depth + 1);
	count = choices(value, &first);
	for (unsigned n = first; n < count; n++) {
		LLVMValueRef phi = ir_induced_by(choice(value, n), header, depth + CHOICE_DEPTH);

		if (!phi || (found && phi != found))
			return NULL;
		found = phi;
	}
	return found;
}
