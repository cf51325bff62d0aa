/*
 * LLVM's BTF has only the names of the structs that nothing but a map in a map names as its key or
 * value: it takes them for pointers' targets (BTFDebug.cpp, shouldGenerateFwd). libbpf needs their
 * sizes. A variable of such a type makes it whole.
 */
#include "ir/llvm_ir.h"
#include "support/arena.h"

#include <string.h>

enum { NODES_MAX = 512, OPERANDS_MAX = 64, DEPTH_MAX = 12 };

struct walk {
	struct arena *arena;
	LLVMModuleRef module;
	LLVMContextRef context;
	LLVMMetadataRef seen[NODES_MAX], types[NODES_MAX];
	size_t seen_count, type_count;
};

static bool is_struct(LLVMMetadataRef node)
{
	size_t length;

	return LLVMGetMetadataKind(node) == LLVMDICompositeTypeMetadataKind &&
	       LLVMDITypeGetName(node, &length) && length && LLVMDITypeGetSizeInBits(node);
}

static bool leads_on(LLVMMetadataRef node)
{
	switch (LLVMGetMetadataKind(node)) {
	case LLVMDICompositeTypeMetadataKind:
	case LLVMDIDerivedTypeMetadataKind:
	case LLVMMDTupleMetadataKind:
	case LLVMDIGlobalVariableMetadataKind:
	case LLVMDIGlobalVariableExpressionMetadataKind:
		return true;
	default:
		return false;
	}
}

static bool is_values(LLVMMetadataRef node)
{
	size_t length;
	const char *name = LLVMGetMetadataKind(node) == LLVMDIDerivedTypeMetadataKind
			       ? LLVMDITypeGetName(node, &length)
			       : NULL;

	return name && length == 6 && memcmp(name, "values", 6) == 0;
}

/* All types that can be come by from the node, if by `values`; scopes and files lead nowhere. */
static void visit(struct walk *w, LLVMMetadataRef node, unsigned depth, bool inside)
{
	LLVMValueRef value, operands[OPERANDS_MAX];
	unsigned count;

	for (size_t i = 0; i < w->seen_count; i++)
		if (w->seen[i] == node)
			return;
	if (depth == DEPTH_MAX || w->seen_count == NODES_MAX || !leads_on(node))
		return;
	w->seen[w->seen_count++] = node;
	inside |= is_values(node);
	if (inside && is_struct(node))
		w->types[w->type_count++] = node;
	value = LLVMMetadataAsValue(w->context, node);
	count = LLVMGetMDNodeNumOperands(value);
	if (count > OPERANDS_MAX)
		return;
	LLVMGetMDNodeOperands(value, operands);
	for (unsigned i = 0; i < count; i++)
		if (operands[i])
			visit(w, LLVMValueAsMetadata(operands[i]), depth + 1, inside);
}

static LLVMMetadataRef description_of(struct walk *w, LLVMValueRef global)
{
	unsigned kind = LLVMGetMDKindIDInContext(w->context, "dbg", 3);
	LLVMMetadataRef found = NULL;
	size_t count;
	LLVMValueMetadataEntry *all = LLVMGlobalCopyAllMetadata(global, &count);

	for (size_t i = 0; i < count && !found; i++)
		if (LLVMValueMetadataEntriesGetKind(all, (unsigned)i) == kind)
			found = LLVMValueMetadataEntriesGetMetadata(all, (unsigned)i);
	LLVMDisposeValueMetadataEntries(all);
	return found;
}

static void add_variable(struct walk *w, LLVMDIBuilderRef di, LLVMMetadataRef unit,
			 LLVMMetadataRef file, size_t n)
{
	LLVMTypeRef body = LLVMArrayType2(LLVMInt8TypeInContext(w->context),
					  (LLVMDITypeGetSizeInBits(w->types[n]) + 7) / 8);
	char *name = arena_printf(w->arena, "cleave_type_%zu", n);
	LLVMValueRef global = LLVMAddGlobal(w->module, body, name);

	LLVMSetInitializer(global, LLVMConstNull(body));
	LLVMSetSection(global, ".cleave_types");
	LLVMGlobalSetMetadata(global, LLVMGetMDKindIDInContext(w->context, "dbg", 3),
			      LLVMDIBuilderCreateGlobalVariableExpression(
				  di, unit, name, strlen(name), "", 0, file, 0, w->types[n], 0,
				  LLVMDIBuilderCreateExpression(di, NULL, 0), NULL, 0));
}

static LLVMMetadataRef find_unit(struct walk *w)
{
	LLVMValueRef operands[8];
	unsigned count = LLVMGetNamedMetadataNumOperands(w->module, "llvm.dbg.cu");

	if (!count || count > 8)
		return NULL;
	LLVMGetNamedMetadataOperands(w->module, "llvm.dbg.cu", operands);
	return LLVMValueAsMetadata(operands[0]);
}

void llvm_keep_map_types(struct arena *arena, LLVMModuleRef module)
{
	struct walk w = {.arena = arena, .module = module, .context = LLVMGetModuleContext(module)};
	LLVMMetadataRef unit = find_unit(&w);
	LLVMDIBuilderRef di;

	for (LLVMValueRef g = LLVMGetFirstGlobal(module); g && unit; g = LLVMGetNextGlobal(g)) {
		const char *section = LLVMGetSection(g);
		LLVMMetadataRef description = NULL;

		if (section && strcmp(section, ".maps") == 0)
			description = description_of(&w, g);
		if (description)
			visit(&w, description, 0, false);
	}
	if (!w.type_count)
		return;
	di = LLVMCreateDIBuilderDisallowUnresolved(module);
	for (size_t n = 0; n < w.type_count; n++)
		add_variable(&w, di, unit, LLVMDIScopeGetFile(unit), n);
	LLVMDIBuilderFinalize(di);
	LLVMDisposeDIBuilder(di);
}
