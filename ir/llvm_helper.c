/* What a call of a BPF helper does to the memory behind its arguments, by the tables. */
#include "ir/helpers.h"
#include "ir/llvm_ir.h"
#include "support/arena.h"
#include "support/map_types.h"

#include <string.h>

/* A map that was found in another one is known by the pointer that the look-up gave. */
int llvm_outer_map(const struct ir_program *program, LLVMValueRef map)
{
	struct llvm_region region;

	if (LLVMGetTypeKind(LLVMTypeOf(map)) != LLVMPointerTypeKind || LLVMIsAAllocaInst(map))
		return IR_NONE;
	region = llvm_pointer_region(program, map);
	if (region.memory != LLVM_MEMORY_MAP || region.index == IR_NONE || !region.constant ||
	    region.offset || !program->maps[region.index].inner.type)
		return IR_NONE;
	return region.index;
}

int llvm_call_map(const struct ir_program *program, LLVMValueRef call, bool *inner)
{
	const char *name = llvm_intrinsic_name(call);
	const struct ir_helper *helper = name ? ir_helper_by_intrinsic(name) : NULL;
	unsigned count = helper ? LLVMGetNumArgOperands(call) : 0;
	int map = IR_NONE;

	*inner = false;
	for (unsigned a = 0; a < count && a < IR_HELPER_ARGUMENTS_MAX && map == IR_NONE; a++) {
		LLVMValueRef argument = LLVMGetOperand(call, a);

		if (helper->arguments[a] != IR_ARGUMENT_MAP)
			continue;
		map = llvm_map_index(program, argument);
		*inner = map == IR_NONE;
		if (*inner)
			map = llvm_outer_map(program, argument);
		*inner = *inner && map != IR_NONE;
	}
	return map;
}

static int64_t constant_size(LLVMValueRef call, unsigned argument)
{
	if (argument >= LLVMGetNumArgOperands(call))
		return -1;
	LLVMValueRef size = LLVMGetOperand(call, argument);

	return LLVMIsAConstantInt(size) ? LLVMConstIntGetSExtValue(size) : -1;
}

static int64_t extent(const struct ir_program *program, LLVMValueRef call, unsigned argument,
		      int bytes)
{
	const struct ir_map *m;
	bool inner;
	int map;

	switch (bytes) {
	case IR_EXTENT_NEXT:
		return constant_size(call, argument + 1);
	case IR_EXTENT_KEY:
	case IR_EXTENT_VALUE:
		map = llvm_call_map(program, call, &inner);
		if (map == IR_NONE)
			return -1;
		m = &program->maps[map];
		if (bytes == IR_EXTENT_KEY)
			return inner ? m->inner.key_size : m->key_size;
		return inner ? m->inner.value_size : m->value_size;
	default:
		return bytes < 0 ? -1 : bytes;
	}
}

static bool is_set(const struct ir_program *program, LLVMValueRef call)
{
	bool inner;
	int map = llvm_call_map(program, call, &inner);
	const struct ir_map *m = map == IR_NONE ? NULL : &program->maps[map];

	return m && map_type_holds(inner ? m->inner.type : m->type) == MAP_HOLDS_SET;
}

bool llvm_helper_access(const struct ir_program *program, LLVMValueRef call, unsigned argument,
			struct llvm_helper_access *access)
{
	const char *name = llvm_intrinsic_name(call);
	const struct ir_helper *helper = name ? ir_helper_by_intrinsic(name) : NULL;
	struct ir_argument_memory memory;

	if (!helper || argument >= IR_HELPER_ARGUMENTS_MAX ||
	    argument >= LLVMGetNumArgOperands(call))
		return false;
	memory = ir_argument_memory(helper->arguments[argument]);
	/* Of a set it asks whether the value is in it. */
	if (helper->op == IR_OP_MAP_PEEK && memory.writes && is_set(program, call))
		memory = ir_argument_memory(IR_ARGUMENT_VALUE);
	*access = (struct llvm_helper_access){memory.reads, memory.writes,
					      extent(program, call, argument, memory.bytes)};
	return memory.reads || memory.writes;
}

bool llvm_is_reference(LLVMValueRef call)
{
	const char *name = call ? llvm_intrinsic_name(call) : NULL;
	const struct ir_helper *helper = name ? ir_helper_by_intrinsic(name) : NULL;

	return helper &&
	       (helper->returns == IR_RETURNS_SOCKET || helper->returns == IR_RETURNS_RECORD);
}

/* The text of a constant that a pointer shows, or NULL. */
static const char *constant_text(const struct ir_program *program, LLVMValueRef pointer)
{
	struct llvm_region region = llvm_pointer_region(program, pointer);
	size_t length;

	if (region.memory != LLVM_MEMORY_GLOBAL || !region.root || !region.constant ||
	    !LLVMIsAGlobalVariable(region.root) || !LLVMIsGlobalConstant(region.root))
		return NULL;
	LLVMValueRef bytes = LLVMGetInitializer(region.root);

	if (!bytes || !LLVMIsAConstantDataArray(bytes) || !LLVMIsConstantString(bytes))
		return NULL;
	const char *text = LLVMGetAsString(bytes, &length);

	if (region.offset < 0 || (size_t)region.offset >= length)
		return NULL;
	return arena_strndup(program->arena, text + region.offset, length - (size_t)region.offset);
}

static const char *format_of(const struct ir_program *program, LLVMValueRef call,
			     const struct ir_helper *helper)
{
	for (unsigned a = 0; a < LLVMGetNumArgOperands(call) && a < IR_HELPER_ARGUMENTS_MAX; a++)
		if (helper->arguments[a] == IR_ARGUMENT_STRING ||
		    (helper->arguments[a] == IR_ARGUMENT_IN && helper->op == IR_OP_TRACE))
			return constant_text(program, LLVMGetOperand(call, a));
	return NULL;
}

/* Conversions of strings and of network addresses look at the program's own memory. */
const char *llvm_kernel_conversion(const struct ir_program *program, LLVMValueRef call,
				   const struct ir_helper *helper)
{
	const char *at = format_of(program, call, helper);

	if (helper->class != IR_HELPER_OUTPUT)
		return NULL;
	for (; at && (at = strchr(at, '%')); at++) {
		at += 1 + strspn(at + 1, "0123456789+- ");
		if (*at == 'p' && (!at[1] || !strchr("iIku", at[1])))
			return arena_printf(program->arena, "%%p%.*s of bpf_%s",
					    at[1] && strchr("KxsSB", at[1]) ? 1 : 0, at + 1,
					    helper->name);
		if (!*at)
			break;
	}
	return NULL;
}

const char *llvm_kernel_function(LLVMValueRef instruction)
{
	size_t length;

	if (!LLVMIsACallInst(instruction))
		return NULL;
	LLVMValueRef callee = LLVMGetCalledValue(instruction);
	const char *section = LLVMIsAFunction(callee) ? LLVMGetSection(callee) : NULL;

	return section && !strcmp(section, ".ksyms") ? LLVMGetValueName2(callee, &length) : NULL;
}
