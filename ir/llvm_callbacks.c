/* Callbacks that the kernel part keeps as functions: who is given which, and what they touch. */
#include "ir/helpers.h"
#include "ir/llvm_ir.h"

/* A function of the kernel's own takes none but its callback. */
static LLVMValueRef function_among(LLVMValueRef call)
{
	for (unsigned a = 0; a < LLVMGetNumArgOperands(call); a++)
		if (LLVMIsAFunction(LLVMGetOperand(call, a)) &&
		    !LLVMIsDeclaration(LLVMGetOperand(call, a)))
			return LLVMGetOperand(call, a);
	return NULL;
}

LLVMValueRef llvm_call_callback(LLVMValueRef call)
{
	const char *name = llvm_intrinsic_name(call);
	const struct ir_helper *helper = name ? ir_helper_by_intrinsic(name) : NULL;
	unsigned count = helper ? LLVMGetNumArgOperands(call) : 0;

	if (llvm_kernel_function(call))
		return function_among(call);
	for (unsigned a = 0; a < count && a < IR_HELPER_ARGUMENTS_MAX; a++)
		if (helper->arguments[a] == IR_ARGUMENT_CALLBACK &&
		    LLVMIsAFunction(LLVMGetOperand(call, a)))
			return LLVMGetOperand(call, a);
	return NULL;
}

static bool value_uses(LLVMValueRef value, LLVMValueRef global, unsigned depth);

static bool function_uses(LLVMValueRef function, LLVMValueRef global, unsigned depth)
{
	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b;
	     b = LLVMGetNextBasicBlock(b))
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
			for (int o = 0; o < LLVMGetNumOperands(i); o++)
				if (value_uses(LLVMGetOperand(i, (unsigned)o), global, depth + 1))
					return true;
	return false;
}

/* Functions that call each other in circles end at a depth that no program has. */
static bool value_uses(LLVMValueRef value, LLVMValueRef global, unsigned depth)
{
	enum { DEPTH_MAX = 16 };

	if (value == global || depth > DEPTH_MAX)
		return true;
	if (LLVMValueIsBasicBlock(value) || !LLVMIsAConstant(value))
		return false;
	if (LLVMIsAFunction(value))
		return function_uses(value, global, depth);
	if (LLVMIsAConstantExpr(value))
		for (int o = 0; o < LLVMGetNumOperands(value); o++)
			if (value_uses(LLVMGetOperand(value, (unsigned)o), global, depth + 1))
				return true;
	return false;
}

bool llvm_callback_uses(LLVMValueRef callback, LLVMValueRef global)
{
	return function_uses(callback, global, 0);
}
