/* Machine code from modules. */
#ifndef CLEAVE_BACKENDS_LLVM_EMIT_H
#define CLEAVE_BACKENDS_LLVM_EMIT_H

#include "backends/backend.h"

#include <llvm-c/TargetMachine.h>

/* A CPU of the BPF target, or the host's own. NULL when LLVM was built without it, reported. */
LLVMTargetMachineRef llvm_bpf_target(const char *cpu, struct diag *diag);
LLVMTargetMachineRef llvm_host_target(struct diag *diag);

/* Verifies the module and emits an object file into the arena. */
int llvm_emit_object(struct arena *arena, LLVMModuleRef module, LLVMTargetMachineRef target,
		     struct backend_output *output, struct diag *diag);

#endif
