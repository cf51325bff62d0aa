/*
 * CO-RE: for structs marked preserve_access_index (all of vmlinux.h) clang leaves field offsets to
 * be relocated, as loads of globals named "llvm.TYPE:KIND:VALUE$PATH". Packet headers and UAPI
 * structs never change their layout, so offsets (kind 0) become their values. Those of the kernel's
 * own objects (what a helper returned) stay for the kernel part's loader; no other part gets there.
 * Questions about the kernel (existence, size, type) are refused.
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

/* Of "TYPE:..." or "TYPE___flavor:...". */
static bool is_kernels_own(const char *name)
{
	static const char types[] =
	    " task_struct thread_info mm_struct pt_regs pid upid nsproxy cred file inode dentry "
	    "css_set cgroup cgroup_subsys_state kernfs_node sock sock_common socket inet_sock "
	    "inet_connection_sock tcp_sock tcp6_sock udp_sock udp6_sock request_sock "
	    "tcp_request_sock inet_request_sock inet_timewait_sock tcp_timewait_sock unix_sock "
	    "mptcp_sock nf_conn nf_conntrack net net_device sk_buff xdp_buff xdp_rxq_info "
	    "xfrm_state flow_offload ";
	size_t length = strcspn(name, ":");
	const char *flavor = strstr(name, "___");

	if (flavor && (size_t)(flavor - name) < length)
		length = (size_t)(flavor - name);
	for (const char *at = types; (at = strchr(at, ' ')) && at[1]; at++)
		if (!strncmp(at + 1, name, length) && at[1 + length] == ' ')
			return true;
	return false;
}

bool frontend_is_kernel_offset(LLVMValueRef global)
{
	size_t length;
	const char *name = LLVMGetValueName2(global, &length);

	return relocation(name) && is_kernels_own(name + sizeof PREFIX - 1);
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

	if (!relocation(name) || frontend_is_kernel_offset(global))
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
