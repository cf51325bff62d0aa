/* The order of the steps from bitcode to a normalised program, and what the steps share. */
#include "frontend/frontend.h"
#include "frontend/llvm_stages.h"
#include "frontend/source_core.h"
#include "ir/source_file.h"

#include <errno.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/BitReader.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"

/*
 * Some instructions that clang adds have no line: the code that they are for follows them; else
 * the function must do.
 */
static LLVMValueRef with_line(LLVMValueRef value)
{
	LLVMValueRef next = value;

	if (!LLVMIsAInstruction(value))
		return value;
	while (next && !LLVMGetDebugLocLine(next))
		next = LLVMGetNextInstruction(next);
	return next ? next : LLVMGetBasicBlockParent(LLVMGetInstructionParent(value));
}

struct src_loc frontend_value_loc(const struct ir_program *program, LLVMValueRef value)
{
	unsigned length = 0;
	const char *file;
	struct src_loc loc = {0};

	value = with_line(value);
	file = LLVMGetDebugLocFilename(value, &length);
	if (!file || !length)
		return (struct src_loc){.file = program->source};
	loc.file = ir_shown_file(program, file, length);
	loc.line = LLVMGetDebugLocLine(value);
	if (LLVMIsAInstruction(value))
		loc.column = LLVMGetDebugLocColumn(value);
	return loc;
}

int frontend_refuse(struct ir_program *program, struct diag *diag, struct src_loc loc,
		    enum ir_reason reason, const char *detail)
{
	struct ir_why why = {reason, detail};

	diag_error(diag, loc, "%s", ir_why_sentence(program->arena, why));
	return -EINVAL;
}

int frontend_run_passes(struct ir_program *program, const char *passes, struct diag *diag)
{
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef error = LLVMRunPasses(program->llvm->module, passes, NULL, options);
	char *message;

	LLVMDisposePassBuilderOptions(options);
	if (!error)
		return 0;
	message = LLVMGetErrorMessage(error);
	diag_error(diag, NO_LOC, "LLVM: %s", message);
	LLVMDisposeErrorMessage(message);
	return -EIO;
}

LLVMValueRef frontend_first_instruction(LLVMValueRef function)
{
	return LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(function));
}

LLVMValueRef frontend_next_instruction(LLVMValueRef instruction)
{
	LLVMValueRef next = LLVMGetNextInstruction(instruction);
	LLVMBasicBlockRef block = LLVMGetInstructionParent(instruction);

	while (!next && (block = LLVMGetNextBasicBlock(block)))
		next = LLVMGetFirstInstruction(block);
	return next;
}

static bool constant_index(LLVMValueRef index, int64_t *value)
{
	if (!LLVMIsAConstantInt(index))
		return false;
	*value = LLVMConstIntGetSExtValue(index);
	return true;
}

bool frontend_constant_offset(LLVMModuleRef module, LLVMTypeRef type, LLVMValueRef gep,
			      unsigned first, unsigned end, int64_t *offset)
{
	LLVMTargetDataRef layout = LLVMGetModuleDataLayout(module);
	int64_t index;

	for (unsigned i = first; i < end; i++) {
		if (!constant_index(LLVMGetOperand(gep, i), &index))
			return false;
		if (i == first) {
			*offset += index * (int64_t)LLVMABISizeOfType(layout, type);
			continue;
		}
		if (LLVMGetTypeKind(type) == LLVMStructTypeKind) {
			*offset += (int64_t)LLVMOffsetOfElement(layout, type, (unsigned)index);
			type = LLVMStructGetTypeAtIndex(type, (unsigned)index);
			continue;
		}
		if (LLVMGetTypeKind(type) != LLVMArrayTypeKind)
			return false;
		type = LLVMGetElementType(type);
		*offset += index * (int64_t)LLVMABISizeOfType(layout, type);
	}
	return true;
}

const char *frontend_clang_version(const struct ir_program *program)
{
	LLVMModuleRef module = program->llvm->original;
	LLVMValueRef ident, text;
	unsigned length;
	const char *chars;

	if (LLVMGetNamedMetadataNumOperands(module, "llvm.ident") == 0)
		return "unknown";
	LLVMGetNamedMetadataOperands(module, "llvm.ident", &ident);
	LLVMGetMDNodeOperands(ident, &text);
	chars = LLVMGetMDString(text, &length);
	return chars ? arena_strndup(program->arena, chars, length) : "unknown";
}

/* LLVM's default handler prints and may end the process; the callers report instead. */
static void ignore_diagnostic(LLVMDiagnosticInfoRef info, void *unused)
{
}

/* clang keeps the source's absolute path here, whatever it is told to write elsewhere. */
static void name_source(LLVMModuleRef module, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	LLVMSetSourceFileName(module, name, strlen(name));
}

static int parse(struct ir_program *program, const struct frontend_source *source,
		 const char **wanted, struct diag *diag)
{
	struct ir_llvm *llvm = program->llvm;
	LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
	    source->bitcode, source->bitcode_size, source->path);
	LLVMModuleRef module = NULL;

	LLVMContextSetDiagnosticHandler(llvm->context, ignore_diagnostic, NULL);
	if (LLVMParseBitcodeInContext2(llvm->context, buffer, &module)) {
		LLVMDisposeMemoryBuffer(buffer);
		diag_error(diag, (struct src_loc){.file = source->path},
			   "this is not LLVM bitcode");
		return -EINVAL;
	}
	LLVMDisposeMemoryBuffer(buffer);
	name_source(module, source->path);
	*wanted = frontend_name_programs(program->arena, module, source);
	llvm->original = module;
	frontend_keep_shared(program);
	llvm->module = LLVMCloneModule(module);
	return 0;
}

/* A module that LLVM finds wrong is a bug of the step before: checked in debug builds. */
static void verify(const struct ir_program *program)
{
#ifndef NDEBUG
	LLVMVerifyModule(program->llvm->module, LLVMAbortProcessAction, NULL);
#endif
}

static int normalise(struct ir_program *program, struct diag *diag)
{
	static int (*const steps[])(struct ir_program *, struct diag *) = {
	    frontend_leave_assembly,     frontend_expand_callbacks,  frontend_join_programs,
	    frontend_inline_calls,       frontend_fold_offsets,      frontend_replace_context,
	    frontend_replace_calls,      frontend_rebuild_addresses, frontend_collect_globals,
	    frontend_expand_map_choices, frontend_size_maps,         frontend_note_callbacks,
	    frontend_note_tail_calls,    frontend_check_map_uses,
	};

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		int err = steps[i](program, diag);

		if (err)
			return err;
		verify(program);
	}
	return 0;
}

void frontend_copy_bitcode(const struct ir_program *program, const char **bytes, size_t *size)
{
	LLVMMemoryBufferRef buffer = LLVMWriteBitcodeToMemoryBuffer(program->llvm->original);

	*size = LLVMGetBufferSize(buffer);
	*bytes = arena_strndup(program->arena, LLVMGetBufferStart(buffer), *size);
	LLVMDisposeMemoryBuffer(buffer);
}

int frontend_load(struct arena *arena, const struct frontend_source *source,
		  struct ir_program **out, struct diag *diag)
{
	struct ir_program *program = arena_alloc(arena, sizeof *program);
	const char *wanted = NULL;
	int err;

	program->arena = arena;
	program->source = source->path;
	program->tail_calls = source->tail_calls;
	program->map_settings = source->maps;
	program->core = source_core_open(arena, source, diag);
	if (!program->core)
		return -EINVAL;
	program->from_object = source->lifted || !source->object;
	program->shared = source->shared;
	program->shared_count = source->shared_count;
	program->llvm = arena_alloc(arena, sizeof *program->llvm);
	program->llvm->context = LLVMContextCreate();
	err = parse(program, source, &wanted, diag);
	if (!err)
		err = frontend_choose_program(program, wanted, diag);
	if (!err)
		err = normalise(program, diag);
	if (err)
		ir_llvm_free(program->llvm);
	*out = err ? NULL : program;
	return err;
}
