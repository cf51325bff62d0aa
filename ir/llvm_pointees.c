/*
 * Every memory that a pointer may point into. Where ways join that chose different memories, as in
 * `entry = found ? found : &fallback`, the pointer's region is MIXED and names none of them.
 */
#include "ir/ir.h"
#include "ir/llvm_ir.h"

enum { SEEN_MAX = 256 };

struct search {
	const struct ir_program *program;
	struct llvm_pointees *into;
	LLVMValueRef seen[SEEN_MAX];
	size_t seen_count;
};

static void add_region(struct llvm_pointees *into, struct llvm_region region)
{
	for (size_t i = 0; i < into->count; i++)
		if (into->regions[i].memory == region.memory &&
		    into->regions[i].index == region.index)
			return;
	if (into->count < LLVM_POINTEES_MAX)
		into->regions[into->count++] = region;
	else
		into->all = false;
}

static bool is_seen(struct search *s, LLVMValueRef value)
{
	for (size_t i = 0; i < s->seen_count; i++)
		if (s->seen[i] == value)
			return true;
	if (s->seen_count < SEEN_MAX)
		s->seen[s->seen_count++] = value;
	else
		s->into->all = false;
	return s->seen_count == SEEN_MAX;
}

static void find(struct search *s, LLVMValueRef value)
{
	struct llvm_region region = llvm_pointer_region(s->program, value);

	if (is_seen(s, value))
		return;
	if (region.memory == LLVM_MEMORY_NULL)
		return;
	if (region.memory != LLVM_MEMORY_MIXED) {
		/* The offset of one of them in a sum of two is none. */
		if (region.memory != LLVM_MEMORY_UNKNOWN || LLVMTypeOf(value) == s->into->pointer)
			add_region(s->into, region);
		return;
	}
	if (LLVMIsAPHINode(value)) {
		for (unsigned i = 0; i < LLVMCountIncoming(value); i++)
			find(s, LLVMGetIncomingValue(value, i));
		return;
	}
	for (int i = LLVMIsASelectInst(value) ? 1 : 0; i < LLVMGetNumOperands(value); i++)
		find(s, LLVMGetOperand(value, (unsigned)i));
}

struct llvm_pointees llvm_pointees_of(const struct ir_program *program, LLVMValueRef pointer)
{
	struct llvm_pointees into = {.all = true, .pointer = LLVMTypeOf(pointer)};
	struct search s = {.program = program, .into = &into};

	find(&s, pointer);
	return into;
}
