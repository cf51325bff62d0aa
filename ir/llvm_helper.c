/* What a call of a BPF helper does to the memory behind its arguments, by the tables. */
#include "ir/helpers.h"
#include "ir/llvm_ir.h"

static int map_of_call(const struct ir_program *program, LLVMValueRef call)
{
	int map = IR_NONE;

	for (unsigned a = 0; a < LLVMGetNumArgOperands(call) && map == IR_NONE; a++)
		map = llvm_map_index(program, LLVMGetOperand(call, a));
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
	int map;

	switch (bytes) {
	case IR_EXTENT_NEXT:
		return constant_size(call, argument + 1);
	case IR_EXTENT_KEY:
	case IR_EXTENT_VALUE:
		map = map_of_call(program, call);
		if (map == IR_NONE)
			return -1;
		return bytes == IR_EXTENT_KEY ? program->maps[map].key_size
					      : program->maps[map].value_size;
	default:
		return bytes < 0 ? -1 : bytes;
	}
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
