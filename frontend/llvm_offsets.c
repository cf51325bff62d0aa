/*
 * CO-RE: for structs marked preserve_access_index (all of vmlinux.h) clang leaves field offsets to
 * be relocated, as loads of globals named "llvm.TYPE:KIND:VALUE$PATH", and questions about types
 * as loads of "llvm.btf_type_id.N$KIND". They become the answers of the kernel's BTF. Where that
 * has no struct of the name, or there is none, offsets stay as they were compiled: packet headers
 * and UAPI structs never change. Offsets in the kernel's own objects (what a helper returned) are
 * left to the kernel part's loader; no other part gets there.
 */
#include "frontend/llvm_stages.h"
#include "frontend/source_core.h"

#include <llvm-c/DebugInfo.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"

#define PREFIX           "llvm."
#define ACCESS_INDEX     "llvm.preserve.access.index"
#define PASSES_DECIDED   "function(early-cse,simplifycfg)"
#define KIND_BYTE_OFFSET ":0:"
#define TYPE_PREFIX      PREFIX "btf_type_id."

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

static bool used_by(LLVMValueRef value, LLVMValueRef (*is_a)(LLVMValueRef))
{
	for (LLVMUseRef use = LLVMGetFirstUse(value); use; use = LLVMGetNextUse(use))
		if (!is_a(LLVMGetUser(use)))
			return false;
	return true;
}

/* To reach a field, and not a number to work with, which user may get too. */
static bool only_reaches(LLVMValueRef global)
{
	if (!used_by(global, LLVMIsALoadInst))
		return false;
	for (LLVMUseRef use = LLVMGetFirstUse(global); use; use = LLVMGetNextUse(use))
		if (!used_by(LLVMGetUser(use), LLVMIsAGetElementPtrInst))
			return false;
	return true;
}

bool frontend_is_kernel_offset(LLVMValueRef global)
{
	size_t length;
	const char *name = LLVMGetValueName2(global, &length);
	const char *kind = strchr(name, ':');

	return relocation(name) && kind && !strncmp(kind, KIND_BYTE_OFFSET, 3) &&
	       is_kernels_own(name + sizeof PREFIX - 1) && only_reaches(global);
}

/* The type that a global of clang's was made for, in its metadata. */
static const char *type_name(LLVMValueRef global, size_t *length)
{
	LLVMContextRef context = LLVMGetModuleContext(LLVMGetGlobalParent(global));
	unsigned kind = LLVMGetMDKindIDInContext(context, ACCESS_INDEX, sizeof ACCESS_INDEX - 1);
	size_t count;
	LLVMValueMetadataEntry *entries = LLVMGlobalCopyAllMetadata(global, &count);
	const char *name = NULL;

	for (unsigned i = 0; i < count; i++)
		if (LLVMValueMetadataEntriesGetKind(entries, i) == kind)
			name = LLVMDITypeGetName(LLVMValueMetadataEntriesGetMetadata(entries, i),
						 length);
	LLVMDisposeValueMetadataEntries(entries);
	return name;
}

/* Reads a global's name; *compiled: the value that the compiler had. */
static bool parse_question(LLVMValueRef global, struct source_question *q, long long *compiled)
{
	size_t length;
	const char *name = LLVMGetValueName2(global, &length), *at;
	char *end;

	if (!strncmp(name, TYPE_PREFIX, sizeof TYPE_PREFIX - 1)) {
		*q = (struct source_question){.access = "0"};
		q->type = type_name(global, &q->length);
		q->kind = (uint32_t)strtoul(strchr(name, '$') + 1, &end, 10);
		return q->type && !*end;
	}
	*q = (struct source_question){.type = name + sizeof PREFIX - 1};
	at = strchr(q->type, ':');
	if (!at)
		return false;
	q->length = (size_t)(at - q->type);
	q->kind = (uint32_t)strtoul(at + 1, &end, 10);
	if (*end != ':')
		return false;
	*compiled = strtoll(end + 1, &end, 10);
	q->access = end + 1;
	return *end == '$';
}

/* The passthrough only keeps the value apart from other accesses. */
static void remove_passthrough(LLVMValueRef value)
{
	LLVMUseRef next;

	for (LLVMUseRef use = LLVMGetFirstUse(value); use; use = next) {
		LLVMValueRef user = LLVMGetUser(use), callee;
		size_t length;

		next = LLVMGetNextUse(use);
		if (!LLVMIsACallInst(user))
			continue;
		callee = LLVMGetCalledValue(user);
		if (!LLVMIsAFunction(callee) ||
		    strncmp(LLVMGetValueName2(callee, &length), "llvm.bpf.passthrough", 20))
			continue;
		LLVMReplaceAllUsesWith(user, value);
		LLVMInstructionEraseFromParent(user);
		next = LLVMGetFirstUse(value);
	}
}

static void fold_load(LLVMValueRef load, long long value)
{
	LLVMUseRef use;

	remove_passthrough(load);
	for (use = LLVMGetFirstUse(load); use; use = LLVMGetNextUse(use))
		if (LLVMIsAGetElementPtrInst(LLVMGetUser(use)))
			remove_passthrough(LLVMGetUser(use));
	LLVMReplaceAllUsesWith(load,
			       LLVMConstInt(LLVMTypeOf(load), (unsigned long long)value, true));
	LLVMInstructionEraseFromParent(load);
}

/* Does it have a value? *why: else. */
static bool find_value(struct ir_program *program, LLVMValueRef global, long long *value,
		       const char **what, const char **why)
{
	static const char *const reasons[] = {
	    [BPF_CORE_ABSENT] = "the kernel has no such thing",
	    [BPF_CORE_NO_TYPE] = "the kernel has no such type",
	    [BPF_CORE_NO_KERNEL] = "there is no BTF of a kernel here; give it by --btf",
	    [BPF_CORE_AMBIGUOUS] = "the kernel has several types of that name",
	    [BPF_CORE_DAMAGED] = "the question makes no sense"};
	struct bpf_core_answer answer = {.outcome = BPF_CORE_NO_TYPE};
	struct source_question q;
	size_t length;

	*what = LLVMGetValueName2(global, &length) + sizeof PREFIX - 1;
	*why = "it is not understood";
	if (!parse_question(global, &q, value))
		return false;
	if (!program->core || !source_core_ask(program->core, &q, &answer, what))
		*why = "BPF code cannot be made of the program, which would say what is asked";
	else
		*why = reasons[answer.outcome];
	if (q.kind == BPF_ASKS_LOCAL_TYPE) {
		*why = "the parts have BTF of their own";
		return false;
	}
	if (q.kind == BPF_ASKS_FIELD_OFFSET && answer.bytes)
		*why = "in the kernel it is of another size";
	else if (answer.outcome == BPF_CORE_ANSWERED)
		return *value = (long long)answer.value, true;
	return q.kind == BPF_ASKS_FIELD_OFFSET &&
	       (answer.outcome == BPF_CORE_NO_TYPE || answer.outcome == BPF_CORE_NO_KERNEL);
}

static bool is_question(LLVMValueRef global)
{
	size_t length;

	return relocation(LLVMGetValueName2(global, &length)) && !frontend_is_kernel_offset(global);
}

static void fold_loads(LLVMValueRef global, long long value)
{
	LLVMUseRef use = LLVMGetFirstUse(global), next;

	for (; use; use = next) {
		next = LLVMGetNextUse(use);
		if (LLVMIsALoadInst(LLVMGetUser(use)))
			fold_load(LLVMGetUser(use), value);
	}
}

/* What is answered; true: there was something. */
static bool fold_answered(struct ir_program *program)
{
	LLVMValueRef global = LLVMGetFirstGlobal(program->llvm->module);
	const char *what, *why;
	bool folded = false;
	long long value;

	for (; global; global = LLVMGetNextGlobal(global)) {
		if (!is_question(global) || !LLVMGetFirstUse(global) ||
		    !find_value(program, global, &value, &what, &why))
			continue;
		fold_loads(global, value);
		folded = true;
	}
	return folded;
}

static int check_rest(struct ir_program *program, LLVMValueRef global, struct diag *diag)
{
	LLVMUseRef use = LLVMGetFirstUse(global);
	const char *what, *why;
	long long value;

	if (!use) {
		LLVMDeleteGlobal(global);
		return 0;
	}
	find_value(program, global, &value, &what, &why);
	return frontend_refuse(
	    program, diag, frontend_value_loc(program, LLVMGetUser(use)),
	    IR_REASON_UNSUPPORTED_CALL,
	    arena_printf(program->arena, "the CO-RE relocation for %s (%s)", what, why));
}

/* Answers decide branches: what is not reached by them asks nothing. */
int frontend_fold_offsets(struct ir_program *program, struct diag *diag)
{
	LLVMValueRef global, next;
	int err = 0;

	if (fold_answered(program))
		err = frontend_run_passes(program, PASSES_DECIDED, diag);
	for (global = LLVMGetFirstGlobal(program->llvm->module); global; global = next) {
		next = LLVMGetNextGlobal(global);
		if (is_question(global))
			err = check_rest(program, global, diag) ?: err;
	}
	return err;
}
