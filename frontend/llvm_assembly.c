/*
 * BPF assembly in a source (asm volatile, asm goto) has a meaning only in BPF's machine code:
 * clang's bitcode holds its text, the object its instructions. A source with a word of it is
 * therefore read from the object that clang made of it, like any other object; empty text, the
 * barriers of compilers, needs nothing.
 */
#include "frontend/llvm_stages.h"

#include <errno.h>

static bool is_assembly(LLVMValueRef instruction)
{
	LLVMValueRef callee;
	size_t length;

	if (LLVMGetInstructionOpcode(instruction) == LLVMCallBr)
		return true;
	if (!LLVMIsACallInst(instruction))
		return false;
	callee = LLVMGetCalledValue(instruction);
	if (!LLVMIsAInlineAsm(callee))
		return false;
	LLVMGetInlineAsmAsmString(callee, &length);
	return length != 0;
}

static bool holds_assembly(LLVMValueRef function)
{
	LLVMValueRef i;

	if (LLVMIsDeclaration(function))
		return false;
	for (i = frontend_first_instruction(function); i; i = frontend_next_instruction(i))
		if (is_assembly(i))
			return true;
	return false;
}

int frontend_leave_assembly(struct ir_program *program, struct diag *unused)
{
	LLVMValueRef f = LLVMGetFirstFunction(program->llvm->module);

	if (program->from_object)
		return 0;
	for (; f; f = LLVMGetNextFunction(f))
		if (holds_assembly(f))
			return -EAGAIN;
	return 0;
}
