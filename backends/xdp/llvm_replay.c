/* Helpers that a check build replays or watches. */
#include "backends/xdp/llvm_xdp.h"
#include "support/arena.h"

#include <string.h>

/* The original's maps and the clone's are different values by the same names. */
static int map_named_by(const struct llvm_clone *c, LLVMValueRef operand)
{
	size_t length;
	const char *name = LLVMGetValueName2(operand, &length);

	for (size_t m = 0; m < c->program->map_count; m++)
		if (strcmp(c->program->maps[m].name, name) == 0)
			return (int)m;
	return IR_NONE;
}

static LLVMValueRef replay_clock(struct llvm_clone *c, LLVMValueRef call, const char *name)
{
	LLVMTypeRef type = LLVMTypeOf(call);

	if (strncmp(name, "ktime_get", 9) == 0)
		return llvm_call(c, "cleave_rt_replay_ktime", type, NULL, 0);
	if (strcmp(name, "jiffies64") == 0)
		return llvm_call(c, "cleave_rt_replay_jiffies", type, NULL, 0);
	if (strcmp(name, "get_prandom_u32") == 0)
		return llvm_call(c, "cleave_rt_replay_random", type, NULL, 0);
	return NULL;
}

static LLVMValueRef note_redirect(struct llvm_clone *c, LLVMValueRef call, const char *name)
{
	LLVMValueRef arguments[4];
	unsigned count = LLVMGetNumArgOperands(call);
	int map;

	for (unsigned i = 0; i < count && i < 3; i++)
		arguments[i] = LLVMGetOperand(call, i);
	if (strcmp(name, "redirect") == 0 && count == 2)
		return llvm_call(c, "cleave_rt_replay_redirect", LLVMTypeOf(call), arguments, 2);
	if (strcmp(name, "redirect_peer") == 0 && count == 2)
		return llvm_call(c, "cleave_rt_replay_redirect_peer", LLVMTypeOf(call), arguments,
				 2);
	if (strcmp(name, "redirect_map") != 0 || count != 3)
		return NULL;
	map = map_named_by(c, arguments[0]);
	if (map == IR_NONE)
		return NULL;
	arguments[3] = llvm_u32(c, (uint64_t)map);
	return llvm_call(c, "cleave_rt_replay_redirect_map", LLVMTypeOf(call), arguments, 4);
}

LLVMValueRef llvm_replay_helper(struct llvm_clone *c, LLVMValueRef call,
				const struct ir_helper *helper)
{
	if (!c->replay_inputs || !helper)
		return NULL;
	if (helper->op == IR_OP_CLOCK)
		return replay_clock(c, call, helper->name);
	return helper->op == IR_OP_REDIRECT ? note_redirect(c, call, helper->name) : NULL;
}

void llvm_note_context(struct llvm_clone *c)
{
	LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(c->function);
	LLVMValueRef context = LLVMGetParam(c->function, 0);

	if (!c->replay_inputs || c->program->kind != IR_PROGRAM_TC)
		return;
	for (; block; block = LLVMGetNextBasicBlock(block)) {
		LLVMValueRef end = LLVMGetBasicBlockTerminator(block);

		if (!LLVMIsAReturnInst(end))
			continue;
		LLVMPositionBuilderBefore(c->builder, end);
		llvm_set_place(c, end);
		llvm_call(c, "cleave_rt_replay_skb", c->none, &context, 1);
	}
}
