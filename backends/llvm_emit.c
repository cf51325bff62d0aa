#include "backends/llvm_emit.h"
#include "support/arena.h"
#include "support/limits.h"

#include <assert.h>
#include <errno.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <string.h>

static LLVMTargetMachineRef make_target(const char *triple, const char *cpu, const char *features,
					LLVMCodeGenOptLevel level, struct diag *diag)
{
	LLVMTargetRef target;
	char *text = NULL;

	if (LLVMGetTargetFromTriple(triple, &target, &text)) {
		diag_error(diag, NO_LOC, "LLVM has no target %s: %s", triple, text);
		LLVMDisposeMessage(text);
		return NULL;
	}
	return LLVMCreateTargetMachine(target, triple, cpu, features, level, LLVMRelocPIC,
				       LLVMCodeModelDefault);
}

/* LLVM complains at the limit, the kernel beyond it. An option is for the whole process, once. */
static void allow_full_stack(void)
{
	static const char *const options[] = {"cleave", "-bpf-stack-size=513"};
	static bool done;

	static_assert(BPF_STACK_BYTES_MAX + 1 == 513, "the option");
	if (!done)
		LLVMParseCommandLineOptions(2, options, NULL);
	done = true;
}

LLVMTargetMachineRef llvm_bpf_target(const char *cpu, struct diag *diag)
{
	LLVMInitializeBPFTargetInfo();
	LLVMInitializeBPFTarget();
	LLVMInitializeBPFTargetMC();
	LLVMInitializeBPFAsmPrinter();
	allow_full_stack();
	return make_target("bpf", cpu, "", LLVMCodeGenLevelDefault, diag);
}

LLVMTargetMachineRef llvm_host_target(struct diag *diag)
{
	LLVMInitializeNativeTarget();
	LLVMInitializeNativeAsmPrinter();
	char *triple = LLVMGetDefaultTargetTriple(), *cpu = LLVMGetHostCPUName();
	char *features = LLVMGetHostCPUFeatures();
	LLVMTargetMachineRef machine =
	    make_target(triple, cpu, features, LLVMCodeGenLevelAggressive, diag);

	LLVMDisposeMessage(triple);
	LLVMDisposeMessage(cpu);
	LLVMDisposeMessage(features);
	return machine;
}

const char *backend_host_cpu(struct arena *arena)
{
	char *cpu = LLVMGetHostCPUName();
	const char *copy = arena_strdup(arena, cpu);

	LLVMDisposeMessage(cpu);
	return copy;
}

/* Faults that LLVM finds while it emits do not make it fail. */
struct complaints {
	struct arena *arena;
	const char *first; /* error, or NULL */
	bool over_stack;
};

static void note_complaint(LLVMDiagnosticInfoRef info, void *context)
{
	struct complaints *c = context;
	char *text;

	if (LLVMGetDiagInfoSeverity(info) != LLVMDSError || c->first)
		return;
	text = LLVMGetDiagInfoDescription(info);
	/* A stack that is too large is none: what needs it moves to user. */
	if (strstr(text, "stack limit"))
		c->over_stack = true;
	else
		c->first = arena_strndup(c->arena, text, strcspn(text, "\n"));
	LLVMDisposeMessage(text);
}

static int refuse(const char *text, struct diag *diag)
{
	static const char nowhere[] = "<unknown>:0: ";

	if (!strncmp(text, nowhere, sizeof nowhere - 1))
		text += sizeof nowhere - 1;
	diag_error(diag, NO_LOC, "LLVM cannot make an object of it: %s%s", text,
		   strstr(text, "already defined")
		       ? " (a variable cannot have the name of its section)"
		       : "");
	return -EINVAL;
}

int llvm_emit_object(struct arena *arena, LLVMModuleRef module, LLVMTargetMachineRef target,
		     struct backend_output *output, struct diag *diag)
{
	LLVMContextRef context = LLVMGetModuleContext(module);
	LLVMDiagnosticHandler handler = LLVMContextGetDiagnosticHandler(context);
	void *handler_context = LLVMContextGetDiagnosticContext(context);
	struct complaints complaints = {.arena = arena};
	LLVMMemoryBufferRef buffer;
	char *text = NULL;

	if (LLVMVerifyModule(module, LLVMReturnStatusAction, &text)) {
		diag_error(diag, NO_LOC, "a bug in cleave: the emitted IR is malformed: %s", text);
		LLVMDisposeMessage(text);
		return -EIO;
	}
	LLVMDisposeMessage(text);
	text = NULL;
	LLVMContextSetDiagnosticHandler(context, note_complaint, &complaints);
	if (LLVMTargetMachineEmitToMemoryBuffer(target, module, LLVMObjectFile, &text, &buffer)) {
		diag_error(diag, NO_LOC, "LLVM cannot emit code: %s", text);
		LLVMDisposeMessage(text);
		return -EIO;
	}
	LLVMContextSetDiagnosticHandler(context, handler, handler_context);
	if (complaints.first) {
		LLVMDisposeMemoryBuffer(buffer);
		return refuse(complaints.first, diag);
	}
	output->over_stack = complaints.over_stack;
	output->size = LLVMGetBufferSize(buffer);
	output->bytes =
	    memcpy(arena_alloc(arena, output->size + 1), LLVMGetBufferStart(buffer), output->size);
	LLVMDisposeMemoryBuffer(buffer);
	return 0;
}
