/* Calls: of helpers by number, as bpf_helpers.h has them, and of subprograms. */
#include "frontend/llvm_lift.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>

#include "ir/helpers.h"

static LLVMTypeRef result_type(struct lift *l, const struct ir_helper *helper)
{
	switch (helper ? helper->returns : IR_RETURNS_NUMBER) {
	case IR_RETURNS_NUMBER:
		return l->i64;
	case IR_RETURNS_NOTHING:
		return LLVMVoidTypeInContext(l->context);
	default:
		return l->ptr;
	}
}

/* Arguments that are numbers whatever they hold. */
static bool takes_number(enum ir_argument argument)
{
	return argument == IR_ARGUMENT_SCALAR || argument == IR_ARGUMENT_SIZE;
}

/* Numbers that the helpers' declarations, and so clang's bitcode, have in 32 bits. */
static bool is_narrow(const struct ir_helper *helper, unsigned n)
{
	return helper && ((helper->number == BPF_FUNC_tail_call && n == 2) ||
			  (helper->number == BPF_FUNC_loop && n == 0));
}

/*
 * An argument of a helper that takes memory is a pointer, or NULL. How many arguments a helper
 * that nobody knows has, its registers tell: it will be refused by its number.
 */
static LLVMValueRef argument(struct lift_function *f, const struct ir_helper *helper, unsigned n)
{
	struct bpf_value v = lift_value_of(f, n + 1);

	if (is_narrow(helper, n))
		return LLVMBuildTrunc(f->lift->builder, lift_number(f, n + 1), f->lift->i32, "");
	if (helper && takes_number(helper->arguments[n]))
		return lift_number(f, n + 1);
	if (helper || bpf_value_is_pointer(v))
		return lift_pointer(f, n + 1);
	return lift_number(f, n + 1);
}

/* bpf_trace_printk takes as many values as its text asks for; other registers hold nothing. */
static bool is_left_out(const struct lift_function *f, const struct ir_helper *helper, unsigned n)
{
	return helper && helper->number == BPF_FUNC_trace_printk &&
	       f->state->reg[n + 1].kind == BPF_VALUE_NONE;
}

static unsigned count_arguments(const struct lift_function *f, const struct ir_helper *helper)
{
	unsigned count = 0;

	if (helper && helper->number == BPF_FUNC_tail_call)
		return 3; /* its row has the chain's depth besides */
	while (count < IR_HELPER_ARGUMENTS_MAX &&
	       (helper ? helper->arguments[count] != IR_ARGUMENT_NO
		       : f->state->reg[count + 1].kind != BPF_VALUE_NONE) &&
	       !is_left_out(f, helper, count))
		count++;
	return count;
}

int lift_set_callback(struct lift_function *f, const struct bpf_instruction *i, int callback,
		      LLVMValueRef *values)
{
	const struct bpf_analysis *a = f->lift->analysis;
	const struct bpf_callback *how = bpf_callback_of(i);

	if (!how)
		return 0;
	if (callback < 0 || bpf_callback_function(a, f->state) != a->instances[callback].function)
		return lift_refuse(f, "%s%s whose callback is not known here",
				   how->kfunc ? "" : "bpf_",
				   how->kfunc ?: ir_helper_by_number(i->imm)->name);
	values[BPF_CALLBACK_REGISTER - 1] = f->lift->functions[callback];
	return 0;
}

int lift_helper(struct lift_function *f, const struct bpf_instruction *i, int callback)
{
	struct lift *l = f->lift;
	const struct ir_helper *helper = ir_helper_by_number(i->imm);
	LLVMTypeRef types[IR_HELPER_ARGUMENTS_MAX], type;
	LLVMValueRef values[IR_HELPER_ARGUMENTS_MAX], callee, result;
	unsigned count = count_arguments(f, helper);

	if (i->reference.kind == BPF_REFERENCE_EXTERN)
		return lift_kfunc_call(f, i, callback);
	if (i->src)
		return lift_refuse(f, "a call of kind %u is not supported", i->src);
	for (unsigned n = 0; n < count; n++) {
		values[n] = argument(f, helper, n);
		types[n] = LLVMTypeOf(values[n]);
	}
	if (lift_set_callback(f, i, callback, values))
		return -EINVAL;
	type = LLVMFunctionType(result_type(l, helper), types, count, false);
	callee = LLVMConstIntToPtr(LLVMConstInt(l->i64, (uint32_t)i->imm, false), l->ptr);
	result = LLVMBuildCall2(l->builder, type, callee, values, count, "");
	if (LLVMGetTypeKind(LLVMTypeOf(result)) != LLVMVoidTypeKind)
		lift_set(f, 0, result);
	return 0;
}

int lift_call(struct lift_function *f, uint32_t block)
{
	struct lift *l = f->lift;
	int child = f->info->child[block];
	LLVMValueRef values[5], result;
	LLVMTypeRef type, types[5];

	if (child < 0)
		return lift_refuse(f, "this call is not supported");
	type = LLVMGlobalGetValueType(l->functions[child]);
	LLVMGetParamTypes(type, types);
	for (unsigned n = 0; n < 5; n++)
		values[n] = types[n] == l->ptr ? lift_pointer(f, n + 1) : lift_number(f, n + 1);
	result = LLVMBuildCall2(l->builder, type, l->functions[child], values, 5, "");
	if (l->analysis->instances[child].out &&
	    bpf_value_is_constant(l->analysis->instances[child].out->reg[0]))
		result = lift_constant(l, l->analysis->instances[child].out->reg[0].number);
	lift_set(f, 0, result);
	return 0;
}
