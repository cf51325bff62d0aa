/*
 * Look-ups whose value is only counted in: null-checked, and added to by what nobody looks at. Such
 * effects can queue and be applied later.
 */
#include "ir/llvm_effects.h"

enum { POINTERS_MAX = 64 };

struct pointers {
	LLVMValueRef values[POINTERS_MAX];
	size_t count;
	bool full;
};

static bool is_known(const struct pointers *set, LLVMValueRef value)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->values[i] == value)
			return true;
	return false;
}

static void add_pointer(struct pointers *set, LLVMValueRef value)
{
	if (is_known(set, value))
		return;
	if (set->count == POINTERS_MAX)
		set->full = true;
	else
		set->values[set->count++] = value;
}

/* Nothing between load and store touches the map's values, or memory we cannot see. */
static bool adds_in_peace(const struct effects *fx, LLVMValueRef load, LLVMValueRef store)
{
	int map = llvm_pointer_region(fx->program, LLVMGetOperand(load, 0)).index;

	if (LLVMGetInstructionParent(load) != LLVMGetInstructionParent(store))
		return false;
	for (LLVMValueRef i = LLVMGetNextInstruction(load); i != store;
	     i = LLVMGetNextInstruction(i)) {
		if (!i || (LLVMIsACallInst(i) && !effects_is_intrinsic(i, "llvm.")))
			return false;
		if (LLVMIsAAtomicRMWInst(i) || LLVMIsAAtomicCmpXchgInst(i) ||
		    effects_is_intrinsic(i, "llvm.mem"))
			return false;
		if (!LLVMIsAStoreInst(i))
			continue;
		struct llvm_region to = llvm_pointer_region(fx->program, LLVMGetOperand(i, 1));
		if (to.memory == LLVM_MEMORY_UNKNOWN || to.memory == LLVM_MEMORY_MIXED ||
		    (to.memory == LLVM_MEMORY_MAP && to.index == map))
			return false;
	}
	return true;
}

static LLVMValueRef only_user(LLVMValueRef value)
{
	LLVMUseRef use = LLVMGetFirstUse(value);

	return use && !LLVMGetNextUse(use) ? LLVMGetUser(use) : NULL;
}

/* An add can be atomic where it lies on a multiple of its width, seen from the value's start. */
static bool is_counter(const struct effects *fx, LLVMValueRef pointer, LLVMTypeRef type)
{
	struct llvm_region region = llvm_pointer_region(fx->program, pointer);
	uint64_t bytes = effects_type_bytes(fx, type);

	return (bytes == 4 || bytes == 8) && region.memory == LLVM_MEMORY_MAP && region.constant &&
	       region.offset >= 0 && (uint64_t)region.offset % bytes == 0;
}

/* load; add; store to where it was loaded, and no other use of the two. */
static bool is_counted(const struct effects *fx, LLVMValueRef load)
{
	LLVMValueRef sum = only_user(load), store = sum ? only_user(sum) : NULL;

	if (!store || !LLVMIsABinaryOperator(sum) || LLVMGetInstructionOpcode(sum) != LLVMAdd ||
	    !LLVMIsAStoreInst(store) || LLVMGetOperand(store, 0) != sum)
		return false;
	struct anchor from = effects_anchor(fx, LLVMGetOperand(load, 0));
	struct anchor to = effects_anchor(fx, LLVMGetOperand(store, 1));

	return from.base == to.base && from.offset == to.offset &&
	       is_counter(fx, LLVMGetOperand(load, 0), LLVMTypeOf(load)) &&
	       adds_in_peace(fx, load, store);
}

/* The store of such a sum, seen from its address. */
static bool ends_count(const struct effects *fx, LLVMValueRef store, LLVMValueRef pointer)
{
	LLVMValueRef sum = LLVMGetOperand(store, 0);

	if (sum == pointer || !LLVMIsABinaryOperator(sum))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		LLVMValueRef load = LLVMGetOperand(sum, i);

		if (LLVMIsALoadInst(load) && only_user(load) == sum && only_user(sum) == store &&
		    is_counted(fx, load))
			return true;
	}
	return false;
}

static bool is_null_check(LLVMValueRef compare)
{
	return LLVMIsAConstantPointerNull(LLVMGetOperand(compare, 0)) ||
	       LLVMIsAConstantPointerNull(LLVMGetOperand(compare, 1));
}

static bool is_harmless(const struct effects *fx, struct pointers *set, LLVMValueRef user,
			LLVMValueRef pointer)
{
	int64_t offset;

	switch (LLVMGetInstructionOpcode(user)) {
	case LLVMICmp:
		return is_null_check(user);
	case LLVMGetElementPtr:
		if (!effects_gep_offset(fx, user, &offset))
			return false;
		add_pointer(set, user);
		return true;
	case LLVMBitCast:
	case LLVMFreeze:
	case LLVMPHI:
	case LLVMSelect:
		add_pointer(set, user);
		return true;
	case LLVMLoad:
		return is_counted(fx, user);
	case LLVMStore:
		return ends_count(fx, user, pointer);
	case LLVMAtomicRMW:
		return LLVMGetAtomicRMWBinOp(user) == LLVMAtomicRMWBinOpAdd &&
		       LLVMGetOperand(user, 0) == pointer && !LLVMGetFirstUse(user) &&
		       is_counter(fx, pointer, LLVMTypeOf(user));
	default:
		return false;
	}
}

/* What is chosen among must be this value or null. */
static bool chooses_only(const struct pointers *set, LLVMValueRef value)
{
	bool phi = LLVMIsAPHINode(value);
	unsigned count = phi ? LLVMCountIncoming(value) : LLVMIsASelectInst(value) ? 2 : 0;

	for (unsigned i = 0; i < count; i++) {
		LLVMValueRef one =
		    phi ? LLVMGetIncomingValue(value, i) : LLVMGetOperand(value, i + 1);

		if (!LLVMIsAConstantPointerNull(one) && !is_known(set, one))
			return false;
	}
	return true;
}

bool effects_is_add_only(struct effects *fx, LLVMValueRef lookup)
{
	struct pointers set = {.values = {lookup}, .count = 1};

	for (size_t i = 0; i < set.count; i++)
		for (LLVMUseRef use = LLVMGetFirstUse(set.values[i]); use;
		     use = LLVMGetNextUse(use)) {
			LLVMValueRef user = LLVMGetUser(use);

			if (!LLVMIsAInstruction(user) ||
			    !is_harmless(fx, &set, user, set.values[i]))
				return false;
		}
	for (size_t i = 0; i < set.count; i++)
		if (!chooses_only(&set, set.values[i]))
			return false;
	return !set.full;
}
