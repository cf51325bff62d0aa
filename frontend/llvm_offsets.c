/*
 * CO-RE: for structs marked preserve_access_index (all of vmlinux.h) clang leaves field offsets to
 * be relocated, as loads of globals named "llvm.TYPE:KIND:VALUE$PATH". An XDP program reaches only
 * the packet's headers and UAPI structs, whose layout never changes, so offsets (kind 0) become
 * their values. Questions about the kernel (existence, size, type) are refused.
 */
#include "frontend/llvm_stages.h"

#include <stdlib.h>
#include <string.h>

#include "support/arena.h"

#define PREFIX           "llvm."
#define KIND_BYTE_OFFSET 0

static bool relocation(const char *name)
{
	return !strncmp(name, PREFIX, sizeof PREFIX - 1) && strchr(name, '$');
}

static bool parse_offset(const char *name, long long *value)
{
	const char *kind = strchr(name, ':');
	char *end;

	if (!kind || strtol(kind + 1, &end, 10) != KIND_BYTE_OFFSET || *end != ':')
		return false;
	*value = strtoll(end + 1, &end, 10);
	return *end == '$';
}

/* The passthrough only keeps the offset apart from other accesses. */
static void remove_passthrough(LLVMValueRef pointer)
{
	LLVMUseRef next;

	for (LLVMUseRef use = LLVMGetFirstUse(pointer); use; use = next) {
		LLVMValueRef user = LLVMGetUser(use), callee;
		size_t length;

		next = LLVMGetNextUse(use);
		if (!LLVMIsACallInst(user))
			continue;
		callee = LLVMGetCalledValue(user);
		if (!LLVMIsAFunction(callee) ||
		    strncmp(LLVMGetValueName2(callee, &length), "llvm.bpf.passthrough", 20))
			continue;
		LLVMReplaceAllUsesWith(user, pointer);
		LLVMInstructionEraseFromParent(user);
		next = LLVMGetFirstUse(pointer);
	}
}

static void fold_load(LLVMValueRef load, long long value)
{
	LLVMUseRef use = LLVMGetFirstUse(load);

	for (; use; use = LLVMGetNextUse(use))
		if (LLVMIsAGetElementPtrInst(LLVMGetUser(use)))
			remove_passthrough(LLVMGetUser(use));
	LLVMReplaceAllUsesWith(load,
			       LLVMConstInt(LLVMTypeOf(load), (unsigned long long)value, true));
	LLVMInstructionEraseFromParent(load);
}

static int fold_global(struct ir_program *program, LLVMValueRef global, struct diag *diag)
{
	size_t length;
	const char *name = LLVMGetValueName2(global, &length);
	long long value;
	LLVMUseRef use;
	int err = 0;

	if (!relocation(name))
		return 0;
	while (!err && (use = LLVMGetFirstUse(global))) {
		LLVMValueRef user = LLVMGetUser(use);

		if (LLVMIsALoadInst(user) && parse_offset(name, &value))
			fold_load(user, value);
		else
			err =
			    frontend_refuse(program, diag, frontend_value_loc(program, user),
					    IR_REASON_UNSUPPORTED_CALL,
					    arena_printf(program->arena, "the CO-RE relocation %s",
							 name + sizeof PREFIX - 1));
	}
	if (!err)
		LLVMDeleteGlobal(global);
	return err;
}

int frontend_fold_offsets(struct ir_program *program, struct diag *diag)
{
	LLVMValueRef global = LLVMGetFirstGlobal(program->llvm->module), next;
	int err = 0;

	for (; global; global = next) {
		next = LLVMGetNextGlobal(global);
		err = fold_global(program, global, diag) ?: err;
	}
	return err;
}
