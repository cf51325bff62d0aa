/*
 * The context's address in a struct on the stack, beside a key whose own address goes to a helper
 * (`struct walk w = {.ctx = ctx}; bpf_loop(n, step, &w, 0)`): LLVM keeps such a struct in memory.
 * What is loaded from there is the context, where nothing else can have been written there.
 *
 * All uses of the struct have to be understood. A helper gets an address behind the context's only:
 * it never reaches back. A place that was cleared holds NULL until the context is stored, which
 * has to follow at once.
 */
#include "frontend/llvm_stages.h"

#include <string.h>

#include "ir/llvm_range.h"
#include "support/arena.h"

enum { WORD = 8 };

struct list {
	LLVMValueRef *value;
	size_t count, capacity;
};

struct kept {
	struct ir_program *program;
	LLVMTargetDataRef layout;
	LLVMValueRef context;
	int64_t at; /* where in the object */
	struct list stores, loads, clears;
};

/* An address in the object: at `offset`, or, when it is not exact, there or behind it. */
struct address {
	LLVMValueRef pointer;
	int64_t offset;
	bool exact;
};

static void push(struct kept *k, struct list *list, LLVMValueRef value)
{
	*ARENA_PUSH(k->program->arena, list->value, list->count, list->capacity) = value;
}

static bool is_behind(const struct kept *k, struct address a)
{
	return a.offset >= k->at + WORD;
}

/* size < 0: not known */
static bool is_apart(const struct kept *k, struct address a, int64_t size)
{
	return is_behind(k, a) || (a.exact && size >= 0 && a.offset + size <= k->at);
}

static int64_t size_of(const struct kept *k, LLVMValueRef value)
{
	return (int64_t)LLVMStoreSizeOfType(k->layout, LLVMTypeOf(value));
}

static bool is_word(const struct kept *k, struct address a, LLVMValueRef value)
{
	return a.exact && a.offset == k->at &&
	       LLVMGetTypeKind(LLVMTypeOf(value)) == LLVMPointerTypeKind;
}

static bool calls(LLVMValueRef call, const char *prefix)
{
	LLVMValueRef callee = LLVMGetCalledValue(call);
	size_t length;

	return LLVMIsAFunction(callee) &&
	       !strncmp(LLVMGetValueName2(callee, &length), prefix, strlen(prefix));
}

static bool understand_call(struct kept *k, LLVMValueRef call, struct address a)
{
	if (calls(call, "llvm.lifetime"))
		return true;
	if (calls(call, "llvm.mem")) {
		LLVMValueRef length = LLVMGetOperand(call, 2);
		int64_t size = LLVMIsAConstantInt(length) ? LLVMConstIntGetSExtValue(length) : -1;

		if (is_apart(k, a, size))
			return true;
		push(k, &k->clears, call);
		return calls(call, "llvm.memset") && LLVMIsNull(LLVMGetOperand(call, 1));
	}
	return is_behind(k, a) &&
	       (LLVMIsAConstantExpr(LLVMGetCalledValue(call)) || calls(call, "cleave."));
}

static bool understand(struct kept *k, struct address a);

static bool understand_gep(struct kept *k, LLVMValueRef gep, struct address a)
{
	struct llvm_distance by;

	if (LLVMGetOperand(gep, 0) != a.pointer || !llvm_gep_distance(k->layout, gep, &by))
		return false;
	struct address there = {gep, a.offset + by.least, a.exact && by.least == by.most};

	return (there.exact || is_behind(k, there)) && understand(k, there);
}

static bool understand_use(struct kept *k, LLVMValueRef user, struct address a)
{
	if (LLVMIsALoadInst(user)) {
		if (is_apart(k, a, size_of(k, user)))
			return true;
		push(k, &k->loads, user);
		return is_word(k, a, user);
	}
	if (LLVMIsAStoreInst(user)) {
		LLVMValueRef value = LLVMGetOperand(user, 0);

		if (value == a.pointer)
			return false;
		if (is_apart(k, a, size_of(k, value)))
			return true;
		push(k, &k->stores, user);
		return value == k->context && is_word(k, a, value);
	}
	if (LLVMIsAAtomicRMWInst(user) || LLVMIsAAtomicCmpXchgInst(user))
		return LLVMGetOperand(user, 0) == a.pointer &&
		       LLVMGetOperand(user, 1) != a.pointer && is_apart(k, a, WORD);
	if (LLVMIsAGetElementPtrInst(user))
		return understand_gep(k, user, a);
	return LLVMIsACallInst(user) && understand_call(k, user, a);
}

static bool understand(struct kept *k, struct address a)
{
	for (LLVMUseRef u = LLVMGetFirstUse(a.pointer); u; u = LLVMGetNextUse(u))
		if (!understand_use(k, LLVMGetUser(u), a))
			return false;
	return true;
}

static bool contains(const struct list *list, LLVMValueRef value)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->value[i] == value)
			return true;
	return false;
}

static bool is_set_at_once(const struct kept *k, LLVMValueRef clear)
{
	LLVMValueRef i = LLVMGetNextInstruction(clear);

	while (i && !contains(&k->stores, i) && !contains(&k->loads, i))
		i = LLVMGetNextInstruction(i);
	return i && contains(&k->stores, i);
}

static void forward(const struct kept *k)
{
	for (size_t i = 0; i < k->loads.count; i++) {
		LLVMReplaceAllUsesWith(k->loads.value[i], k->context);
		LLVMInstructionEraseFromParent(k->loads.value[i]);
	}
	for (size_t i = 0; i < k->stores.count; i++)
		LLVMInstructionEraseFromParent(k->stores.value[i]);
}

/* The object that the store goes to, and where in it; NULL when that is not one place of one. */
static LLVMValueRef object_of(const struct kept *k, LLVMValueRef store, int64_t *at)
{
	LLVMValueRef pointer = LLVMGetOperand(store, 1);
	struct llvm_distance by;

	*at = 0;
	for (; LLVMIsAGetElementPtrInst(pointer); pointer = LLVMGetOperand(pointer, 0)) {
		if (!llvm_gep_distance(k->layout, pointer, &by) || by.least != by.most)
			return NULL;
		*at += by.least;
	}
	return LLVMIsAAllocaInst(pointer) ? pointer : NULL;
}

static LLVMValueRef next_store(LLVMValueRef context, LLVMUseRef use)
{
	for (; use; use = LLVMGetNextUse(use))
		if (LLVMIsAStoreInst(LLVMGetUser(use)) &&
		    LLVMGetOperand(LLVMGetUser(use), 0) == context)
			return LLVMGetUser(use);
	return NULL;
}

void frontend_forward_context(struct ir_program *program)
{
	LLVMValueRef context = LLVMGetParam(program->llvm->function, 0), store;

	while ((store = next_store(context, LLVMGetFirstUse(context)))) {
		struct kept k = {.program = program,
				 .layout = LLVMGetModuleDataLayout(program->llvm->module),
				 .context = context};
		LLVMValueRef object = object_of(&k, store, &k.at);

		if (!object || !understand(&k, (struct address){object, 0, true}))
			return;
		for (size_t i = 0; i < k.clears.count; i++)
			if (!is_set_at_once(&k, k.clears.value[i]))
				return;
		forward(&k);
	}
}
