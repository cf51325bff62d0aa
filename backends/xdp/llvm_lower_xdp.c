/* Lowering of intrinsics to what the kernel runs. */
#include "backends/xdp/llvm_xdp.h"
#include "bundle/kernel_abi.h"
#include "ir/context_fields.h"
#include "ir/helpers.h"
#include "ir/llvm_blocks.h"
#include "ir/tail_calls.h"
#include "support/arena.h"

#include <linux/bpf.h>
#include <string.h>

static LLVMValueRef helper_pointer(const struct llvm_clone *c, int number)
{
	return LLVMConstIntToPtr(llvm_u64(c, (uint64_t)number), c->ptr);
}

static LLVMValueRef load_field(struct llvm_clone *c, const struct ir_context_field *field)
{
	LLVMTypeRef type = LLVMIntTypeInContext(c->context, 8 * field->bytes);
	LLVMValueRef word =
	    LLVMBuildLoad2(c->builder, type, llvm_at(c, c->packet, field->offset), "");

	LLVMSetVolatile(word, 1);
	if (field->kind != IR_CONTEXT_POINTER)
		return word;
	/* 32 bits wide in the source, and a pointer in the verifier's eyes */
	word = LLVMBuildZExt(c->builder, word, c->i64, "");
	return LLVMBuildIntToPtr(c->builder, word, c->ptr, "");
}

static LLVMValueRef lower_context(struct llvm_clone *c, LLVMValueRef call, const char *name)
{
	bool writes;
	const struct ir_context_field *field = ir_context_field_of(c->program->kind, name, &writes);

	if (!field)
		return NULL;
	if (!writes)
		return load_field(c, field);
	LLVMValueRef store = LLVMBuildStore(c->builder, LLVMGetOperand(call, 1),
					    llvm_at(c, c->packet, field->offset));
	LLVMSetVolatile(store, 1);
	return store;
}

static LLVMValueRef call_helper(struct llvm_clone *c, LLVMValueRef call, int number)
{
	LLVMValueRef arguments[8];
	unsigned count = LLVMGetNumArgOperands(call);

	for (unsigned a = 0; a < count && a < 8; a++)
		arguments[a] = LLVMGetOperand(call, a);
	return LLVMBuildCall2(c->builder, LLVMGetCalledFunctionType(call),
			      helper_pointer(c, number), arguments, count, "");
}

static int map_of(const struct llvm_clone *c, LLVMValueRef call)
{
	for (size_t m = 0; m < c->program->map_count; m++)
		if (llvm_clone_value(c, c->program->maps[m].value) == LLVMGetOperand(call, 0))
			return (int)m;
	return IR_NONE;
}

uint32_t llvm_value_offset(const struct ir_map *map)
{
	return (uint32_t)sizeof(struct cleave_value_slot) + ((map->key_size + 7) & ~7u);
}

uint32_t llvm_values_slots(const struct ir_map *map)
{
	return 2 * map->max_entries + 1024;
}

static unsigned align_of(LLVMValueRef pointer)
{
	int64_t offset = 0;

	while (LLVMIsAGetElementPtrInst(pointer) && LLVMGetNumOperands(pointer) == 2 &&
	       LLVMIsAConstantInt(LLVMGetOperand(pointer, 1))) {
		offset += LLVMConstIntGetSExtValue(LLVMGetOperand(pointer, 1));
		pointer = LLVMGetOperand(pointer, 0);
	}
	unsigned align = LLVMIsAAllocaInst(pointer) || LLVMIsAGlobalVariable(pointer)
			     ? LLVMGetAlignment(pointer)
			     : 1;
	while (align > 1 && offset % (int64_t)align)
		align /= 2;
	return align ? align : 1;
}

/*
 * An update of a `shared values` map: claim a slot, fill it in, publish it. With no free slot the
 * kernel's own answer for want of memory is given.
 */
static LLVMValueRef update_values(struct llvm_clone *c, LLVMValueRef call, int map)
{
	const struct ir_map *m = &c->program->maps[map];
	LLVMValueRef hash = LLVMGetOperand(call, 0), key = LLVMGetOperand(call, 1);
	LLVMValueRef value = LLVMGetOperand(call, 2), flags = LLVMGetOperand(call, 3);
	LLVMValueRef result = llvm_stack(c, 8, "result"), values = llvm_values_map(c, map);
	LLVMBasicBlockRef rest = llvm_split_behind(c->builder, call, "rest"),
			  before = LLVMGetInstructionParent(call);
	LLVMBasicBlockRef fill = LLVMInsertBasicBlockInContext(c->context, rest, "fill");

	LLVMPositionBuilderAtEnd(c->builder, before);
	llvm_set_place(c, call);
	LLVMBuildStore(c->builder, LLVMConstInt(c->i64, (uint64_t)-12, 1), result);
	LLVMValueRef index = LLVMBuildCall2(c->builder, LLVMFunctionType(c->i32, NULL, 0, 0),
					    llvm_claim_function(c, map), NULL, 0, "");
	LLVMValueRef find[] = {values, index};
	LLVMValueRef slot = llvm_call(c, "cleave_rt_values_slot", c->ptr, find, 2);
	LLVMBuildCondBr(c->builder, LLVMBuildIsNull(c->builder, slot, ""), rest, fill);
	LLVMPositionBuilderAtEnd(c->builder, fill);
	llvm_copy(c, llvm_at(c, slot, sizeof(struct cleave_value_slot)), 8, key, align_of(key),
		  m->key_size);
	llvm_copy(c, llvm_at(c, slot, llvm_value_offset(m)), 8, value, align_of(value),
		  m->value_size);
	LLVMValueRef publish[] = {hash, slot, index, key, flags};
	LLVMBuildStore(c->builder, llvm_call(c, "cleave_rt_values_publish", c->i64, publish, 5),
		       result);
	LLVMBuildBr(c->builder, rest);
	LLVMPositionBuilder(c->builder, rest, LLVMGetFirstInstruction(rest));
	return LLVMBuildLoad2(c->builder, c->i64, result, "");
}

static LLVMValueRef lower_map(struct llvm_clone *c, LLVMValueRef call,
			      const struct ir_helper *helper)
{
	int map = map_of(c, call);

	if (map == IR_NONE || c->plan->maps[map].home != MAP_HOME_SHARED_VALUES ||
	    helper->op == IR_OP_MAP_DELETE)
		return call_helper(c, call, helper->number);
	if (helper->op == IR_OP_MAP_UPDATE)
		return update_values(c, call, map);
	LLVMValueRef arguments[] = {LLVMGetOperand(call, 0), llvm_values_map(c, map),
				    LLVMGetOperand(call, 1),
				    llvm_u32(c, llvm_value_offset(&c->program->maps[map]))};
	return llvm_call(c, "cleave_rt_values_lookup", c->ptr, arguments, 4);
}

static LLVMValueRef lower_call(struct llvm_clone *c, LLVMValueRef call, const char *name)
{
	const struct ir_helper *helper = ir_helper_by_intrinsic(name);
	LLVMValueRef replayed;

	LLVMPositionBuilderBefore(c->builder, call);
	llvm_set_place(c, call);
	if (!helper)
		return lower_context(c, call, name);
	if (strncmp(name, "cleave.map.", 11) == 0)
		return lower_map(c, call, helper);
	replayed = llvm_replay_helper(c, call, helper);
	return replayed ? replayed : call_helper(c, call, helper->number);
}

static void lower_instruction(struct llvm_clone *c, LLVMValueRef i)
{
	const char *name = llvm_intrinsic_name(i);

	LLVMValueRef now;

	if (!name || strcmp(name, TAIL_PROGRAM) == 0)
		return;
	if (!llvm_lower_tail_call(c, i, name, &now))
		now = lower_call(c, i, name);
	if (LLVMGetTypeKind(LLVMTypeOf(i)) != LLVMVoidTypeKind)
		LLVMReplaceAllUsesWith(i, now);
	LLVMInstructionEraseFromParent(i);
}

void llvm_count_verdicts(struct llvm_clone *c)
{
	LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(c->function);

	for (; block; block = LLVMGetNextBasicBlock(block)) {
		LLVMValueRef end = LLVMGetBasicBlockTerminator(block), action;

		if (!LLVMIsAReturnInst(end))
			continue;
		action = LLVMGetOperand(end, 0);
		LLVMPositionBuilderBefore(c->builder, end);
		llvm_set_place(c, end);
		LLVMSetOperand(end, 0, llvm_call(c, "cleave_rt_verdict", c->i32, &action, 1));
	}
}

void llvm_lower_to_xdp(struct llvm_clone *c)
{
	LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(c->function);

	for (; block; block = LLVMGetNextBasicBlock(block))
		for (LLVMValueRef i = LLVMGetFirstInstruction(block), next; i; i = next) {
			bool last = LLVMGetBasicBlockTerminator(block) == i;

			next = last ? NULL : LLVMGetNextInstruction(i);
			lower_instruction(c, i);
			/* What followed an update now stands in a block of its own, which comes
			 * next. */
			if (next && LLVMGetInstructionParent(next) != block)
				break;
		}
}
