/*
 * Every memory that a pointer may point into. Where ways join that chose different memories, as in
 * `entry = found ? found : &fallback`, the pointer's region is MIXED and names none of them.
 */
#include "ir/ir.h"
#include "ir/llvm_ir.h"
#include "ir/llvm_slots.h"

enum { SEEN_MAX = 256 };

struct search {
	const struct ir_program *program;
	struct llvm_pointees *into;
	LLVMValueRef seen[SEEN_MAX];
	size_t seen_count;
};

static void add_region(struct llvm_pointees *into, struct llvm_region region)
{
	for (size_t i = 0; i < into->count; i++) {
		struct llvm_region *same = &into->regions[i];

		if (same->memory != region.memory || same->index != region.index ||
		    (region.memory == LLVM_MEMORY_STACK && same->root != region.root))
			continue;
		if (same->root != region.root)
			same->root = NULL;
		same->constant &= region.constant && same->offset == region.offset;
		return;
	}
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

static void find(struct search *s, LLVMValueRef value, bool whole);

static void find_loaded(struct search *s, LLVMValueRef load)
{
	struct llvm_slot_values values;
	bool whole;

	if (!llvm_slot_load(s->program, load, &values, &whole) || !whole || values.pointers) {
		s->into->all = false;
		return;
	}
	for (size_t i = 0; i < values.count; i++)
		find(s, values.value[i], true);
	if (values.unknown)
		add_region(s->into,
			   (struct llvm_region){.memory = LLVM_MEMORY_UNKNOWN, .index = IR_NONE});
}

/* whole: it is the pointer, not one of two in a sum, of which one is an offset. */
static void find(struct search *s, LLVMValueRef value, bool whole)
{
	struct llvm_region region = llvm_pointer_region(s->program, value);

	if (is_seen(s, value) || region.memory == LLVM_MEMORY_NULL || region.undefined)
		return;
	if (region.memory != LLVM_MEMORY_MIXED) {
		if (region.memory != LLVM_MEMORY_UNKNOWN || whole)
			add_region(s->into, region);
		return;
	}
	if (LLVMIsAPHINode(value)) {
		for (unsigned i = 0; i < LLVMCountIncoming(value); i++)
			find(s, LLVMGetIncomingValue(value, i), true);
		return;
	}
	if (LLVMIsALoadInst(value)) {
		find_loaded(s, value);
		return;
	}
	for (int i = LLVMIsASelectInst(value) ? 1 : 0; i < LLVMGetNumOperands(value); i++)
		find(s, LLVMGetOperand(value, (unsigned)i),
		     LLVMIsASelectInst(value) || LLVMGetNumOperands(value) == 1);
}

struct llvm_pointees llvm_pointees_of(const struct ir_program *program, LLVMValueRef pointer)
{
	struct llvm_pointees into = {.all = true};
	struct search s = {.program = program, .into = &into};

	find(&s, pointer, true);
	return into;
}
