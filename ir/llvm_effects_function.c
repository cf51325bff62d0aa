/*
 * The source function that each op and block was inlined from, by the scope of its debug
 * location.
 */
#include "ir/llvm_effects.h"

#include <llvm-c/DebugInfo.h>

#include "support/arena.h"

enum {
	/* Operands of the metadata nodes: LLVM 19, DebugInfoMetadata.h. */
	SCOPE_SCOPE = 1,
	SUBPROGRAM_NAME = 2,
	SCOPE_DEPTH_MAX = 64,
};

/* The function around a scope: lexical blocks lie in one another, the outermost in the function. */
static const char *scope_function(const struct effects *fx, LLVMMetadataRef scope)
{
	LLVMContextRef context = fx->program->llvm->context;
	unsigned length;

	for (unsigned depth = 0; scope && depth < SCOPE_DEPTH_MAX; depth++) {
		LLVMMetadataKind kind = LLVMGetMetadataKind(scope);
		LLVMValueRef node = LLVMMetadataAsValue(context, scope), part;

		if (kind == LLVMDISubprogramMetadataKind) {
			part = effects_node_operand(node, SUBPROGRAM_NAME);
			const char *name = part ? LLVMGetMDString(part, &length) : NULL;

			return name ? arena_strndup(fx->program->arena, name, length) : NULL;
		}
		if (kind != LLVMDILexicalBlockMetadataKind &&
		    kind != LLVMDILexicalBlockFileMetadataKind)
			return NULL;
		part = effects_node_operand(node, SCOPE_SCOPE);
		scope = part ? LLVMValueAsMetadata(part) : NULL;
	}
	return NULL;
}

static const char *instruction_function(const struct effects *fx, LLVMValueRef instruction)
{
	LLVMMetadataRef location = LLVMInstructionGetDebugLoc(instruction);

	return location ? scope_function(fx, LLVMDILocationGetScope(location)) : NULL;
}

/* Of the first instruction with a line, which is also where the block's line comes from. */
static const char *block_function(const struct effects *fx, const struct ir_block *block)
{
	for (LLVMValueRef i = LLVMGetFirstInstruction(block->value); i;
	     i = LLVMGetNextInstruction(i))
		if (LLVMGetDebugLocLine(i))
			return instruction_function(fx, i);
	return NULL;
}

void effects_name_functions(struct effects *fx)
{
	struct ir_program *p = fx->program;
	const char *name;

	for (size_t b = 0; b < p->block_count; b++)
		if ((name = block_function(fx, &p->blocks[b])))
			p->blocks[b].function = name;
	for (size_t o = 0; o < p->op_count; o++)
		if ((name = instruction_function(fx, p->ops[o].value)))
			p->ops[o].function = name;
}
