/*
 * The start of a TC program's kernel part: a packet that has been in user comes by once more, and
 * what was decided of it is done. docs/tc.md.
 */
#include "backends/xdp/llvm_xdp.h"
#include "ir/llvm_blocks.h"

void llvm_resume_at_start(struct llvm_clone *c)
{
	LLVMBasicBlockRef start = LLVMGetEntryBasicBlock(c->function);
	LLVMBasicBlockRef first = LLVMInsertBasicBlockInContext(c->context, start, "resume");
	LLVMBasicBlockRef done = LLVMAppendBasicBlockInContext(c->context, c->function, "resumed");

	llvm_move_allocas(c->builder, start, first);
	llvm_set_place(c, NULL);
	LLVMValueRef resumed = llvm_call(c, "cleave_rt_resume", c->i64, &c->packet, 1);
	LLVMValueRef bit = LLVMBuildLShr(c->builder, resumed, llvm_u64(c, 32), "");

	LLVMBuildCondBr(c->builder, LLVMBuildIsNull(c->builder, bit, ""), start, done);
	LLVMPositionBuilderAtEnd(c->builder, done);
	LLVMBuildRet(c->builder, LLVMBuildTrunc(c->builder, resumed, c->i32, ""));
}
