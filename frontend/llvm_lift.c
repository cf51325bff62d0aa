/* From an object's bytes to bitcode. */
#include "frontend/llvm_lift.h"

#include <errno.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/Error.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <string.h>

#include "frontend/lift.h"
#include "frontend/object_program.h"
#include "ir/ir.h"
#include "support/arena.h"

#define BPF_LAYOUT "e-m:e-p:64:64-i64:64-i128:128-n32:64-S128"

/*
 * mem2reg first: what it leaves unread are numbers made of pointers, which would hold sroa back.
 * deadargelim last: a subprogram is lifted with all five registers as arguments, and the verifier
 * lets nobody hand on one that the caller has not set.
 */
#define PASSES                                                                                     \
	"function(mem2reg,adce,sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg,adce),"  \
	"deadargelim"

/* ---- the module ---- */

static void add_license(struct lift *l)
{
	LLVMValueRef text, g;

	if (!l->object->license)
		return;
	text = LLVMConstStringInContext2(l->context, l->object->license, strlen(l->object->license),
					 false);
	g = LLVMAddGlobal(l->module, LLVMTypeOf(text), "_license");
	LLVMSetInitializer(g, text);
	LLVMSetSection(g, "license");
	LLVMSetAlignment(g, 1);
}

static void name_producer(struct lift *l)
{
	static const char text[] = "a BPF object";
	LLVMMetadataRef string = LLVMMDStringInContext2(l->context, text, sizeof text - 1);
	LLVMMetadataRef node = LLVMMDNodeInContext2(l->context, &string, 1);

	LLVMAddNamedMetadataOperand(l->module, "llvm.ident", LLVMMetadataAsValue(l->context, node));
}

static void begin_module(struct lift *l)
{
	l->context = LLVMContextCreate();
	l->module = LLVMModuleCreateWithNameInContext(l->object->path, l->context);
	l->builder = LLVMCreateBuilderInContext(l->context);
	l->ptr = LLVMPointerTypeInContext(l->context, 0);
	l->i8 = LLVMInt8TypeInContext(l->context);
	l->i16 = LLVMInt16TypeInContext(l->context);
	l->i32 = LLVMInt32TypeInContext(l->context);
	l->i64 = LLVMInt64TypeInContext(l->context);
	LLVMSetTarget(l->module, "bpf");
	LLVMSetDataLayout(l->module, BPF_LAYOUT);
	lift_begin_debug(l);
	name_producer(l);
	add_license(l);
}

static void end_module(struct lift *l)
{
	LLVMDisposeBuilder(l->builder);
	LLVMDisposeDIBuilder(l->debug);
	LLVMDisposeModule(l->module);
	LLVMContextDispose(l->context);
}

static int simplify(struct lift *l)
{
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef error;
	char *message;

#ifndef NDEBUG
	LLVMVerifyModule(l->module, LLVMAbortProcessAction, NULL);
#endif
	error = LLVMRunPasses(l->module, PASSES, NULL, options);
	LLVMDisposePassBuilderOptions(options);
	if (!error)
		return 0;
	message = LLVMGetErrorMessage(error);
	diag_error(l->diag, NO_LOC, "LLVM: %s", message);
	LLVMDisposeErrorMessage(message);
	return -EIO;
}

static int write_bitcode(struct lift *l, const char **bitcode, size_t *size)
{
	LLVMMemoryBufferRef buffer = LLVMWriteBitcodeToMemoryBuffer(l->module);

	*size = LLVMGetBufferSize(buffer);
	*bitcode = arena_strndup(l->arena, LLVMGetBufferStart(buffer), *size);
	LLVMDisposeMemoryBuffer(buffer);
	return 0;
}

static void enter(struct lift *l, const struct lift_program *p)
{
	l->analysis = p->analysis;
	l->functions = p->functions;
	l->subprograms = p->subprograms;
}

static int define_program(struct lift *l, const struct lift_program *p)
{
	int err = 0;

	enter(l, p);
	for (int i = 0; i < (int)l->analysis->instance_count && !err; i++)
		err = lift_define(l, i);
	return err;
}

static int make_module(struct lift *l, const char **bitcode, size_t *size)
{
	int err = lift_make_data(l);

	for (size_t p = 0; p < l->program_count && !err; p++) {
		enter(l, &l->programs[p]);
		err = lift_declare(l);
		l->programs[p].functions = l->functions;
		l->programs[p].subprograms = l->subprograms;
	}
	for (size_t p = 0; p < l->program_count && !err; p++)
		err = define_program(l, &l->programs[p]);
	lift_named_maps(l);
	LLVMDIBuilderFinalize(l->debug);
	if (!err)
		err = simplify(l);
	if (!err)
		lift_expand_pointers(l);
	return err ? err : write_bitcode(l, bitcode, size);
}

int frontend_lift(struct arena *arena, const struct lift_input *input, const char **bitcode,
		  size_t *bitcode_size, const char **chosen, struct diag *diag)
{
	struct bpf_object object;
	struct lift l = {
	    .arena = arena, .object = &object, .diag = diag, .tail_calls = input->tail_calls};
	struct bpf_function *program = NULL;
	struct bpf_core_host *host;
	int err = bpf_object_read(arena, input->bytes, input->size, input->path, &object, diag);

	if (!err)
		err = object_program_choose(&object, input, &program, diag);
	host = err ? NULL : bpf_core_host_open(arena, input->btf, diag);
	if (!host)
		return err ?: -EINVAL;
	bpf_object_resolve(&object, host);
	err = lift_find_programs(&l, program);
	if (err)
		return err;
	*chosen = program->name;
	begin_module(&l);
	err = make_module(&l, bitcode, bitcode_size);
	end_module(&l);
	return err;
}
