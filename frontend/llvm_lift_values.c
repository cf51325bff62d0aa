/* Registers as values. */
#include "frontend/llvm_lift.h"

LLVMValueRef lift_constant(struct lift *lift, int64_t number)
{
	return LLVMConstInt(lift->i64, (unsigned long long)number, true);
}

struct bpf_value lift_value_of(const struct lift_function *f, unsigned reg)
{
	return f->state->reg[reg];
}

LLVMValueRef lift_offset(struct lift_function *f, LLVMValueRef pointer, LLVMValueRef offset)
{
	if (LLVMIsAConstantInt(offset) && !LLVMConstIntGetSExtValue(offset))
		return pointer;
	return LLVMBuildGEP2(f->lift->builder, f->lift->i8, pointer, &offset, 1, "");
}

/* What is known without the register: places whose address the function has anyway. */
static LLVMValueRef known_place(struct lift_function *f, struct bpf_value v)
{
	struct lift *lift = f->lift;

	if (!v.known || v.null)
		return NULL;
	if (v.kind == BPF_VALUE_CONTEXT && f->instance == 0)
		return lift_offset(f, LLVMGetParam(f->function, 0), lift_constant(lift, v.number));
	if (v.kind == BPF_VALUE_FRAME && v.index == f->instance && f->frame)
		return lift_offset(f, f->frame, lift_constant(lift, v.number + f->frame_bytes));
	if (v.kind == BPF_VALUE_MAP && v.index >= 0 && v.number == 0)
		return lift_map(lift, v.index);
	return NULL;
}

static LLVMValueRef load(struct lift_function *f, LLVMTypeRef type, LLVMValueRef from)
{
	return LLVMBuildLoad2(f->lift->builder, type, from, "");
}

LLVMValueRef lift_pointer(struct lift_function *f, unsigned reg)
{
	struct bpf_value v = lift_value_of(f, reg);
	LLVMValueRef place = known_place(f, v);

	if (place)
		return place;
	if (reg == BPF_FRAME_REGISTER || (bpf_value_is_constant(v) && v.number == 0))
		return LLVMConstNull(f->lift->ptr);
	if (v.kind == BPF_VALUE_NUMBER || v.kind == BPF_VALUE_MIXED)
		return LLVMBuildIntToPtr(f->lift->builder, lift_number(f, reg), f->lift->ptr, "");
	return load(f, f->lift->ptr, f->reg[reg].pointer);
}

LLVMValueRef lift_number(struct lift_function *f, unsigned reg)
{
	struct bpf_value v = lift_value_of(f, reg);

	if (bpf_value_is_constant(v))
		return lift_constant(f->lift, v.number);
	if (bpf_value_is_pointer(v))
		return LLVMBuildPtrToInt(f->lift->builder, lift_pointer(f, reg), f->lift->i64, "");
	return load(f, f->lift->i64, f->reg[reg].number);
}

void lift_store_register(struct lift_function *f, const struct lift_register *to,
			 LLVMValueRef value)
{
	LLVMBuilderRef b = f->lift->builder;
	LLVMValueRef pointer = LLVMGetPoison(f->lift->ptr), number = value;

	if (LLVMGetTypeKind(LLVMTypeOf(value)) == LLVMPointerTypeKind) {
		pointer = value;
		number = LLVMBuildPtrToInt(b, value, f->lift->i64, "");
	} else if (LLVMIsAConstantInt(value) && !LLVMConstIntGetZExtValue(value)) {
		pointer = LLVMConstNull(f->lift->ptr);
	}
	LLVMBuildStore(b, pointer, to->pointer);
	LLVMBuildStore(b, number, to->number);
}

void lift_set(struct lift_function *f, unsigned reg, LLVMValueRef value)
{
	lift_store_register(f, &f->reg[reg], value);
}

void lift_set_null(struct lift_function *f, unsigned reg)
{
	lift_set(f, reg, lift_constant(f->lift, 0));
}

void lift_copy(struct lift_function *f, const struct lift_register *to,
	       const struct lift_register *from)
{
	LLVMBuilderRef b = f->lift->builder;

	LLVMBuildStore(b, load(f, f->lift->ptr, from->pointer), to->pointer);
	LLVMBuildStore(b, load(f, f->lift->i64, from->number), to->number);
}
