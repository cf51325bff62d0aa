/* Loads, stores and atomics. */
#include "frontend/llvm_lift.h"

#include <errno.h>
#include <linux/bpf.h>

#include "ir/context_fields.h"
#include "support/arena.h"

#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif

static LLVMTypeRef access_type(struct lift_function *f, const struct bpf_instruction *i)
{
	switch (bpf_access_bytes(i)) {
	case 1:
		return f->lift->i8;
	case 2:
		return f->lift->i16;
	case 4:
		return f->lift->i32;
	default:
		return f->lift->i64;
	}
}

/* The address of an access through `reg`, or NULL (reported). */
static LLVMValueRef address(struct lift_function *f, unsigned reg, int16_t offset)
{
	struct bpf_value base = lift_value_of(f, reg);

	if (!bpf_value_is_pointer(base) || base.kind == BPF_VALUE_CODE) {
		lift_refuse(f,
			    base.kind == BPF_VALUE_MIXED
				? "register r%u, which is a number on another way here, is used as "
				  "an address"
				: "register r%u holds no address that is known here",
			    reg);
		return NULL;
	}
	return lift_offset(f, lift_pointer(f, reg), lift_constant(f->lift, offset));
}

/*
 * A call of the field's intrinsic while the function is made, because passes would merge two loads
 * as the numbers that they are, and lose what they mean; lift_expand_pointers makes it a load.
 */
static LLVMValueRef context_pointer(struct lift_function *f, const struct bpf_instruction *i,
				    const struct ir_context_field *field)
{
	LLVMTypeRef type = LLVMFunctionType(f->lift->ptr, &f->lift->ptr, 1, false);
	LLVMValueRef callee = LLVMGetNamedFunction(f->lift->module, field->read);
	LLVMValueRef argument =
	    lift_offset(f, lift_pointer(f, i->src), lift_constant(f->lift, i->offset));

	if (!callee)
		callee = LLVMAddFunction(f->lift->module, field->read, type);
	return LLVMBuildCall2(f->lift->builder, type, callee, &argument, 1, "");
}

static void expand(struct lift *l, LLVMValueRef call, const struct ir_context_field *field)
{
	LLVMValueRef number, pointer;

	LLVMPositionBuilderBefore(l->builder, call);
	LLVMSetCurrentDebugLocation2(l->builder, LLVMInstructionGetDebugLoc(call));
	number = LLVMBuildLoad2(l->builder, field->bytes == 4 ? l->i32 : l->i64,
				LLVMGetOperand(call, 0), "");
	if (field->bytes == 4)
		number = LLVMBuildZExt(l->builder, number, l->i64, "");
	pointer = LLVMBuildIntToPtr(l->builder, number, l->ptr, "");
	LLVMReplaceAllUsesWith(call, pointer);
	LLVMInstructionEraseFromParent(call);
}

void lift_expand_pointers(struct lift *l)
{
	LLVMValueRef callee = LLVMGetFirstFunction(l->module), next;

	for (; callee; callee = next) {
		size_t length;
		bool writes;
		const struct ir_context_field *field = ir_context_field_of(
		    l->analysis->kind, LLVMGetValueName2(callee, &length), &writes);
		LLVMUseRef use;

		next = LLVMGetNextFunction(callee);
		if (!field || !LLVMIsDeclaration(callee))
			continue;
		while ((use = LLVMGetFirstUse(callee)))
			expand(l, LLVMGetUser(use), field);
		LLVMDeleteFunction(callee);
	}
}

static LLVMValueRef extend(struct lift_function *f, const struct bpf_instruction *i,
			   LLVMValueRef value)
{
	LLVMBuilderRef b = f->lift->builder;

	if (LLVMTypeOf(value) == f->lift->i64)
		return value;
	return BPF_MODE(i->code) == BPF_MEMSX ? LLVMBuildSExt(b, value, f->lift->i64, "")
					      : LLVMBuildZExt(b, value, f->lift->i64, "");
}

/* The place of an access in the variable of its slot. */
static LLVMValueRef in_slot(struct lift_function *f, unsigned reg, int16_t offset, int slot)
{
	return lift_offset(f, f->slot[slot].number,
			   lift_constant(f->lift, lift_value_of(f, reg).number + offset +
						      8 * (int64_t)(slot + 1)));
}

static void load_slot(struct lift_function *f, const struct bpf_instruction *i, int slot)
{
	struct bpf_value loaded = bpf_loaded_value(f->lift->analysis, f->instance, f->state, i);
	LLVMBuilderRef b = f->lift->builder;

	if (loaded.kind == BPF_VALUE_MIXED)
		lift_copy(f, &f->reg[i->dst], &f->slot[slot]);
	else if (bpf_value_is_pointer(loaded))
		lift_set(f, i->dst, LLVMBuildLoad2(b, f->lift->ptr, f->slot[slot].pointer, ""));
	else
		lift_set(f, i->dst,
			 extend(f, i,
				LLVMBuildLoad2(b, access_type(f, i),
					       in_slot(f, i->src, i->offset, slot), "")));
}

int lift_load(struct lift_function *f, const struct bpf_instruction *i)
{
	struct bpf_value loaded, base = lift_value_of(f, i->src);
	int slot = bpf_private_slot(f->lift->analysis, f->instance, base, i);
	const struct ir_context_field *field;
	LLVMValueRef at;

	if (BPF_MODE(i->code) != BPF_MEM && BPF_MODE(i->code) != BPF_MEMSX)
		return lift_refuse(f, "instruction 0x%02x is not known", i->code);
	if (slot >= 0) {
		load_slot(f, i, slot);
		return 0;
	}
	field = bpf_loaded_pointer(f->lift->analysis, i, f->state);
	if (field) {
		lift_set(f, i->dst, context_pointer(f, i, field));
		return 0;
	}
	loaded = bpf_loaded_value(f->lift->analysis, f->instance, f->state, i);
	slot = bpf_spill_slot(f->lift->analysis, f->instance, base, i);
	if (slot >= 0 && bpf_value_is_pointer(loaded) && !loaded.blurred) {
		lift_set(f, i->dst,
			 LLVMBuildLoad2(f->lift->builder, f->lift->ptr, f->spill[slot], ""));
		return 0;
	}
	at = address(f, i->src, i->offset);
	if (!at)
		return -EINVAL;
	if (bpf_value_is_pointer(loaded))
		lift_set(f, i->dst, LLVMBuildLoad2(f->lift->builder, f->lift->ptr, at, ""));
	else
		lift_set(f, i->dst,
			 extend(f, i, LLVMBuildLoad2(f->lift->builder, access_type(f, i), at, "")));
	return 0;
}

/* What a store writes, in its width; a pointer as a pointer. */
static LLVMValueRef stored_value(struct lift_function *f, const struct bpf_instruction *i)
{
	LLVMTypeRef type = access_type(f, i);
	LLVMValueRef value;

	if (BPF_CLASS(i->code) == BPF_ST)
		return LLVMConstInt(type, (unsigned long long)(int64_t)i->imm, true);
	if (type == f->lift->i64 && bpf_value_is_pointer(lift_value_of(f, i->src)))
		return lift_pointer(f, i->src);
	value = lift_number(f, i->src);
	return type == f->lift->i64 ? value : LLVMBuildTrunc(f->lift->builder, value, type, "");
}

static void store_slot(struct lift_function *f, const struct bpf_instruction *i, int slot)
{
	LLVMBuilderRef b = f->lift->builder;
	LLVMValueRef value;

	if (BPF_CLASS(i->code) == BPF_STX && bpf_access_bytes(i) == 8 &&
	    lift_value_of(f, i->src).kind == BPF_VALUE_MIXED) {
		lift_copy(f, &f->slot[slot], &f->reg[i->src]);
		return;
	}
	value = stored_value(f, i);
	if (bpf_access_bytes(i) == 8) {
		lift_store_register(f, &f->slot[slot], value);
		/* Who reads numbers here has stored one since. */
		if (LLVMTypeOf(value) == f->lift->ptr && !f->info->mixed[slot])
			LLVMBuildStore(b, LLVMGetPoison(f->lift->i64), f->slot[slot].number);
		return;
	}
	LLVMBuildStore(b, LLVMGetPoison(f->lift->ptr), f->slot[slot].pointer);
	LLVMBuildStore(b, value, in_slot(f, i->dst, i->offset, slot));
}

/* The variable of a slot that keeps pointers. True: nobody looks for this one in the memory. */
static bool spill(struct lift_function *f, LLVMValueRef value, int slot)
{
	LLVMBuilderRef b = f->lift->builder;
	bool pointer = LLVMTypeOf(value) == f->lift->ptr;

	if (pointer)
		LLVMBuildStore(b, value, f->spill[slot]);
	else
		LLVMBuildStore(b,
			       LLVMIsNull(value) ? LLVMConstNull(f->lift->ptr)
						 : LLVMGetPoison(f->lift->ptr),
			       f->spill[slot]);
	return pointer && !f->info->pointers[slot];
}

int lift_store(struct lift_function *f, const struct bpf_instruction *i)
{
	struct bpf_value base = lift_value_of(f, i->dst);
	int slot = bpf_private_slot(f->lift->analysis, f->instance, base, i);
	LLVMValueRef at, value;

	if (BPF_MODE(i->code) != BPF_MEM)
		return lift_refuse(f, "instruction 0x%02x is not known", i->code);
	if (slot >= 0) {
		store_slot(f, i, slot);
		return 0;
	}
	at = address(f, i->dst, i->offset);
	if (!at)
		return -EINVAL;
	value = stored_value(f, i);
	slot = bpf_spill_slot(f->lift->analysis, f->instance, base, i);
	if (slot < 0 || !spill(f, value, slot))
		LLVMBuildStore(f->lift->builder, value, at);
	return 0;
}

static LLVMValueRef widen(struct lift_function *f, LLVMValueRef value)
{
	return LLVMTypeOf(value) == f->lift->i64
		   ? value
		   : LLVMBuildZExt(f->lift->builder, value, f->lift->i64, "");
}

static LLVMValueRef narrow(struct lift_function *f, unsigned reg, LLVMTypeRef type)
{
	LLVMValueRef value = lift_number(f, reg);

	return type == f->lift->i64 ? value : LLVMBuildTrunc(f->lift->builder, value, type, "");
}

static int compare_exchange(struct lift_function *f, const struct bpf_instruction *i,
			    LLVMValueRef at, LLVMTypeRef type)
{
	LLVMBuilderRef b = f->lift->builder;
	LLVMValueRef pair =
	    LLVMBuildAtomicCmpXchg(b, at, narrow(f, 0, type), narrow(f, i->src, type),
				   LLVMAtomicOrderingSequentiallyConsistent,
				   LLVMAtomicOrderingSequentiallyConsistent, false);

	lift_set(f, 0, widen(f, LLVMBuildExtractValue(b, pair, 0, "")));
	return 0;
}

static bool find_operation(int32_t imm, LLVMAtomicRMWBinOp *operation)
{
	switch (imm & ~BPF_FETCH) {
	case BPF_ADD:
		*operation = LLVMAtomicRMWBinOpAdd;
		return true;
	case BPF_AND:
		*operation = LLVMAtomicRMWBinOpAnd;
		return true;
	case BPF_OR:
		*operation = LLVMAtomicRMWBinOpOr;
		return true;
	case BPF_XOR:
		*operation = LLVMAtomicRMWBinOpXor;
		return true;
	case BPF_XCHG & ~BPF_FETCH:
		*operation = LLVMAtomicRMWBinOpXchg;
		return true;
	default:
		return false;
	}
}

int lift_atomic(struct lift_function *f, const struct bpf_instruction *i)
{
	LLVMTypeRef type = access_type(f, i);
	LLVMAtomicRMWBinOp operation = LLVMAtomicRMWBinOpXchg;
	LLVMValueRef at, before;

	if (bpf_access_bytes(i) < 4 ||
	    (i->imm != BPF_CMPXCHG && !find_operation(i->imm, &operation)))
		return lift_refuse(f, "this atomic operation (0x%x) is not supported",
				   (unsigned)i->imm);
	at = address(f, i->dst, i->offset);
	if (!at)
		return -EINVAL;
	if (i->imm == BPF_CMPXCHG)
		return compare_exchange(f, i, at, type);
	before = LLVMBuildAtomicRMW(f->lift->builder, operation, at, narrow(f, i->src, type),
				    LLVMAtomicOrderingSequentiallyConsistent, false);
	if (i->imm & BPF_FETCH)
		lift_set(f, i->src, widen(f, before));
	return 0;
}

int lift_wide_load(struct lift_function *f, const struct bpf_instruction *i)
{
	const struct bpf_reference *r = &i->reference;
	LLVMValueRef value = NULL;

	switch (r->kind) {
	case BPF_REFERENCE_NONE:
		if (i->src)
			return lift_refuse(f,
					   "the object was loaded into a kernel already: r%u = "
					   "a descriptor",
					   i->dst);
		value = lift_constant(f->lift, i->wide);
		break;
	case BPF_REFERENCE_MAP:
		value = lift_map(f->lift, r->index);
		break;
	case BPF_REFERENCE_DATA:
		value = lift_data_place(f->lift, r->index, r->offset);
		break;
	case BPF_REFERENCE_CODE:
		value = lift_code_place(f->lift);
		break;
	case BPF_REFERENCE_EXTERN:
		value = lift_extern(f, r->name);
		if (!value)
			return -EINVAL;
		break;
	}
	if (!value)
		return lift_refuse(f, "this address lies outside of its section");
	lift_set(f, i->dst, value);
	return 0;
}
