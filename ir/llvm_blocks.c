/* Surgery on basic blocks that LLVM's C interface does not have. */
#include "ir/llvm_blocks.h"

/* The phis of `to` hear that what came from `here` now comes from `rest`. */
static void rename_incoming(LLVMBuilderRef builder, LLVMBasicBlockRef to, LLVMBasicBlockRef here,
			    LLVMBasicBlockRef rest)
{
	LLVMValueRef phi = LLVMGetFirstInstruction(to), next;

	for (; phi && LLVMIsAPHINode(phi); phi = next) {
		next = LLVMGetNextInstruction(phi);
		LLVMPositionBuilderBefore(builder, phi);
		LLVMSetCurrentDebugLocation2(builder, LLVMInstructionGetDebugLoc(phi));
		LLVMValueRef now = LLVMBuildPhi(builder, LLVMTypeOf(phi), "");

		for (unsigned n = 0; n < LLVMCountIncoming(phi); n++) {
			LLVMValueRef value = LLVMGetIncomingValue(phi, n);
			LLVMBasicBlockRef from = LLVMGetIncomingBlock(phi, n);

			value = value == phi ? now : value;
			from = from == here ? rest : from;
			LLVMAddIncoming(now, &value, &from, 1);
		}
		LLVMReplaceAllUsesWith(phi, now);
		LLVMInstructionEraseFromParent(phi);
	}
}

LLVMBasicBlockRef llvm_split_behind(LLVMBuilderRef builder, LLVMValueRef at, const char *name)
{
	LLVMBasicBlockRef here = LLVMGetInstructionParent(at);
	LLVMContextRef context = LLVMGetTypeContext(LLVMTypeOf(LLVMBasicBlockAsValue(here)));
	LLVMBasicBlockRef rest = LLVMInsertBasicBlockInContext(context, here, name);
	LLVMMetadataRef place = LLVMGetCurrentDebugLocation2(builder);
	LLVMValueRef end;

	LLVMMoveBasicBlockAfter(rest, here);
	LLVMPositionBuilderAtEnd(builder, rest);
	for (LLVMValueRef i = LLVMGetNextInstruction(at), next; i; i = next) {
		next = LLVMGetNextInstruction(i);
		LLVMInstructionRemoveFromParent(i);
		LLVMInsertIntoBuilder(builder, i);
	}
	end = LLVMGetBasicBlockTerminator(rest);
	for (unsigned s = 0; s < LLVMGetNumSuccessors(end); s++)
		rename_incoming(builder, LLVMGetSuccessor(end, s), here, rest);
	LLVMSetCurrentDebugLocation2(builder, place);
	return rest;
}

void llvm_move_allocas(LLVMBuilderRef builder, LLVMBasicBlockRef from, LLVMBasicBlockRef to)
{
	LLVMPositionBuilderAtEnd(builder, to);
	for (LLVMValueRef i = LLVMGetFirstInstruction(from), next; i; i = next) {
		next = LLVMGetNextInstruction(i);
		if (!LLVMIsAAllocaInst(i))
			continue;
		LLVMInstructionRemoveFromParent(i);
		LLVMInsertIntoBuilder(builder, i);
	}
}
