/* Arithmetic and comparisons, with BPF's meaning where LLVM has none: division by zero, wide
 * shifts. */
#include "frontend/llvm_lift.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>

#define SIGNED_DIVISION 1 /* in the offset field */

static LLVMValueRef narrow(struct lift_function *f, LLVMValueRef value, LLVMTypeRef type)
{
	return LLVMBuildTrunc(f->lift->builder, value, type, "");
}

static LLVMValueRef widen(struct lift_function *f, LLVMValueRef value)
{
	return LLVMBuildZExt(f->lift->builder, value, f->lift->i64, "");
}

/* The right side, as a number of the operation's width. */
static LLVMValueRef right_number(struct lift_function *f, const struct bpf_instruction *i,
				 LLVMTypeRef type)
{
	LLVMValueRef value =
	    BPF_SRC(i->code) == BPF_X ? lift_number(f, i->src) : lift_constant(f->lift, i->imm);

	return type == f->lift->i64 ? value : narrow(f, value, type);
}

static LLVMValueRef left_number(struct lift_function *f, const struct bpf_instruction *i,
				LLVMTypeRef type)
{
	LLVMValueRef value = lift_number(f, i->dst);

	return type == f->lift->i64 ? value : narrow(f, value, type);
}

/* BPF: x / 0 is 0, x % 0 is x, and the least number / -1 is itself (% -1 is 0). */
static LLVMValueRef divide(struct lift_function *f, const struct bpf_instruction *i, LLVMValueRef a,
			   LLVMValueRef b)
{
	LLVMBuilderRef builder = f->lift->builder;
	LLVMTypeRef type = LLVMTypeOf(a);
	LLVMValueRef zero = LLVMConstInt(type, 0, false), one = LLVMConstInt(type, 1, false);
	LLVMValueRef minus = LLVMConstInt(type, ~0ull, true);
	bool modulo = BPF_OP(i->code) == BPF_MOD, is_signed = i->offset == SIGNED_DIVISION;
	LLVMValueRef none = LLVMBuildICmp(builder, LLVMIntEQ, b, zero, "");
	LLVMValueRef back = LLVMBuildICmp(builder, LLVMIntEQ, b, minus, ""), by, result;

	by = LLVMBuildSelect(builder, none, one, b, "");
	if (is_signed) {
		by = LLVMBuildSelect(builder, back, one, by, "");
		result =
		    modulo ? LLVMBuildSRem(builder, a, by, "") : LLVMBuildSDiv(builder, a, by, "");
		result = LLVMBuildSelect(builder, back,
					 modulo ? zero : LLVMBuildNeg(builder, a, ""), result, "");
	} else {
		result =
		    modulo ? LLVMBuildURem(builder, a, by, "") : LLVMBuildUDiv(builder, a, by, "");
	}
	return LLVMBuildSelect(builder, none, modulo ? a : zero, result, "");
}

static LLVMValueRef shift(struct lift_function *f, const struct bpf_instruction *i, LLVMValueRef a,
			  LLVMValueRef b)
{
	LLVMBuilderRef builder = f->lift->builder;
	LLVMTypeRef type = LLVMTypeOf(a);

	b = LLVMBuildAnd(builder, b, LLVMConstInt(type, LLVMGetIntTypeWidth(type) - 1, false), "");
	switch (BPF_OP(i->code)) {
	case BPF_LSH:
		return LLVMBuildShl(builder, a, b, "");
	case BPF_RSH:
		return LLVMBuildLShr(builder, a, b, "");
	default:
		return LLVMBuildAShr(builder, a, b, "");
	}
}

static LLVMValueRef binary(struct lift_function *f, const struct bpf_instruction *i, LLVMValueRef a,
			   LLVMValueRef b)
{
	LLVMBuilderRef builder = f->lift->builder;

	switch (BPF_OP(i->code)) {
	case BPF_ADD:
		return LLVMBuildAdd(builder, a, b, "");
	case BPF_SUB:
		return LLVMBuildSub(builder, a, b, "");
	case BPF_MUL:
		return LLVMBuildMul(builder, a, b, "");
	case BPF_OR:
		return LLVMBuildOr(builder, a, b, "");
	case BPF_AND:
		return LLVMBuildAnd(builder, a, b, "");
	case BPF_XOR:
		return LLVMBuildXor(builder, a, b, "");
	case BPF_DIV:
	case BPF_MOD:
		return divide(f, i, a, b);
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
		return shift(f, i, a, b);
	default:
		return NULL;
	}
}

static LLVMValueRef swap(struct lift_function *f, LLVMValueRef value)
{
	LLVMTypeRef type = LLVMTypeOf(value);
	unsigned id = LLVMLookupIntrinsicID("llvm.bswap", 10);
	LLVMValueRef callee = LLVMGetIntrinsicDeclaration(f->lift->module, id, &type, 1);

	return LLVMBuildCall2(f->lift->builder,
			      LLVMIntrinsicGetType(f->lift->context, id, &type, 1), callee, &value,
			      1, "");
}

/* be16 ... le64, and bswap of cpu v4. */
static int byte_order(struct lift_function *f, const struct bpf_instruction *i)
{
	bool always = BPF_CLASS(i->code) == BPF_ALU64, big = BPF_SRC(i->code) == BPF_TO_BE;
	LLVMValueRef value = lift_number(f, i->dst);

	if (i->imm != 16 && i->imm != 32 && i->imm != 64)
		return lift_refuse(f, "this byte swap has no such width (%d)", i->imm);
	if (i->imm != 64)
		value = narrow(f, value, i->imm == 16 ? f->lift->i16 : f->lift->i32);
	if (always || big)
		value = swap(f, value);
	lift_set(f, i->dst, i->imm == 64 ? value : widen(f, value));
	return 0;
}

/* mov of 8, 16 or 32 bits with sign extension, by the offset field. */
static int move_signed(struct lift_function *f, const struct bpf_instruction *i, bool wide)
{
	struct lift *l = f->lift;
	LLVMTypeRef from = i->offset == 8    ? l->i8
			   : i->offset == 16 ? l->i16
			   : i->offset == 32 ? l->i32
					     : NULL;
	LLVMTypeRef to = wide ? l->i64 : l->i32;
	LLVMValueRef value;

	if (!from || BPF_SRC(i->code) != BPF_X || from == to)
		return lift_refuse(f, "this move extends no such width (%d)", i->offset);
	value = LLVMBuildSExt(l->builder, narrow(f, lift_number(f, i->src), from), to, "");
	lift_set(f, i->dst, wide ? value : widen(f, value));
	return 0;
}

static int move(struct lift_function *f, const struct bpf_instruction *i, bool wide)
{
	if (i->offset)
		return move_signed(f, i, wide);
	if (BPF_SRC(i->code) == BPF_K)
		lift_set(f, i->dst,
			 lift_constant(f->lift, wide ? i->imm : (int64_t)(uint32_t)i->imm));
	else if (!wide)
		lift_set(f, i->dst, widen(f, narrow(f, lift_number(f, i->src), f->lift->i32)));
	else if (bpf_value_is_pointer(lift_value_of(f, i->src)))
		lift_set(f, i->dst, lift_pointer(f, i->src));
	else if (bpf_value_is_constant(lift_value_of(f, i->src)))
		lift_set(f, i->dst, lift_number(f, i->src));
	else
		lift_copy(f, &f->reg[i->dst], &f->reg[i->src]);
	return 0;
}

/* pointer + number, number + pointer, pointer - number; NULL: plain arithmetic. */
static LLVMValueRef pointer_arithmetic(struct lift_function *f, const struct bpf_instruction *i)
{
	bool left = bpf_value_is_pointer(lift_value_of(f, i->dst));
	bool right = BPF_SRC(i->code) == BPF_X && bpf_value_is_pointer(lift_value_of(f, i->src));
	LLVMValueRef number;

	if (left == right || (BPF_OP(i->code) != BPF_ADD && (BPF_OP(i->code) != BPF_SUB || right)))
		return NULL;
	if (left && BPF_SRC(i->code) == BPF_X && lift_value_of(f, i->src).kind == BPF_VALUE_MIXED)
		return NULL;
	if (right)
		return lift_value_of(f, i->dst).kind == BPF_VALUE_NUMBER
			   ? lift_offset(f, lift_pointer(f, i->src), lift_number(f, i->dst))
			   : NULL;
	number = right_number(f, i, f->lift->i64);
	if (BPF_OP(i->code) == BPF_SUB)
		number = LLVMBuildNeg(f->lift->builder, number, "");
	return lift_offset(f, lift_pointer(f, i->dst), number);
}

int lift_arithmetic(struct lift_function *f, const struct bpf_instruction *i)
{
	bool wide = BPF_CLASS(i->code) == BPF_ALU64;
	LLVMTypeRef type = wide ? f->lift->i64 : f->lift->i32;
	LLVMValueRef value;

	switch (BPF_OP(i->code)) {
	case BPF_END:
		return byte_order(f, i);
	case BPF_MOV:
		return move(f, i, wide);
	case BPF_NEG:
		value = LLVMBuildNeg(f->lift->builder, left_number(f, i, type), "");
		break;
	default:
		value = wide ? pointer_arithmetic(f, i) : NULL;
		if (value) {
			lift_set(f, i->dst, value);
			return 0;
		}
		value = binary(f, i, left_number(f, i, type), right_number(f, i, type));
	}
	if (!value)
		return lift_refuse(f, "instruction 0x%02x is not known", i->code);
	lift_set(f, i->dst, wide ? value : widen(f, value));
	return 0;
}

static int predicate_of(uint8_t operation)
{
	switch (operation) {
	case BPF_JEQ:
		return LLVMIntEQ;
	case BPF_JNE:
	case BPF_JSET: /* of the bits that both have, with zero */
		return LLVMIntNE;
	case BPF_JGT:
		return LLVMIntUGT;
	case BPF_JGE:
		return LLVMIntUGE;
	case BPF_JLT:
		return LLVMIntULT;
	case BPF_JLE:
		return LLVMIntULE;
	case BPF_JSGT:
		return LLVMIntSGT;
	case BPF_JSGE:
		return LLVMIntSGE;
	case BPF_JSLT:
		return LLVMIntSLT;
	case BPF_JSLE:
		return LLVMIntSLE;
	default:
		return 0;
	}
}

static bool pointer_like(struct bpf_value v)
{
	return bpf_value_is_pointer(v) || (bpf_value_is_constant(v) && v.number == 0);
}

LLVMValueRef lift_condition(struct lift_function *f, const struct bpf_instruction *i)
{
	LLVMBuilderRef b = f->lift->builder;
	bool wide = BPF_CLASS(i->code) == BPF_JMP;
	LLVMTypeRef type = wide ? f->lift->i64 : f->lift->i32;
	struct bpf_value left = lift_value_of(f, i->dst), right = bpf_operand(i, f->state);
	int predicate = predicate_of(BPF_OP(i->code));
	LLVMValueRef x, y;

	if (!predicate)
		return NULL;
	if (wide && pointer_like(left) && pointer_like(right) && predicate <= LLVMIntULE &&
	    BPF_OP(i->code) != BPF_JSET) {
		x = lift_pointer(f, i->dst);
		y = BPF_SRC(i->code) == BPF_X ? lift_pointer(f, i->src)
					      : LLVMConstNull(f->lift->ptr);
		return LLVMBuildICmp(b, (LLVMIntPredicate)predicate, x, y, "");
	}
	x = left_number(f, i, type);
	y = right_number(f, i, type);
	if (BPF_OP(i->code) == BPF_JSET) {
		x = LLVMBuildAnd(b, x, y, "");
		y = LLVMConstInt(type, 0, false);
	}
	return LLVMBuildICmp(b, (LLVMIntPredicate)predicate, x, y, "");
}
