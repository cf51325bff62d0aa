/* Emits the user part, and both parts for replay. */
#include "backends/llvm_adds.h"
#include "backends/llvm_emit.h"
#include "backends/llvm_enter.h"
#include "backends/llvm_leave.h"
#include "backends/user/link.h"
#include "backends/user/llvm_division.h"
#include "backends/user/llvm_lower_user.h"
#include "backends/user/llvm_shifts.h"
#include "backends/user/user.h"
#include "bundle/user_abi.h"

#include <errno.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/Linker.h>
#include <string.h>
#include <time.h>

extern const unsigned char user_rt_bitcode[];
extern const unsigned long user_rt_bitcode_size;
extern const unsigned char user_rt_tc_bitcode[];
extern const unsigned long user_rt_tc_bitcode_size;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void drop_attribute(LLVMValueRef function, const char *name)
{
	LLVMRemoveStringAttributeAtIndex(function, LLVMAttributeFunctionIndex, name,
					 (unsigned)strlen(name));
}

/* The source was compiled for the BPF CPU and for its ABI. */
static void retarget(struct llvm_clone *c, LLVMTargetMachineRef target)
{
	char *triple = LLVMGetTargetMachineTriple(target);
	LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(target);

	LLVMSetTarget(c->module, triple);
	LLVMSetModuleDataLayout(c->module, layout);
	LLVMDisposeTargetData(layout);
	LLVMDisposeMessage(triple);
	for (LLVMValueRef f = LLVMGetFirstFunction(c->module); f; f = LLVMGetNextFunction(f)) {
		drop_attribute(f, "target-cpu");
		drop_attribute(f, "target-features");
		drop_attribute(f, "no-builtins");
	}
}

/* Makes the copy one function `name` for the host, with what it calls still to be linked in. */
static struct llvm_clone *make_part(const struct plan *plan, bool native, bool near,
				    const char *name, struct diag *diag)
{
	struct llvm_clone *c = llvm_clone_new(plan);
	int err;

	c->native = native;
	LLVMStripModuleDebugInfo(c->module);
	llvm_divide_as_bpf(c);
	llvm_define_shifts(c); /* before any pass draws conclusions from a division */
	llvm_make_adds_atomic(c);
	err = near ? llvm_leave_at_cuts(c, diag) : llvm_enter_behind_cuts(c, diag);
	if (!err) {
		llvm_queue_adds(c);
		err = llvm_drop_unreachable(c, diag);
	}
	if (err) {
		llvm_clone_free(&c);
		return NULL;
	}
	LLVMSetValueName2(c->function, name, strlen(name));
	return c;
}

static int lower_part(struct llvm_clone *c, LLVMTargetMachineRef target, struct diag *diag)
{
	int err;

	retarget(c, target);
	err = llvm_link_bitcode(c, user_rt_bitcode, user_rt_bitcode_size, diag);
	if (!err && c->program->kind == IR_PROGRAM_TC)
		err = llvm_link_bitcode(c, user_rt_tc_bitcode, user_rt_tc_bitcode_size, diag);
	if (err)
		return err;
	llvm_lower_to_user(c);
	LLVMSetVisibility(c->function, LLVMDefaultVisibility);
	/* The caller of the part is another module: nothing may be assumed of its stack protector
	 * etc. */
	return llvm_run_passes(c->module, "always-inline,globaldce", target, diag);
}

static void add_abi_symbol(struct llvm_clone *c)
{
	LLVMValueRef abi = LLVMAddGlobal(c->module, c->i32, CLEAVE_USER_ABI_SYMBOL);

	LLVMSetInitializer(abi, llvm_u32(c, CLEAVE_USER_ABI));
	LLVMSetGlobalConstant(abi, 1);
}

static int finish(struct llvm_clone *c, LLVMTargetMachineRef target, struct backend_output *output,
		  struct diag *diag)
{
	int err;

	add_abi_symbol(c);
	err = llvm_run_passes(c->module, "default<O3>", target, diag);
	if (!err)
		err = llvm_emit_object(c->arena, c->module, target, output, diag);
	return err ? err : link_shared_object(c->arena, output, diag);
}

static int emit_user(const struct plan *plan, const struct backend_options *options,
		     struct backend_output *output, struct diag *diag)
{
	double start = now_ms();
	LLVMTargetMachineRef target = llvm_host_target(diag);
	struct llvm_clone *c = make_part(plan, false, false, CLEAVE_USER_MAIN, diag);
	int err = target && c ? lower_part(c, target, diag) : -EIO;

	if (!err)
		err = finish(c, target, output, diag);
	llvm_clone_free(&c);
	if (target)
		LLVMDisposeTargetMachine(target);
	output->ms = now_ms() - start;
	return err;
}

/* What both modules define is each one's own. */
static void keep_globals_apart(LLVMModuleRef module)
{
	for (LLVMValueRef g = LLVMGetFirstGlobal(module); g; g = LLVMGetNextGlobal(g))
		if (LLVMGetInitializer(g))
			LLVMSetLinkage(g, LLVMInternalLinkage);
}

/* Both parts in one module: the far one is linked into the near one, each with its run-time calls
 * inlined. */
static int emit_replay(const struct plan *plan, const struct backend_options *options,
		       struct backend_output *output, struct diag *diag)
{
	double start = now_ms();
	LLVMTargetMachineRef target = llvm_host_target(diag);
	struct llvm_clone *near = make_part(plan, true, true, CLEAVE_KERNEL_MAIN, diag);
	struct llvm_clone *far = make_part(plan, true, false, CLEAVE_USER_MAIN, diag);
	int err = target && near && far ? lower_part(near, target, diag) : -EIO;

	if (!err)
		err = lower_part(far, target, diag);
	if (!err)
		keep_globals_apart(far->module);
	if (!err && LLVMLinkModules2(near->module, far->module))
		err = -EIO;
	if (far)
		far->module = NULL;
	if (!err)
		err = finish(near, target, output, diag);
	llvm_clone_free(&near);
	llvm_clone_free(&far);
	if (target)
		LLVMDisposeTargetMachine(target);
	output->ms = now_ms() - start;
	return err;
}

static bool has_cuts(const struct plan *plan)
{
	return plan->cut_count != 0;
}

/* Replay has no kernel: what only the kernel can answer cannot be replayed. */
static bool user_can(const struct plan *plan)
{
	return plan->program->edges[0].cut.reason == IR_REASON_NONE;
}

const struct backend backend_user = {.name = "user",
				     .layer = IR_LAYER_USER,
				     .member = BUNDLE_MEMBER_USER,
				     .can_run = has_cuts,
				     .emit = emit_user};

const struct backend backend_replay = {.name = "replay",
				       .layer = IR_LAYER_USER,
				       .member = BUNDLE_MEMBER_REPLAY,
				       .can_run = user_can,
				       .emit = emit_replay};
