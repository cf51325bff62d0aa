/* Places: the unit, its functions and variables, and the line of each instruction. */
#include "frontend/llvm_lift.h"

#include <string.h>

#include "ir/ir.h"
#include "support/arena.h"

enum { DW_ENCODING_SIGNED = 5 };

LLVMMetadataRef lift_file_of(struct lift *l, const char *name)
{
	for (size_t i = 0; i < l->file_count; i++)
		if (!strcmp(l->files[i].name, name))
			return l->files[i].file;

	LLVMMetadataRef file = LLVMDIBuilderCreateFile(l->debug, name, strlen(name), "", 0);

	*ARENA_PUSH(l->arena, l->files, l->file_count, l->file_cap) =
	    (struct lift_file){name, file};
	return file;
}

void lift_begin_debug(struct lift *l)
{
	static const char producer[] = "cleave, from a BPF object";
	const char *slash = strrchr(l->object->path, '/');
	const char *name = slash ? slash + 1 : l->object->path;
	LLVMMetadataRef version =
	    LLVMValueAsMetadata(LLVMConstInt(l->i32, LLVMDebugMetadataVersion(), false));

	LLVMAddModuleFlag(l->module, LLVMModuleFlagBehaviorWarning, "Debug Info Version", 18,
			  version);
	l->debug = LLVMCreateDIBuilder(l->module);
	l->file = lift_file_of(l, arena_printf(l->arena, "./%s", name));
	l->unit = LLVMDIBuilderCreateCompileUnit(
	    l->debug, LLVMDWARFSourceLanguageC11, l->file, producer, sizeof producer - 1, true, "",
	    0, 0, "", 0, LLVMDWARFEmissionFull, 0, false, false, "", 0, "", 0);
}

void lift_describe_function(struct lift *l, int instance)
{
	const struct bpf_function *f = l->analysis->instances[instance].function;
	LLVMMetadataRef file = lift_file_of(l, f->place.file);
	LLVMMetadataRef types[] = {LLVMDIBuilderCreateBasicType(l->debug, "int", 3, 32,
								DW_ENCODING_SIGNED, LLVMDIFlagZero),
				   LLVMDIBuilderCreatePointerType(l->debug, NULL, 64, 0, 0, "", 0)};
	LLVMMetadataRef type =
	    LLVMDIBuilderCreateSubroutineType(l->debug, file, types, 2, LLVMDIFlagZero);

	l->subprograms[instance] = LLVMDIBuilderCreateFunction(
	    l->debug, file, f->name, strlen(f->name), "", 0, file, f->place.line, type,
	    instance != 0, true, f->place.line, LLVMDIFlagPrototyped, true);
	/* The kernel takes no BTF of a function whose parameter has no name. */
	LLVMDIBuilderCreateParameterVariable(l->debug, l->subprograms[instance], "ctx", 3, 1, file,
					     f->place.line, types[1], true, LLVMDIFlagZero);
	LLVMSetSubprogram(l->functions[instance], l->subprograms[instance]);
}

void lift_describe_global(struct lift *l, LLVMValueRef global, const char *name, bool local,
			  LLVMMetadataRef type)
{
	LLVMMetadataRef described;

	if (!type)
		return;
	described = LLVMDIBuilderCreateGlobalVariableExpression(
	    l->debug, l->unit, name, strlen(name), "", 0, l->file, 0, type, local,
	    LLVMDIBuilderCreateExpression(l->debug, NULL, 0), NULL, 0);
	LLVMGlobalSetMetadata(global, LLVMGetMDKindIDInContext(l->context, "dbg", 3), described);
}

/* Lines of headers have a scope of their own, because a function has one file. */
void lift_set_place(struct lift_function *f)
{
	struct lift *l = f->lift;
	struct src_loc place = bpf_place(l->analysis, f->instance, f->at);
	LLVMMetadataRef scope = l->subprograms[f->instance];

	if (strcmp(place.file, f->info->function->place.file))
		scope = LLVMDIBuilderCreateLexicalBlockFile(l->debug, scope,
							    lift_file_of(l, place.file), 0);
	LLVMSetCurrentDebugLocation2(
	    l->builder,
	    LLVMDIBuilderCreateDebugLocation(l->context, place.line, place.column, scope, NULL));
}
