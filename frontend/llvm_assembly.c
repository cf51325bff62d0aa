/*
 * BPF assembly in a source (asm volatile, asm goto) has a meaning only in BPF's machine code:
 * clang's bitcode holds its text, the object its instructions. A source with a word of it is
 * therefore read from the object that clang made of it, like any other object; empty text, the
 * barriers of compilers, needs nothing. So is a program that returns another number than an int.
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

/* long prog(...): a number of 64 bits of which the kernel takes 32, or of 8 with zeros above. */
static bool returns_other_number(LLVMValueRef function)
{
	LLVMTypeRef type = LLVMGetReturnType(LLVMGlobalGetValueType(function));

	return LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) != 32;
}

int frontend_leave_assembly(struct ir_program *program, struct diag *unused)
{
	LLVMValueRef f = LLVMGetFirstFunction(program->llvm->module);

	if (program->from_object)
		return 0;
	if (returns_other_number(program->llvm->function))
		return -EAGAIN;
	for (; f; f = LLVMGetNextFunction(f))
		if (holds_assembly(f))
			return -EAGAIN;
	return 0;
}
