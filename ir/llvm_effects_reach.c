/* Reaching definitions for bytes of stack objects: which stores may have made what a look-up's key
 * holds. */
#include "ir/llvm_effects.h"

#include <string.h>

#include "support/arena.h"

static void add_write(struct effects *fx, LLVMValueRef instruction, int block, LLVMValueRef pointer,
		      bool sure, uint64_t size)
{
	struct llvm_region region = llvm_pointer_region(fx->program, pointer);
	struct stack_write write = {.instruction = instruction, .block = block, .size = size};

	if (region.memory != LLVM_MEMORY_STACK && region.memory != LLVM_MEMORY_MIXED &&
	    region.memory != LLVM_MEMORY_UNKNOWN)
		return;
	write.root = region.memory == LLVM_MEMORY_STACK ? region.root : NULL;
	write.offset = region.offset;
	write.exact = sure && write.root && region.constant;
	*ARENA_PUSH(fx->program->arena, fx->writes, fx->write_count, fx->write_capacity) = write;
}

static void add_call_writes(struct effects *fx, LLVMValueRef call, int block)
{
	bool helper = effects_helper_name(call);
	uint64_t size = 0;

	if (effects_is_intrinsic(call, "llvm.mem")) {
		bool sure = effects_const(LLVMGetOperand(call, 2), &size);

		add_write(fx, call, block, LLVMGetOperand(call, 0), sure, size);
		return;
	}
	if (effects_is_intrinsic(call, "llvm.lifetime") || effects_is_intrinsic(call, "llvm.dbg"))
		return;
	for (unsigned i = 0; i < LLVMGetNumArgOperands(call); i++) {
		LLVMValueRef argument = LLVMGetOperand(call, i);
		struct llvm_helper_access access;

		if (helper &&
		    (!llvm_helper_access(fx->program, call, i, &access) || !access.writes))
			continue;
		if (LLVMGetTypeKind(LLVMTypeOf(argument)) == LLVMPointerTypeKind)
			add_write(fx, call, block, argument, false, 0);
	}
}

void effects_find_stack_writes(struct effects *fx)
{
	const struct ir_program *p = fx->program;

	fx->first_write = arena_array(p->arena, p->block_count + 1, sizeof *fx->first_write);
	fx->stack = arena_array(p->arena, p->block_count + 1, sizeof *fx->stack);
	fx->visited = arena_array(p->arena, p->block_count, sizeof *fx->visited);
	for (size_t b = 0; b < p->block_count; b++) {
		fx->first_write[b] = (unsigned)fx->write_count;
		for (LLVMValueRef i = LLVMGetFirstInstruction(p->blocks[b].value); i;
		     i = LLVMGetNextInstruction(i)) {
			if (LLVMIsAStoreInst(i))
				add_write(fx, i, (int)b, LLVMGetOperand(i, 1), true,
					  effects_type_bytes(fx, LLVMTypeOf(LLVMGetOperand(i, 0))));
			else if (LLVMIsAAtomicRMWInst(i) || LLVMIsAAtomicCmpXchgInst(i))
				add_write(fx, i, (int)b, LLVMGetOperand(i, 0), false, 0);
			else if (LLVMIsACallInst(i))
				add_call_writes(fx, i, (int)b);
		}
	}
	fx->first_write[p->block_count] = (unsigned)fx->write_count;
}

static void note_write(struct reach *reach, unsigned write)
{
	for (size_t i = 0; i < reach->count; i++)
		if (reach->writes[i] == write)
			return;
	if (reach->count == REACH_WRITES_MAX)
		reach->open = true;
	else
		reach->writes[reach->count++] = write;
}

/* Backwards over a block's writes before an instruction; true when one of them settles the byte. */
static bool search_block(const struct effects *fx, LLVMValueRef root, int block, unsigned before,
			 int64_t byte, struct reach *reach)
{
	for (unsigned w = fx->first_write[block + 1]; w-- > fx->first_write[block];) {
		const struct stack_write *write = &fx->writes[w];

		if ((write->root && write->root != root) ||
		    effects_ordinal(fx, write->instruction) >= before)
			continue;
		if (!write->exact) {
			note_write(reach, w);
			continue;
		}
		if (byte < write->offset || (uint64_t)(byte - write->offset) >= write->size)
			continue;
		note_write(reach, w);
		return true;
	}
	return false;
}

void effects_reach(const struct effects *fx, LLVMValueRef root, LLVMValueRef at, int64_t byte,
		   struct reach *reach)
{
	const struct ir_program *p = fx->program;
	struct effects *scratch = (struct effects *)fx;
	int *stack = fx->stack;
	size_t depth = 0;
	int start = effects_block(fx, at);

	*reach = (struct reach){0};
	scratch->round++;
	if (start == IR_NONE)
		return;
	stack[depth++] = start;
	/* The block of `at` is met again when a loop leads back to it, then with all its writes. */
	for (bool first = true; depth; first = false) {
		int block = stack[--depth];
		unsigned before = first ? effects_ordinal(fx, at) : UINT32_MAX;

		if (search_block(fx, root, block, before, byte, reach))
			continue;
		reach->open |= block == 0;
		for (size_t i = 0; i < p->blocks[block].in_count; i++) {
			int from = p->edges[p->blocks[block].in[i]].from;

			if (from == IR_NONE || fx->visited[from] == fx->round)
				continue;
			fx->visited[from] = fx->round;
			stack[depth++] = from;
		}
	}
}

bool effects_same_reach(const struct reach *a, const struct reach *b)
{
	return a->count == b->count && a->open == b->open &&
	       !memcmp(a->writes, b->writes, a->count * sizeof *a->writes);
}
