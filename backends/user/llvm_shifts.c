/*
 * A shift by more than there are bits, which C leaves undefined, with BPF's meaning: only the low
 * bits of the distance count (Documentation/bpf/standardization/instruction-set.rst).
 */
#include "backends/user/llvm_shifts.h"

static bool is_shift(LLVMValueRef i)
{
	LLVMOpcode opcode = LLVMGetInstructionOpcode(i);

	return opcode == LLVMShl || opcode == LLVMLShr || opcode == LLVMAShr;
}

/* BPF has registers of these two widths. */
static void define_shift(struct llvm_clone *c, LLVMValueRef i)
{
	LLVMTypeRef type = LLVMTypeOf(i);
	LLVMValueRef distance = LLVMGetOperand(i, 1);
	unsigned bits =
	    LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) : 0;

	if ((bits != 32 && bits != 64) || LLVMIsAConstantInt(distance))
		return;
	LLVMPositionBuilderBefore(c->builder, i);
	/* In its place: the clone is asked for this very instruction, when it is live at a cut. */
	LLVMSetOperand(i, 1,
		       LLVMBuildAnd(c->builder, distance, LLVMConstInt(type, bits - 1, 0), ""));
}

void llvm_define_shifts(struct llvm_clone *c)
{
	LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(c->function);

	for (; block; block = LLVMGetNextBasicBlock(block))
		for (LLVMValueRef i = LLVMGetFirstInstruction(block), next; i; i = next) {
			next = LLVMGetNextInstruction(i);
			if (is_shift(i))
				define_shift(c, i);
		}
}
