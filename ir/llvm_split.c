/*
 * Splits blocks so that every interesting place to cut is an edge: each intrinsic call that touches
 * state or the packet's shape begins a block of its own, which is entered by one unconditional edge
 * and has no phis.
 */
#include "ir/ir.h"
#include "ir/llvm_ir.h"
#include "ir/tail_calls.h"

#include <string.h>

/* Reading the context costs nothing to repeat; a cut there is as good one instruction later. */
static bool begins_block(LLVMValueRef instruction)
{
	const char *name = llvm_intrinsic_name(instruction);

	return name &&
	       (strncmp(name, "cleave.map.", 11) == 0 || strncmp(name, "cleave.help.", 12) == 0 ||
		strcmp(name, TAIL_ENTERED) == 0 || strcmp(name, TAIL_BEGIN) == 0);
}

static LLVMBasicBlockRef only_predecessor(LLVMBasicBlockRef block)
{
	LLVMUseRef use = LLVMGetFirstUse(LLVMBasicBlockAsValue(block));

	if (!use || LLVMGetNextUse(use))
		return NULL;
	return LLVMGetInstructionParent(LLVMGetUser(use));
}

/* Already as we want it: first in its block, which one unconditional branch enters. */
static bool stands_alone(LLVMValueRef instruction)
{
	LLVMBasicBlockRef block = LLVMGetInstructionParent(instruction);
	LLVMBasicBlockRef before = only_predecessor(block);

	return LLVMGetFirstInstruction(block) == instruction && before &&
	       LLVMGetNumSuccessors(LLVMGetBasicBlockTerminator(before)) == 1;
}

static void redirect_predecessors(LLVMBasicBlockRef from, LLVMBasicBlockRef to)
{
	LLVMUseRef use = LLVMGetFirstUse(LLVMBasicBlockAsValue(from));

	while (use) {
		LLVMValueRef terminator = LLVMGetUser(use);

		for (unsigned i = 0; i < LLVMGetNumSuccessors(terminator); i++)
			if (LLVMGetSuccessor(terminator, i) == from)
				LLVMSetSuccessor(terminator, i, to);
		use = LLVMGetFirstUse(LLVMBasicBlockAsValue(from));
	}
}

/*
 * Moves what stands before `at` into a new block in front. The tail keeps the block's identity, so
 * phis of its successors stay right; phis of the block move with the head and stay right too.
 */
static void split_before(LLVMBuilderRef builder, LLVMContextRef context, LLVMValueRef at)
{
	LLVMBasicBlockRef tail = LLVMGetInstructionParent(at);
	LLVMBasicBlockRef head = LLVMInsertBasicBlockInContext(context, tail, "head");

	redirect_predecessors(tail, head);
	LLVMPositionBuilderAtEnd(builder, head);
	for (LLVMValueRef i = LLVMGetFirstInstruction(tail); i != at;) {
		LLVMValueRef next = LLVMGetNextInstruction(i);

		LLVMInstructionRemoveFromParent(i);
		LLVMInsertIntoBuilder(builder, i);
		i = next;
	}
	LLVMValueRef jump = LLVMBuildBr(builder, tail);
	LLVMMetadataRef where = LLVMInstructionGetDebugLoc(at);
	if (where)
		LLVMInstructionSetDebugLoc(jump, where);
}

int ir_split_blocks(struct ir_program *program, struct diag *diag)
{
	LLVMContextRef context = program->llvm->context;
	LLVMBuilderRef builder = LLVMCreateBuilderInContext(context);
	LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(program->llvm->function);

	for (; block; block = LLVMGetNextBasicBlock(block))
		for (LLVMValueRef i = LLVMGetFirstInstruction(block); i;
		     i = LLVMGetNextInstruction(i))
			if (begins_block(i) && !stands_alone(i))
				split_before(builder, context, i);
	LLVMDisposeBuilder(builder);
	return 0;
}

void ir_llvm_free(struct ir_llvm *llvm)
{
	if (!llvm->context)
		return;
	if (llvm->module)
		LLVMDisposeModule(llvm->module);
	if (llvm->original)
		LLVMDisposeModule(llvm->original);
	LLVMContextDispose(llvm->context);
	llvm->context = NULL;
}
