/*
 * Division by zero, and of the least number by -1, is for the host a trap and for BPF a number:
 * x / 0 is 0, x % 0 is x, x / -1 is -x and x % -1 is 0. In user they are what they are in the
 * kernel: a packet can bring a divisor of 0 along.
 */
#include "backends/user/llvm_division.h"

struct division {
	LLVMBuilderRef builder;
	LLVMValueRef number, divisor, is_zero, is_minus;
	LLVMTypeRef type;
	bool is_signed, modulo;
};

static bool is_division(LLVMValueRef i, struct division *d)
{
	LLVMOpcode opcode = LLVMGetInstructionOpcode(i);

	d->is_signed = opcode == LLVMSDiv || opcode == LLVMSRem;
	d->modulo = opcode == LLVMURem || opcode == LLVMSRem;
	if (!d->is_signed && !d->modulo && opcode != LLVMUDiv)
		return false;
	d->type = LLVMTypeOf(i);
	d->number = LLVMGetOperand(i, 0);
	d->divisor = LLVMGetOperand(i, 1);
	return LLVMGetTypeKind(d->type) == LLVMIntegerTypeKind &&
	       (!LLVMIsAConstantInt(d->divisor) || LLVMIsNull(d->divisor) ||
		(d->is_signed && LLVMConstIntGetSExtValue(d->divisor) == -1));
}

/* The divisor, or 1 where the host would trap: dividing by 1 it does not. */
static LLVMValueRef harmless(struct division *d)
{
	LLVMBuilderRef b = d->builder;
	LLVMValueRef one = LLVMConstInt(d->type, 1, false), by;

	d->divisor = LLVMBuildFreeze(b, d->divisor, "");
	d->is_zero = LLVMBuildICmp(b, LLVMIntEQ, d->divisor, LLVMConstNull(d->type), "");
	by = LLVMBuildSelect(b, d->is_zero, one, d->divisor, "");
	if (!d->is_signed)
		return by;
	d->is_minus = LLVMBuildICmp(b, LLVMIntEQ, d->divisor, LLVMConstAllOnes(d->type), "");
	return LLVMBuildSelect(b, d->is_minus, one, by, "");
}

static void replace(struct llvm_clone *c, struct division *d, LLVMValueRef i)
{
	LLVMBuilderRef b = d->builder;
	LLVMValueRef by, result;

	LLVMPositionBuilderBefore(b, i);
	by = harmless(d);
	result = LLVMBuildBinOp(b, LLVMGetInstructionOpcode(i), d->number, by, "");
	if (d->is_signed && !d->modulo)
		result =
		    LLVMBuildSelect(b, d->is_minus, LLVMBuildNeg(b, d->number, ""), result, "");
	result = LLVMBuildSelect(b, d->is_zero, d->modulo ? d->number : LLVMConstNull(d->type),
				 result, "");
	llvm_clone_replace(c, i, result);
}

void llvm_divide_as_bpf(struct llvm_clone *c)
{
	struct division d = {.builder =
				 LLVMCreateBuilderInContext(LLVMGetModuleContext(c->module))};

	for (LLVMValueRef f = LLVMGetFirstFunction(c->module); f; f = LLVMGetNextFunction(f))
		for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(f); block;
		     block = LLVMGetNextBasicBlock(block))
			for (LLVMValueRef i = LLVMGetFirstInstruction(block), next; i; i = next) {
				next = LLVMGetNextInstruction(i);
				if (is_division(i, &d))
					replace(c, &d, i);
			}
	LLVMDisposeBuilder(d.builder);
}
