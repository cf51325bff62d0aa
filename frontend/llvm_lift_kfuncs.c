/*
 * Calls of the kernel's own functions, as clang's bitcode has them: of a function that is declared
 * in section .ksyms with the prototype that the object's BTF says. Which of them Cleave knows,
 * ir/kfuncs.def says; any other is refused by its name later.
 */
#include "frontend/llvm_lift.h"

#include <errno.h>
#include <string.h>

#include "frontend/bpf_kfuncs.h"
#include "support/arena.h"

enum { ARGUMENTS_MAX = 5 };

/* NULL: a type that no register holds. */
static LLVMTypeRef register_type(struct lift *l, uint32_t id)
{
	const struct bpf_types *types = &l->object->types;
	const struct btf_type *t = bpf_types_bare(types, id);

	if (!t)
		return LLVMVoidTypeInContext(l->context);
	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_PTR:
		return l->ptr;
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return bpf_types_size(types, id) <= 8
			   ? LLVMIntTypeInContext(l->context,
						  8 * (unsigned)bpf_types_size(types, id))
			   : NULL;
	default:
		return NULL;
	}
}

static LLVMTypeRef function_type(struct lift *l, const struct btf_type *prototype)
{
	LLVMTypeRef result = register_type(l, prototype->type), types[ARGUMENTS_MAX];
	uint32_t count = bpf_kfunc_count(prototype);

	if (!result || count > ARGUMENTS_MAX)
		return NULL;
	for (uint32_t n = 0; n < count; n++) {
		types[n] = register_type(l, bpf_kfunc_argument(prototype, n));
		if (!types[n] || LLVMGetTypeKind(types[n]) == LLVMVoidTypeKind)
			return NULL;
	}
	return LLVMFunctionType(result, types, count, false);
}

/* The loader finds the function by its name and compares the types. */
static void describe(struct lift *l, LLVMValueRef function, const char *name,
		     const struct btf_type *prototype)
{
	uint32_t count = bpf_kfunc_count(prototype);
	LLVMMetadataRef types[ARGUMENTS_MAX + 1] = {prototype->type ? lift_type(l, prototype->type)
								    : NULL};
	LLVMMetadataRef type;

	for (uint32_t n = 0; n < count; n++)
		types[n + 1] = lift_type(l, bpf_kfunc_argument(prototype, n));
	type =
	    LLVMDIBuilderCreateSubroutineType(l->debug, l->file, types, count + 1, LLVMDIFlagZero);
	LLVMSetSubprogram(function, LLVMDIBuilderCreateFunction(
					l->debug, l->file, name, strlen(name), "", 0, l->file, 0,
					type, false, false, 0, LLVMDIFlagPrototyped, true));
}

LLVMValueRef lift_kfunc(struct lift *l, const char *name)
{
	const struct btf_type *prototype = bpf_kfunc_prototype(&l->object->types, name);
	LLVMTypeRef type = prototype ? function_type(l, prototype) : NULL;
	LLVMValueRef function = LLVMGetNamedFunction(l->module, name);

	if (function || !type)
		return type ? function : NULL;
	function = LLVMAddFunction(l->module, name, type);
	LLVMSetSection(function, ".ksyms");
	describe(l, function, name, prototype);
	return function;
}

static LLVMValueRef argument(struct lift_function *f, LLVMTypeRef type, unsigned n)
{
	if (type == f->lift->ptr)
		return lift_pointer(f, n + 1);
	return LLVMBuildIntCast2(f->lift->builder, lift_number(f, n + 1), type, false, "");
}

int lift_kfunc_call(struct lift_function *f, const struct bpf_instruction *i, int callback)
{
	struct lift *l = f->lift;
	const char *name = i->reference.name;
	LLVMValueRef function = lift_kfunc(l, name), values[ARGUMENTS_MAX], result;
	LLVMTypeRef type, types[ARGUMENTS_MAX];
	unsigned count;

	if (!function)
		return lift_refuse(f,
				   "the kernel function %s is not supported: the object's BTF says "
				   "nothing of it, or of arguments that no register holds",
				   name);
	type = LLVMGlobalGetValueType(function);
	count = LLVMCountParamTypes(type);
	LLVMGetParamTypes(type, types);
	for (unsigned n = 0; n < count; n++)
		values[n] = argument(f, types[n], n);
	for (unsigned n = 0; n < count; n++)
		if (lift_value_of(f, n + 1).kind == BPF_VALUE_CODE && !bpf_callback_of(i))
			return lift_refuse(f, "%s is given a callback, which is not supported",
					   name);
	if (lift_set_callback(f, i, callback, values))
		return -EINVAL;
	result = LLVMBuildCall2(l->builder, type, function, values, count, "");
	if (LLVMGetTypeKind(LLVMTypeOf(result)) == LLVMVoidTypeKind)
		return 0;
	if (LLVMTypeOf(result) != l->ptr)
		result = LLVMBuildIntCast2(l->builder, result, l->i64, false, "");
	lift_set(f, 0, result);
	return 0;
}
