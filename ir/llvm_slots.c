/* What lies in stack objects: a fixpoint over all that writes them. */
#include "ir/llvm_slots.h"

#include <string.h>

#include "ir/llvm_range.h"
#include "support/arena.h"

enum { EXPOSE_DEPTH_MAX = 64, LOAD_DEPTH_MAX = 3 };

struct slot {
	LLVMValueRef root;
	uint64_t size;
	struct llvm_slot_values *word;
	size_t words;
	bool exposed; /* pointers that nothing is known of may lead here */
};

struct llvm_slots {
	const struct ir_program *program;
	LLVMTargetDataRef layout;
	struct slot *slot;
	size_t count;
	bool changed;
	unsigned depth; /* of loads through what was loaded */
};

/* Bytes [from, to) of one object; aligned: from, and every place between, begins a word. */
struct place {
	struct slot *slot;
	uint64_t from, to;
	bool sure; /* one place, not a choice */
	bool aligned;
};

static struct slot *slot_of(const struct llvm_slots *s, LLVMValueRef root)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->slot[i].root == root)
			return &s->slot[i];
	return NULL;
}

static bool is_call_of(LLVMValueRef call, const char *prefix)
{
	LLVMValueRef callee = LLVMGetCalledValue(call);
	size_t length;

	return LLVMIsAFunction(callee) &&
	       !strncmp(LLVMGetValueName2(callee, &length), prefix, strlen(prefix));
}

/* Does its use keep the address, or make another one of it that cannot be followed? */
static bool is_exposed(LLVMValueRef pointer, unsigned depth)
{
	for (LLVMUseRef u = LLVMGetFirstUse(pointer); u; u = LLVMGetNextUse(u)) {
		LLVMValueRef user = LLVMGetUser(u);
		bool kept = true;

		if (LLVMIsALoadInst(user) || LLVMIsAICmpInst(user))
			kept = false;
		else if (LLVMIsAStoreInst(user))
			kept = LLVMGetOperand(user, 0) == pointer;
		else if (LLVMIsAAtomicRMWInst(user) || LLVMIsAAtomicCmpXchgInst(user))
			kept = LLVMGetOperand(user, 1) == pointer;
		else if (LLVMIsAGetElementPtrInst(user))
			kept = depth == EXPOSE_DEPTH_MAX || is_exposed(user, depth + 1);
		else if (LLVMIsACallInst(user))
			kept = !llvm_intrinsic_name(user) && !is_call_of(user, "llvm.");
		if (kept)
			return true;
	}
	return false;
}

static void add_slots(struct llvm_slots *s)
{
	struct arena *arena = s->program->arena;
	LLVMValueRef i = LLVMGetFirstInstruction(s->program->blocks[0].value);
	size_t capacity = 0;

	for (; i; i = LLVMGetNextInstruction(i)) {
		if (!LLVMIsAAllocaInst(i))
			continue;
		struct slot *slot = ARENA_PUSH(arena, s->slot, s->count, capacity);

		*slot = (struct slot){.root = i,
				      .size = LLVMABISizeOfType(s->layout, LLVMGetAllocatedType(i)),
				      .exposed = is_exposed(i, 0)};
		slot->words = (size_t)(slot->size + LLVM_SLOT_BYTES - 1) / LLVM_SLOT_BYTES;
		slot->word = arena_array(arena, slot->words + 1, sizeof *slot->word);
	}
}

static struct place anywhere_in(struct slot *slot)
{
	return (struct place){.slot = slot, .to = slot->size};
}

/* The bytes that an access of size bytes (-1: as far as the object goes) can touch. */
static struct place place_of(struct llvm_span span, struct slot *slot, int64_t size)
{
	struct place place = anywhere_in(slot);
	int64_t end = span.at.most + size;

	place.aligned = span.at.least % LLVM_SLOT_BYTES == 0 && span.at.step % LLVM_SLOT_BYTES == 0;
	if (span.whole || size < 0 || span.at.least < 0 || end > (int64_t)slot->size)
		return place;
	place.from = (uint64_t)span.at.least;
	place.to = (uint64_t)end;
	place.sure = span.at.least == span.at.most;
	return place;
}

typedef void visit(struct llvm_slots *s, struct place place, void *argument);

static void visit_exposed(struct llvm_slots *s, visit *each, void *argument)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->slot[i].exposed)
			each(s, anywhere_in(&s->slot[i]), argument);
}

/* All places on the stack that the pointer may show; false when it may show others too. */
static bool visit_places(struct llvm_slots *s, LLVMValueRef pointer, int64_t size, visit *each,
			 void *argument)
{
	struct llvm_span span;
	struct slot *slot;

	if (llvm_stack_span(s->program, pointer, &span)) {
		slot = slot_of(s, span.root);
		if (slot)
			each(s, place_of(span, slot, size), argument);
		return slot;
	}
	struct llvm_pointees to = llvm_pointees_of(s->program, pointer);
	bool open = !to.all, others = false;
	for (size_t i = 0; i < to.count; i++) {
		slot = to.regions[i].root ? slot_of(s, to.regions[i].root) : NULL;
		if (to.regions[i].memory == LLVM_MEMORY_STACK && slot)
			each(s, anywhere_in(slot), argument);
		else if (to.regions[i].memory == LLVM_MEMORY_STACK ||
			 to.regions[i].memory == LLVM_MEMORY_UNKNOWN)
			open = true;
		else
			others = true;
	}
	if (open)
		visit_exposed(s, each, argument);
	return !open && !others;
}

static bool is_pointer(const struct ir_program *program, LLVMValueRef value)
{
	enum llvm_memory memory;

	if (LLVMIsNull(value) || LLVMIsUndef(value))
		return false;
	if (LLVMGetTypeKind(LLVMTypeOf(value)) == LLVMPointerTypeKind)
		return true;
	memory = llvm_pointer_region(program, value).memory;
	return memory != LLVM_MEMORY_UNKNOWN && memory != LLVM_MEMORY_NULL;
}

static void set(struct llvm_slots *s, bool *flag, bool to)
{
	s->changed |= to && !*flag;
	*flag |= to;
}

static void add_value(struct llvm_slots *s, struct llvm_slot_values *word, LLVMValueRef value)
{
	for (size_t i = 0; i < word->count; i++)
		if (word->value[i] == value)
			return;
	if (word->count < LLVM_SLOT_VALUES_MAX) {
		word->value[word->count++] = value;
		s->changed = true;
		return;
	}
	set(s, &word->unknown, true);
	set(s, &word->pointers, is_pointer(s->program, value));
}

/* What is known of the words in [from, to) is over. */
struct blur {
	bool pointers; /* by a pointer, or a part of one */
};

static void blur(struct llvm_slots *s, struct place place, void *argument)
{
	const struct blur *by = argument;

	for (uint64_t w = place.from / LLVM_SLOT_BYTES; w * LLVM_SLOT_BYTES < place.to; w++) {
		set(s, &place.slot->word[w].unknown, true);
		set(s, &place.slot->word[w].pointers, by->pointers);
	}
}

static void put(struct llvm_slots *s, struct place place, void *argument)
{
	LLVMValueRef value = argument;
	uint64_t size = LLVMStoreSizeOfType(s->layout, LLVMTypeOf(value));
	struct blur by = {is_pointer(s->program, value)};

	if (!place.aligned || size != LLVM_SLOT_BYTES) {
		blur(s, place, &by);
		return;
	}
	for (uint64_t w = place.from / LLVM_SLOT_BYTES; w * LLVM_SLOT_BYTES < place.to; w++)
		if (LLVMIsNull(value))
			set(s, &place.slot->word[w].zero, true);
		else
			add_value(s, &place.slot->word[w], value);
}

static void clear(struct llvm_slots *s, struct place place, void *argument)
{
	struct blur by = {false};

	(void)argument;
	if (!place.sure || !place.aligned || place.to % LLVM_SLOT_BYTES)
		blur(s, place, &by);
	for (uint64_t w = place.from / LLVM_SLOT_BYTES; w * LLVM_SLOT_BYTES < place.to; w++)
		set(s, &place.slot->word[w].zero, true);
}

static void merge_word(struct llvm_slots *s, struct llvm_slot_values *to,
		       const struct llvm_slot_values *from)
{
	for (size_t i = 0; i < from->count; i++)
		add_value(s, to, from->value[i]);
	set(s, &to->zero, from->zero);
	set(s, &to->unknown, from->unknown);
	set(s, &to->pointers, from->pointers);
}

static bool word_has_pointer(const struct ir_program *program, const struct llvm_slot_values *word)
{
	for (size_t i = 0; i < word->count; i++)
		if (is_pointer(program, word->value[i]))
			return true;
	return word->pointers;
}

/* One of the two ends of a copy. */
struct copied {
	struct place place;
	unsigned count;
	bool pointers;
};

static void note_source(struct llvm_slots *s, struct place place, void *argument)
{
	struct copied *from = argument;

	from->place = place;
	from->count++;
	for (uint64_t w = place.from / LLVM_SLOT_BYTES; w * LLVM_SLOT_BYTES < place.to; w++)
		from->pointers |= word_has_pointer(s->program, &place.slot->word[w]);
}

/* Word by word where both are one known place each, and what is left over not at all. */
static void copy_to(struct llvm_slots *s, struct place to, void *argument)
{
	const struct copied *from = argument;
	struct blur by = {from->pointers};
	uint64_t words = (to.to - to.from) / LLVM_SLOT_BYTES;

	if (from->count != 1 || !from->place.sure || !from->place.aligned || !to.sure ||
	    !to.aligned) {
		blur(s, to, &by);
		return;
	}
	for (uint64_t w = 0; w < words; w++)
		merge_word(s, &to.slot->word[to.from / LLVM_SLOT_BYTES + w],
			   &from->place.slot->word[from->place.from / LLVM_SLOT_BYTES + w]);
	to.from += words * LLVM_SLOT_BYTES;
	if (to.from < to.to)
		blur(s, to, &by);
}

static bool is_undefined(const struct llvm_slots *s, LLVMValueRef pointer)
{
	return llvm_pointer_region(s->program, pointer).undefined;
}

static void add_block_write(struct llvm_slots *s, LLVMValueRef call)
{
	LLVMValueRef length = LLVMGetOperand(call, 2), to = LLVMGetOperand(call, 0);
	int64_t size = LLVMIsAConstantInt(length) ? LLVMConstIntGetSExtValue(length) : -1;
	struct copied from = {0};
	struct blur by = {false};

	if (is_undefined(s, to))
		return;
	if (is_call_of(call, "llvm.memset")) {
		bool zero = LLVMIsNull(LLVMGetOperand(call, 1));

		visit_places(s, to, size, zero ? clear : blur, &by);
		return;
	}
	if (!visit_places(s, LLVMGetOperand(call, 1), size, note_source, &from))
		from.count = 2;
	visit_places(s, to, size, copy_to, &from);
}

static void add_call_writes(struct llvm_slots *s, LLVMValueRef call)
{
	bool helper = llvm_intrinsic_name(call);
	struct llvm_helper_access access;
	struct blur by = {false};

	if (is_call_of(call, "llvm.mem")) {
		add_block_write(s, call);
		return;
	}
	if (is_call_of(call, "llvm.") || LLVMIsAInlineAsm(LLVMGetCalledValue(call)))
		return;
	for (unsigned a = 0; a < LLVMGetNumArgOperands(call); a++) {
		LLVMValueRef argument = LLVMGetOperand(call, a);

		if (helper && (!llvm_helper_access(s->program, call, a, &access) || !access.writes))
			continue;
		if (LLVMGetTypeKind(LLVMTypeOf(argument)) == LLVMPointerTypeKind &&
		    !is_undefined(s, argument))
			visit_places(s, argument, helper ? access.size : -1, blur, &by);
	}
	if (!helper) /* whoever is called may find what is kept somewhere */
		visit_exposed(s, blur, &by);
}

static void add_writes(struct llvm_slots *s, LLVMValueRef i)
{
	struct blur by = {false};

	if (LLVMIsAStoreInst(i)) {
		LLVMValueRef value = LLVMGetOperand(i, 0), to = LLVMGetOperand(i, 1);
		int64_t size = (int64_t)LLVMStoreSizeOfType(s->layout, LLVMTypeOf(value));

		if (!is_undefined(s, to))
			visit_places(s, to, size, put, value);
	} else if (LLVMIsAAtomicRMWInst(i) || LLVMIsAAtomicCmpXchgInst(i)) {
		if (!is_undefined(s, LLVMGetOperand(i, 0)))
			visit_places(s, LLVMGetOperand(i, 0), LLVM_SLOT_BYTES, blur, &by);
	} else if (LLVMIsACallInst(i)) {
		add_call_writes(s, i);
	}
}

void llvm_find_slots(struct ir_program *program)
{
	struct llvm_slots *s = arena_alloc(program->arena, sizeof *s);

	*s = (struct llvm_slots){.program = program,
				 .layout = LLVMGetModuleDataLayout(program->llvm->module)};
	add_slots(s);
	if (!s->count)
		return;
	program->llvm->slots = s;
	do {
		s->changed = false;
		for (size_t b = 0; b < program->block_count; b++)
			for (LLVMValueRef i = LLVMGetFirstInstruction(program->blocks[b].value); i;
			     i = LLVMGetNextInstruction(i))
				add_writes(s, i);
	} while (s->changed);
}

struct gathered {
	struct llvm_slot_values *values;
	bool aligned;
};

static void gather(struct llvm_slots *s, struct place place, void *argument)
{
	struct gathered *into = argument;
	struct llvm_slot_values *to = into->values;

	(void)s;
	into->aligned &= place.aligned;
	for (uint64_t w = place.from / LLVM_SLOT_BYTES; w * LLVM_SLOT_BYTES < place.to; w++) {
		const struct llvm_slot_values *word = &place.slot->word[w];

		for (size_t i = 0; i < word->count; i++)
			if (to->count < LLVM_SLOT_VALUES_MAX)
				to->value[to->count++] = word->value[i];
			else
				to->unknown = to->pointers = true;
		to->zero |= word->zero;
		to->unknown |= word->unknown;
		to->pointers |= word->pointers;
	}
}

bool llvm_slot_load(const struct ir_program *program, LLVMValueRef load,
		    struct llvm_slot_values *values, bool *whole)
{
	struct llvm_slots *s = program->llvm->slots;
	LLVMValueRef from = LLVMGetOperand(load, 0);
	struct gathered into = {values, true};

	*values = (struct llvm_slot_values){0};
	*whole = true;
	if (!s)
		return false;
	if (s->depth == LOAD_DEPTH_MAX) {
		values->unknown = values->pointers = true;
		return true;
	}
	s->depth++;
	int64_t size = (int64_t)LLVMStoreSizeOfType(s->layout, LLVMTypeOf(load));
	if (!is_undefined(s, from) && !visit_places(s, from, size, gather, &into))
		values->unknown = true;
	s->depth--;
	*whole = size == LLVM_SLOT_BYTES && into.aligned;
	return values->count || values->zero || values->pointers || !values->unknown;
}

bool llvm_slot_has_pointer(const struct ir_program *program, LLVMValueRef alloca, uint64_t byte)
{
	const struct llvm_slots *s = program->llvm->slots;
	const struct slot *slot = s ? slot_of(s, alloca) : NULL;

	return slot && byte < slot->size &&
	       word_has_pointer(program, &slot->word[byte / LLVM_SLOT_BYTES]);
}
