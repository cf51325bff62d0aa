/*
 * Loops that fold a sum: `while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);`. Nothing counts in
 * them, but what is above the low half gets smaller by a half's width each round, until it is one
 * carry at most. The verifier's ranges show it the same. So do they of a number that is shifted
 * until it is 0.
 */
#include "ir/llvm_ir.h"
#include "ir/llvm_steps.h"

/* Is it `of >> by`? */
static bool is_high(LLVMValueRef value, LLVMValueRef of, uint64_t by)
{
	value = ir_peel_casts(value);
	return LLVMIsABinaryOperator(value) && LLVMGetInstructionOpcode(value) == LLVMLShr &&
	       ir_peel_casts(LLVMGetOperand(value, 0)) == of &&
	       LLVMIsAConstantInt(LLVMGetOperand(value, 1)) &&
	       LLVMConstIntGetZExtValue(LLVMGetOperand(value, 1)) == by;
}

/* Is it `of & (2^bits - 1)`? */
static bool is_low(LLVMValueRef value, LLVMValueRef of, unsigned bits)
{
	value = ir_peel_casts(value);
	return LLVMIsABinaryOperator(value) && LLVMGetInstructionOpcode(value) == LLVMAnd &&
	       ir_peel_casts(LLVMGetOperand(value, 0)) == of &&
	       LLVMIsAConstantInt(LLVMGetOperand(value, 1)) &&
	       LLVMConstIntGetZExtValue(LLVMGetOperand(value, 1)) == (1ull << bits) - 1;
}

static bool is_fold(LLVMValueRef value, LLVMValueRef of, unsigned bits)
{
	LLVMValueRef a, b;

	if (!LLVMIsABinaryOperator(value) || LLVMGetInstructionOpcode(value) != LLVMAdd)
		return false;
	a = LLVMGetOperand(value, 0);
	b = LLVMGetOperand(value, 1);
	return (is_low(a, of, bits) && is_high(b, of, bits)) ||
	       (is_low(b, of, bits) && is_high(a, of, bits));
}

/* What the loop leaves on is that a sum has no more than this many bits: which sum; or NULL. */
static LLVMValueRef read_test(LLVMValueRef test, bool leaves_when, unsigned *bits)
{
	LLVMIntPredicate is = LLVMGetICmpPredicate(test);
	LLVMValueRef value = LLVMGetOperand(test, 0), limit = LLVMGetOperand(test, 1);
	uint64_t end;

	if (!LLVMIsAConstantInt(limit))
		return NULL;
	end = LLVMConstIntGetZExtValue(limit);
	if (is == (leaves_when ? LLVMIntEQ : LLVMIntNE) && !end && LLVMIsABinaryOperator(value) &&
	    LLVMGetInstructionOpcode(value) == LLVMLShr &&
	    LLVMIsAConstantInt(LLVMGetOperand(value, 1))) {
		*bits = (unsigned)LLVMConstIntGetZExtValue(LLVMGetOperand(value, 1));
		return ir_peel_casts(LLVMGetOperand(value, 0));
	}
	if (is == (leaves_when ? LLVMIntULE : LLVMIntUGT))
		end++;
	else if (is != (leaves_when ? LLVMIntULT : LLVMIntUGE))
		return NULL;
	*bits = (unsigned)__builtin_ctzll(end | 1ull << 63);
	return end && !(end & (end - 1)) ? ir_peel_casts(value) : NULL;
}

/* `while (mask) mask >>= 1`, which clang asks as `mask < 2` when it shifts behind the test. */
static uint64_t shift_trips(LLVMValueRef test, bool leaves_when, LLVMValueRef phi)
{
	LLVMIntPredicate is = LLVMGetICmpPredicate(test);
	LLVMValueRef value = LLVMGetOperand(test, 0), limit = LLVMGetOperand(test, 1);
	bool until = is == (leaves_when ? LLVMIntEQ : LLVMIntNE) ||
		     is == (leaves_when ? LLVMIntULT : LLVMIntUGE) ||
		     is == (leaves_when ? LLVMIntULE : LLVMIntUGT);
	unsigned shifts = 0;

	for (unsigned n = 0; n < LLVMCountIncoming(phi) && until && LLVMIsAConstantInt(limit);
	     n++) {
		LLVMValueRef next = LLVMGetIncomingValue(phi, n);

		for (uint64_t by = 1; by <= 8; by++)
			shifts += (value == phi || value == next) && is_high(next, phi, by);
	}
	/* It gets to every number from above; that it is that very number, only 0 is sure to be. */
	return shifts == 1 && (LLVMIsNull(limit) || is != (leaves_when ? LLVMIntEQ : LLVMIntNE))
		   ? LLVMGetIntTypeWidth(LLVMTypeOf(phi)) + 1
		   : 0;
}

uint64_t ir_fold_trips(LLVMValueRef test, bool leaves_when, LLVMBasicBlockRef header)
{
	unsigned bits = 0, width, folds = 0;
	LLVMValueRef sum = read_test(test, leaves_when, &bits);
	uint64_t trips = 0;

	for (LLVMValueRef phi = LLVMGetFirstInstruction(header); phi && LLVMIsAPHINode(phi);
	     phi = LLVMGetNextInstruction(phi))
		trips = trips ? trips : shift_trips(test, leaves_when, phi);
	if (trips || !sum || bits < 8 || bits > 32)
		return trips;
	width = LLVMGetIntTypeWidth(LLVMTypeOf(sum));
	for (LLVMValueRef phi = LLVMGetFirstInstruction(header); phi && LLVMIsAPHINode(phi);
	     phi = LLVMGetNextInstruction(phi))
		for (unsigned n = 0; n < LLVMCountIncoming(phi); n++) {
			LLVMValueRef next = LLVMGetIncomingValue(phi, n);

			folds += (phi == sum || next == sum) && is_fold(next, phi, bits);
		}
	/* One latch: what else comes in, comes from before the loop. */
	return folds == 1 ? width / bits + 2 : 0;
}
