/*
 * The start of a TC program's kernel part: a packet that has been in user comes by once more, and
 * what was decided of it is done. docs/tc.md.
 */
#include "backends/xdp/llvm_xdp.h"

/* Stack objects stay in the first block: elsewhere LLVM would take them for objects of any size. */
static void move_objects(struct llvm_clone *c, LLVMBasicBlockRef from, LLVMBasicBlockRef to)
{
	LLVMPositionBuilderAtEnd(c->builder, to);
	for (LLVMValueRef i = LLVMGetFirstInstruction(from), next; i; i = next) {
		next = LLVMGetNextInstruction(i);
		if (!LLVMIsAAllocaInst(i))
			continue;
		LLVMInstructionRemoveFromParent(i);
		LLVMInsertIntoBuilder(c->builder, i);
	}
}

void llvm_resume_at_start(struct llvm_clone *c)
{
	LLVMBasicBlockRef start = LLVMGetEntryBasicBlock(c->function);
	LLVMBasicBlockRef first = LLVMInsertBasicBlockInContext(c->context, start, "resume");
	LLVMBasicBlockRef done = LLVMAppendBasicBlockInContext(c->context, c->function, "resumed");

	move_objects(c, start, first);
	llvm_set_place(c, NULL);
	LLVMValueRef resumed = llvm_call(c, "cleave_rt_resume", c->i64, &c->packet, 1);
	LLVMValueRef bit = LLVMBuildLShr(c->builder, resumed, llvm_u64(c, 32), "");

	LLVMBuildCondBr(c->builder, LLVMBuildIsNull(c->builder, bit, ""), start, done);
	LLVMPositionBuilderAtEnd(c->builder, done);
	LLVMBuildRet(c->builder, LLVMBuildTrunc(c->builder, resumed, c->i32, ""));
}
