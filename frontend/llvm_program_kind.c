/* Which functions of a source are programs: program_section.h, by the types in debug info. */
#include "frontend/llvm_stages.h"
#include "frontend/program_section.h"

#include <llvm-c/DebugInfo.h>
#include <string.h>

#include "support/arena.h"

/* Operands of debug info's nodes, which LLVM's C interface has no names for. */
enum {
	SUBPROGRAM_TYPE = 4,
	SUBROUTINE_TYPES = 3,
	DERIVED_BASE = 3,
	TYPE_NAME = 2,
	OPERANDS_MAX = 16,
};

static LLVMValueRef operand(LLVMValueRef node, unsigned n)
{
	LLVMValueRef operands[OPERANDS_MAX];
	unsigned count = node ? LLVMGetMDNodeNumOperands(node) : 0;

	if (n >= count || count > OPERANDS_MAX)
		return NULL;
	LLVMGetMDNodeOperands(node, operands);
	return operands[n];
}

static bool is_derived(LLVMValueRef node)
{
	return node &&
	       LLVMGetMetadataKind(LLVMValueAsMetadata(node)) == LLVMDIDerivedTypeMetadataKind;
}

/* The struct that the function's one parameter points to, without typedefs and qualifiers. */
static const char *context_of(struct arena *arena, LLVMValueRef function)
{
	LLVMMetadataRef subprogram = LLVMGetSubprogram(function);
	LLVMContextRef context = LLVMGetModuleContext(LLVMGetGlobalParent(function));
	LLVMValueRef node = subprogram ? LLVMMetadataAsValue(context, subprogram) : NULL;
	const char *name = NULL;
	unsigned length = 0;

	node = operand(operand(node, SUBPROGRAM_TYPE), SUBROUTINE_TYPES);
	if (!node || LLVMGetMDNodeNumOperands(node) != 2) /* what it returns, what it takes */
		return NULL;
	for (node = operand(node, 1); is_derived(node);)
		node = operand(node, DERIVED_BASE);
	node = operand(node, TYPE_NAME);
	if (node)
		name = LLVMGetMDString(node, &length);
	return name ? arena_strndup(arena, name, length) : NULL;
}

static const char *section_of(struct arena *arena, LLVMValueRef function,
			      const struct frontend_source *source)
{
	const char *section = LLVMGetSection(function);
	size_t length;

	if (!section || LLVMIsDeclaration(function))
		return NULL;
	if (source->type && (!source->program || !strcmp(source->program, section) ||
			     !strcmp(source->program, LLVMGetValueName2(function, &length))))
		return source->type;
	return program_section_guess(section, context_of(arena, function));
}

/* A program may be asked for by its section, as the source has it. */
static const char *wanted(struct arena *arena, LLVMModuleRef module, const char *name)
{
	size_t length;

	if (!name || LLVMGetNamedFunction(module, name))
		return name;
	for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
		if (!LLVMIsDeclaration(f) && LLVMGetSection(f) && !strcmp(LLVMGetSection(f), name))
			return arena_strdup(arena, LLVMGetValueName2(f, &length));
	return name;
}

const char *frontend_name_programs(struct arena *arena, LLVMModuleRef module,
				   const struct frontend_source *source)
{
	const char *name = wanted(arena, module, source->program);

	for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
		const char *section = section_of(arena, f, source);

		if (section)
			LLVMSetSection(f, section);
	}
	return name;
}
