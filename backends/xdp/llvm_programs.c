/*
 * Programs that call each other by bpf_tail_call: one function in the graph, one BPF program each
 * in the kernel part. The function asks `cleave.tail.program` where to start, so that it can be
 * inlined into each program with another answer; LLVM deletes what that program does not reach.
 */
#include "backends/xdp/llvm_xdp.h"
#include "bundle/kernel_abi.h"
#include "ir/llvm_blocks.h"
#include "ir/tail_calls.h"
#include "support/arena.h"

#include <linux/bpf.h>
#include <llvm-c/DebugInfo.h>
#include <string.h>

/* The block that tail calls of the program enter; NULL where the kernel part makes none. */
static const struct ir_block *front_of(const struct llvm_clone *c, size_t program)
{
	const struct ir_program *p = c->program;
	int block = p->programs[program].block;

	if (block == IR_NONE || !c->plan->blocks)
		return NULL;
	int front = p->edges[p->blocks[block].in[0]].from;

	return c->plan->blocks[front].layers & 1 << IR_LAYER_KERNEL ? &p->blocks[front] : NULL;
}

static void add_incoming(LLVMBasicBlockRef to, LLVMBasicBlockRef from)
{
	LLVMValueRef phi = LLVMGetFirstInstruction(to);

	for (; phi && LLVMIsAPHINode(phi); phi = LLVMGetNextInstruction(phi)) {
		LLVMValueRef any = LLVMGetUndef(LLVMTypeOf(phi));

		LLVMAddIncoming(phi, &any, &from, 1);
	}
}

void llvm_choose_program(struct llvm_clone *c)
{
	LLVMBasicBlockRef start = LLVMGetEntryBasicBlock(c->function), choose;
	LLVMValueRef number, jump;

	if (!c->program->program_count)
		return;
	choose = LLVMInsertBasicBlockInContext(c->context, start, "choose");
	llvm_move_allocas(c->builder, start, choose);
	llvm_set_place(c, NULL);
	number = llvm_call(c, TAIL_PROGRAM, c->i32, NULL, 0);
	jump = LLVMBuildSwitch(c->builder, number, start, (unsigned)c->program->program_count);
	for (size_t p = 0; p < c->program->program_count; p++) {
		const struct ir_block *front = front_of(c, p);
		LLVMBasicBlockRef to =
		    front ? llvm_clone_block(c, (int)(front - c->program->blocks)) : NULL;

		if (!to)
			continue;
		LLVMAddCase(jump, llvm_u32(c, p + 1), to);
		add_incoming(to, choose);
	}
}

bool llvm_lower_tail_call(struct llvm_clone *c, LLVMValueRef call, const char *name,
			  LLVMValueRef *now)
{
	LLVMTypeRef types[] = {c->ptr, c->ptr, c->i32};
	LLVMValueRef helper = LLVMConstIntToPtr(llvm_u64(c, BPF_FUNC_tail_call), c->ptr);
	bool called = strcmp(name, "cleave.help.tail_call") == 0;

	*now = NULL;
	if (!called && strncmp(name, TAIL_PREFIX, strlen(TAIL_PREFIX)) != 0)
		return false;
	LLVMPositionBuilderBefore(c->builder, call);
	llvm_set_place(c, call);
	if (called) { /* who comes back has failed */
		LLVMValueRef arguments[] = {LLVMGetOperand(call, 0), LLVMGetOperand(call, 1),
					    LLVMGetOperand(call, 2)};

		LLVMBuildCall2(c->builder, LLVMFunctionType(c->i64, types, 3, 0), helper, arguments,
			       3, "");
		*now = LLVMConstAllOnes(c->i32);
	} else if (strcmp(name, TAIL_START) == 0) {
		*now = llvm_call(c, "cleave_rt_tail_start", c->none, NULL, 0);
	} else if (strcmp(name, TAIL_ENTERED) == 0) {
		*now = !LLVMGetFirstUse(call)
			   ? llvm_u32(c, 0)
			   : llvm_call(c, "cleave_rt_tail_depth", c->i32, NULL, 0);
	}
	return true;
}

/* `return joined(ctx);` */
static void fill_program(struct llvm_clone *c, LLVMValueRef program, LLVMValueRef joined)
{
	LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(program);
	LLVMValueRef context = LLVMGetParam(program, 0), result;
	LLVMMetadataRef scope = LLVMGetSubprogram(program), place = NULL;

	if (block)
		LLVMInstructionEraseFromParent(LLVMGetBasicBlockTerminator(block));
	else
		block = LLVMAppendBasicBlockInContext(c->context, program, "");
	if (scope)
		place = LLVMDIBuilderCreateDebugLocation(c->context, LLVMDISubprogramGetLine(scope),
							 0, scope, NULL);
	LLVMSetCurrentDebugLocation2(c->builder, place);
	LLVMPositionBuilderAtEnd(c->builder, block);
	result =
	    LLVMBuildCall2(c->builder, LLVMGlobalGetValueType(joined), joined, &context, 1, "");
	LLVMBuildRet(c->builder, result);
	LLVMSetLinkage(program, LLVMExternalLinkage);
}

/* The first program, as others call it, starts at another place than packets do. */
static LLVMValueRef make_callee(struct llvm_clone *c, LLVMValueRef joined)
{
	LLVMValueRef f =
	    LLVMAddFunction(c->module, CLEAVE_PROG_CALLEE, LLVMGlobalGetValueType(joined));

	LLVMSetSection(f, c->program->section);
	return f;
}

static void answer(struct llvm_clone *c, LLVMValueRef function, uint32_t number)
{
	LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function);

	for (; block; block = LLVMGetNextBasicBlock(block))
		for (LLVMValueRef i = LLVMGetFirstInstruction(block), next; i; i = next) {
			const char *name = llvm_intrinsic_name(i);

			next = LLVMGetNextInstruction(i);
			if (!name || strcmp(name, TAIL_PROGRAM) != 0)
				continue;
			LLVMReplaceAllUsesWith(i, llvm_u32(c, number));
			LLVMInstructionEraseFromParent(i);
		}
}

static void fill_all(struct llvm_clone *c, LLVMValueRef joined)
{
	for (size_t p = 0; p < c->program->program_count; p++) {
		const struct ir_tail_program *program = &c->program->programs[p];

		if (p == 0 || front_of(c, p))
			fill_program(c, LLVMGetNamedFunction(c->module, program->name), joined);
	}
	if (front_of(c, 0))
		fill_program(c, make_callee(c, joined), joined);
}

int llvm_split_programs(struct llvm_clone *c, struct diag *diag)
{
	unsigned kind = LLVMGetEnumAttributeKindForName("alwaysinline", 12);
	LLVMValueRef joined = c->function, f;
	LLVMMetadataRef scope = LLVMGetSubprogram(joined);
	int err;

	if (!c->program->program_count)
		return 0;
	LLVMSetLinkage(joined, LLVMInternalLinkage);
	LLVMAddAttributeAtIndex(joined, LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(c->context, kind, 0));
	fill_all(c, joined);
	err = llvm_run_passes(c->module, "always-inline", NULL, diag);
	if (err)
		return err;
	/* The pass has deleted the joined function: its debug info goes back where it came from. */
	LLVMSetSubprogram(LLVMGetNamedFunction(c->module, c->program->name), scope);
	for (size_t p = 0; p < c->program->program_count; p++) {
		f = LLVMGetNamedFunction(c->module, c->program->programs[p].name);
		answer(c, f, p ? (uint32_t)p + 1 : 0);
	}
	f = LLVMGetNamedFunction(c->module, CLEAVE_PROG_CALLEE);
	if (f)
		answer(c, f, 1);
	return 0;
}

LLVMValueRef llvm_kernel_program(const struct llvm_clone *c, size_t number)
{
	size_t count = c->program->program_count;
	LLVMValueRef f;

	if (!count)
		return number ? NULL : c->function;
	for (size_t p = 0, n = 0; p <= count; p++) {
		const char *name = p < count ? c->program->programs[p].name : CLEAVE_PROG_CALLEE;

		f = LLVMGetNamedFunction(c->module, name);
		if (f && !LLVMIsDeclaration(f) && n++ == number)
			return f;
	}
	return NULL;
}

void llvm_take_function(struct llvm_clone *c, LLVMValueRef function)
{
	c->function = function;
	c->packet = LLVMGetParam(function, 0);
}
