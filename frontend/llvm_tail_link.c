/* After inlining: where tail calls succeed, the joined function goes on with the program called. */
#include "frontend/llvm_tail_calls.h"

#include <linux/bpf.h>
#include <llvm-c/DebugInfo.h>
#include <string.h>

#include "ir/tail_calls.h"
#include "support/arena.h"

struct link {
	struct ir_program *program;
	struct tail_contents *contents;
	LLVMBuilderRef b;
	LLVMTypeRef i32;
	LLVMValueRef slot;         /* of the depth, or NULL */
	LLVMBasicBlockRef aborted; /* a program that is none of ours */
};

static bool is_call_of(LLVMValueRef i, const char *name)
{
	const char *called = LLVMIsACallInst(i) ? llvm_intrinsic_name(i) : NULL;

	return called && strcmp(called, name) == 0;
}

static LLVMBasicBlockRef aborted_block(struct link *l)
{
	LLVMContextRef context = l->program->llvm->context;

	if (l->aborted)
		return l->aborted;
	l->aborted = LLVMAppendBasicBlockInContext(context, l->program->llvm->function, "foreign");
	LLVMPositionBuilderAtEnd(l->b, l->aborted);
	LLVMBuildRet(l->b, LLVMConstInt(l->i32, XDP_ABORTED, 0));
	return l->aborted;
}

/* `unreachable` behind `cleave.tail.enter(map, t)` becomes the switch over the programs. */
static void link_site(struct link *l, LLVMValueRef enter)
{
	LLVMValueRef map = LLVMGetOperand(enter, 0), target = LLVMGetOperand(enter, 1), choose;
	LLVMBasicBlockRef otherwise = aborted_block(l);
	LLVMMetadataRef place = LLVMInstructionGetDebugLoc(enter);

	LLVMInstructionEraseFromParent(
	    LLVMGetBasicBlockTerminator(LLVMGetInstructionParent(enter)));
	LLVMPositionBuilderAtEnd(l->b, LLVMGetInstructionParent(enter));
	LLVMSetCurrentDebugLocation2(l->b, place);
	if (l->slot) {
		LLVMValueRef depth = LLVMBuildLoad2(l->b, l->i32, l->slot, "");
		LLVMValueRef one = LLVMConstInt(l->i32, 1, 0);

		LLVMBuildStore(l->b, LLVMBuildAdd(l->b, depth, one, ""), l->slot);
	}
	choose = LLVMBuildSwitch(l->b, target, otherwise, (unsigned)l->program->program_count);
	for (size_t p = 0; p < l->program->program_count; p++) {
		const struct ir_tail_program *called = &l->program->programs[p];

		if (called->is_called && tail_contents_may_hold(l->contents, map, called->function))
			LLVMAddCase(choose, LLVMConstInt(l->i32, p, 0), called->value);
	}
	LLVMSetCurrentDebugLocation2(l->b, NULL);
}

static void link_instruction(struct link *l, LLVMValueRef i)
{
	if (is_call_of(i, TAIL_ENTER)) {
		link_site(l, i);
	} else if (is_call_of(i, TAIL_HERE)) {
		LLVMPositionBuilderBefore(l->b, i);
		LLVMSetCurrentDebugLocation2(l->b, LLVMInstructionGetDebugLoc(i));
		LLVMReplaceAllUsesWith(i, LLVMBuildLoad2(l->b, l->i32, l->slot, "depth"));
		LLVMInstructionEraseFromParent(i);
		LLVMSetCurrentDebugLocation2(l->b, NULL);
	}
}

/*
 * A block about to be deleted lets go of all others. Records of debug info before a terminator go
 * to what stands behind it; without the unreachable, LLVM 19 would keep them for the next block
 * that it happens to make at the same address.
 */
static void let_go(LLVMBuilderRef b, LLVMBasicBlockRef block)
{
	LLVMValueRef last = LLVMGetBasicBlockTerminator(block);

	for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i))
		if (LLVMGetTypeKind(LLVMTypeOf(i)) != LLVMVoidTypeKind)
			LLVMReplaceAllUsesWith(i, LLVMGetUndef(LLVMTypeOf(i)));
	LLVMPositionBuilderAtEnd(b, block);
	LLVMBuildUnreachable(b);
	LLVMInstructionEraseFromParent(last);
}

/* Its code is in the joined function now; what is left is a name for the kernel part. */
static void empty_function(struct ir_program *program, LLVMValueRef function)
{
	LLVMContextRef context = program->llvm->context;
	unsigned kind = LLVMGetEnumAttributeKindForName("alwaysinline", 12);
	LLVMBasicBlockRef only, block;
	LLVMBuilderRef b = LLVMCreateBuilderInContext(context);

	for (block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block))
		let_go(b, block);
	while ((block = LLVMGetLastBasicBlock(function)))
		LLVMDeleteBasicBlock(block);
	only = LLVMAppendBasicBlockInContext(context, function, "");
	LLVMPositionBuilderAtEnd(b, only);
	LLVMBuildUnreachable(b);
	LLVMDisposeBuilder(b);
	LLVMRemoveEnumAttributeAtIndex(function, LLVMAttributeFunctionIndex, kind);
	LLVMSetLinkage(function, LLVMInternalLinkage);
}

int frontend_link_tail_calls(struct ir_program *program, struct diag *diag)
{
	LLVMContextRef context = program->llvm->context;
	struct link l = {.program = program,
			 .i32 = LLVMInt32TypeInContext(context),
			 .slot = program->tail_depth};
	LLVMValueRef i = frontend_first_instruction(program->llvm->function), next;
	int err = program->program_count ? tail_contents_read(program, &l.contents, diag) : 0;

	if (err || !program->program_count)
		return err;
	l.b = LLVMCreateBuilderInContext(context);
	for (; i; i = next) {
		next = frontend_next_instruction(i);
		if (is_call_of(i, TAIL_ENTER)) /* the unreachable behind it goes */
			next = frontend_next_instruction(next);
		link_instruction(&l, i);
	}
	LLVMDisposeBuilder(l.b);
	for (size_t p = 0; p < program->program_count; p++)
		empty_function(program, program->programs[p].function);
	return 0;
}
