/*
 * The map definitions are in BTF, which only the BPF backend makes, and the whole program may be
 * more than that backend takes (it may be expressive). So: clang's module without its functions.
 */
#include "frontend/llvm_stages.h"

#include <errno.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm-c/Error.h>
#include <string.h>

static LLVMTargetMachineRef bpf_machine(void)
{
	LLVMTargetRef target;
	char *message = NULL;

	LLVMInitializeBPFTargetInfo();
	LLVMInitializeBPFTarget();
	LLVMInitializeBPFTargetMC();
	LLVMInitializeBPFAsmPrinter();
	if (LLVMGetTargetFromTriple("bpf", &target, &message)) {
		LLVMDisposeMessage(message);
		return NULL;
	}
	return LLVMCreateTargetMachine(target, "bpf", "v3", "", LLVMCodeGenLevelNone,
				       LLVMRelocDefault, LLVMCodeModelDefault);
}

/* Everything that is not a map goes: nothing names the functions any more. */
static LLVMErrorRef reduce_to_maps(struct ir_program *program, LLVMModuleRef module)
{
	static const char *const lists[] = {"llvm.used", "llvm.compiler.used"};
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef error;

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (LLVMGetNamedGlobal(module, lists[i]))
			LLVMDeleteGlobal(LLVMGetNamedGlobal(module, lists[i]));
	for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
		if (!LLVMIsDeclaration(f))
			LLVMSetLinkage(f, LLVMInternalLinkage);
	for (LLVMValueRef g = LLVMGetFirstGlobal(module); g; g = LLVMGetNextGlobal(g)) {
		const char *section = LLVMGetSection(g);

		if (frontend_is_map(g))
			frontend_forget_programs(g);
		if (LLVMGetInitializer(g))
			LLVMSetLinkage(g, section && !strcmp(section, ".maps")
					      ? LLVMExternalLinkage
					      : LLVMInternalLinkage);
	}
	llvm_keep_map_types(program->arena, module);
	error = LLVMRunPasses(module, "globaldce", NULL, options);
	LLVMDisposePassBuilderOptions(options);
	return error;
}

int frontend_emit_maps_object(struct ir_program *program, LLVMMemoryBufferRef *buffer,
			      struct diag *diag)
{
	LLVMTargetMachineRef machine = bpf_machine();
	LLVMModuleRef module = LLVMCloneModule(program->llvm->original);
	LLVMErrorRef error = reduce_to_maps(program, module);
	char *message = NULL;
	int err = 0;

	if (error)
		LLVMConsumeError(error);
	if (!machine || error ||
	    LLVMTargetMachineEmitToMemoryBuffer(machine, module, LLVMObjectFile, &message,
						buffer)) {
		diag_error(diag, NO_LOC, "LLVM cannot emit the maps: %s",
			   message ? message : "no BPF target");
		LLVMDisposeMessage(message);
		err = -EIO;
	}
	LLVMDisposeModule(module);
	if (machine)
		LLVMDisposeTargetMachine(machine);
	return err;
}
