/* Emits the kernel part. */
#include "backends/llvm_adds.h"
#include "backends/xdp/llvm_xdp.h"
#include "backends/llvm_emit.h"
#include "backends/llvm_leave.h"
#include "backends/xdp/xdp.h"
#include "bundle/kernel_abi.h"
#include "ir/helpers.h"
#include "support/arena.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <time.h>

extern const unsigned char kernel_rt_bitcode[];
extern const unsigned long kernel_rt_bitcode_size;
extern const unsigned char kernel_rt_tc_bitcode[];
extern const unsigned long kernel_rt_tc_bitcode_size;

/*
 * Light: clang has optimised already, and each further rewrite is a chance to lose what the
 * verifier recognises. Just enough to inline the run-time part and clean up after the cuts.
 */
static const char light_passes[] = "always-inline,"
				   "function(sroa,infer-alignment,early-cse,simplifycfg,dse,adce),"
				   "globaldce";

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool drop_unused(LLVMModuleRef module, const char *name)
{
	LLVMValueRef f = LLVMGetNamedFunction(module, name);
	LLVMValueRef g = f ? f : LLVMGetNamedGlobal(module, name);

	if (!g || LLVMGetFirstUse(g))
		return false;
	if (f)
		LLVMDeleteFunction(f);
	else
		LLVMDeleteGlobal(g);
	return true;
}

/* Of the run-time part, programs, maps and variables that this kernel part has no use for. */
static void drop_unused_runtime(struct llvm_clone *c)
{
	static const char *const names[] = {
	    CLEAVE_MAP_XSKS,        CLEAVE_MAP_COUNTERS, CLEAVE_MAP_ORDER,
	    CLEAVE_MAP_BATCH,       CLEAVE_MAP_OUTPUT,   CLEAVE_REPLAY_SYMBOL,
	    CLEAVE_REDIRECT_SYMBOL, CLEAVE_SKB_SYMBOL,   CLEAVE_MAP_DEPTH};

	drop_unused(c->module, "cleave_batch_one");
	drop_unused(c->module, "cleave_output_one");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!(c->replay_inputs && strcmp(names[i], CLEAVE_REPLAY_SYMBOL) == 0))
			drop_unused(c->module, names[i]);
}

/* The programs of the private pair have something to do where packets are handed over. */
static void drop_unused_programs(struct llvm_clone *c)
{
	static const char *const names[] = {CLEAVE_PROG_UP, CLEAVE_PROG_DOWN, CLEAVE_PROG_BACK};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (c->program->kind == IR_PROGRAM_TC && !c->plan->cut_count)
			LLVMDeleteFunction(LLVMGetNamedFunction(c->module, names[i]));
}

/* Nobody has written what the program is to do. */
static void drop_idle_program(struct llvm_clone *c, const char *program, const char *cases)
{
	if (LLVMIsDeclaration(LLVMGetNamedFunction(c->module, cases)))
		LLVMDeleteFunction(LLVMGetNamedFunction(c->module, program));
}

/* Global functions and programs beside the NF stay only where something is there for them to do. */
static void drop_unused_functions(struct llvm_clone *c)
{
	drop_unused_programs(c);
	drop_idle_program(c, CLEAVE_PROG_BATCH, "cleave_batch_one");
	drop_idle_program(c, CLEAVE_PROG_OUTPUT, "cleave_output_one");
	for (int n = 0; n < CLEAVE_CLAIMS_MAX; n++)
		drop_unused(c->module, arena_printf(c->arena, "cleave_claim_%d", n));
}

static void keep_habits(struct llvm_clone *c)
{
	LLVMValueRef f;

	for (size_t p = 0; (f = llvm_kernel_program(c, p)); p++) {
		llvm_take_function(c, f);
		llvm_keep_habits(c);
		llvm_fill_stack_slots(c);
	}
}

/* What clang noted at each function goes before the target's CPU. */
static void forget_cpu(LLVMModuleRef module)
{
	static const char *const notes[] = {"target-cpu", "target-features"};

	for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
		for (size_t n = 0; n < sizeof notes / sizeof *notes; n++)
			LLVMRemoveStringAttributeAtIndex(f, LLVMAttributeFunctionIndex, notes[n],
							 (unsigned)strlen(notes[n]));
}

static bool divides_signed(LLVMValueRef i)
{
	LLVMOpcode opcode = LLVMGetInstructionOpcode(i);

	return (opcode == LLVMSDiv || opcode == LLVMSRem) &&
	       !LLVMIsAConstantInt(LLVMGetOperand(i, 1));
}

/* What the instruction set has to have; the verifier knows the third version best. */
static const char *choose_cpu(const struct llvm_clone *c)
{
	for (LLVMValueRef f = LLVMGetFirstFunction(c->module); f; f = LLVMGetNextFunction(f))
		for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b;
		     b = LLVMGetNextBasicBlock(b))
			for (LLVMValueRef i = LLVMGetFirstInstruction(b); i;
			     i = LLVMGetNextInstruction(i))
				if (divides_signed(i))
					return "v4";
	return c->first_cpu ? "v1" : "v3";
}

/*
 * LLVM ends the process where a jump of 16 bits does not reach (BPFMCCodeEmitter). One of its own
 * instructions becomes one or two of BPF's.
 */
enum { INSTRUCTIONS_MAX = 20000 };

static uint32_t count_instructions(LLVMValueRef function)
{
	uint32_t count = 0;

	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b;
	     b = LLVMGetNextBasicBlock(b))
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
			count++;
	return count;
}

static int check_length(struct llvm_clone *c, struct diag *diag)
{
	LLVMValueRef f;

	for (size_t p = 0; (f = llvm_kernel_program(c, p)); p++) {
		uint32_t count = count_instructions(f);

		if (count <= INSTRUCTIONS_MAX)
			continue;
		diag_error(diag, c->program->blocks[0].loc,
			   "the kernel part has %u instructions: more than BPF can jump over",
			   count);
		return -E2BIG;
	}
	return 0;
}

/* split: the joined function of programs that call each other falls apart again. */
static int finish(struct llvm_clone *c, bool split, const char *passes,
		  struct backend_output *output, struct diag *diag)
{
	const char *cpu = choose_cpu(c);
	LLVMTargetMachineRef target = llvm_bpf_target(cpu, diag);
	int err = c->program->kind == IR_PROGRAM_TC
		      ? llvm_link_bitcode(c, kernel_rt_tc_bitcode, kernel_rt_tc_bitcode_size, diag)
		      : llvm_link_bitcode(c, kernel_rt_bitcode, kernel_rt_bitcode_size, diag);

	if (!target || err)
		return err ? err : -1;
	if (strcmp(cpu, "v3") != 0)
		forget_cpu(c->module);
	llvm_keep_map_types(c->arena, c->module);
	llvm_fill_claims(c);
	drop_unused_functions(c);
	if (split)
		err = llvm_split_programs(c, diag);
	if (!err)
		err = llvm_run_passes(c->module, passes, target, diag);
	if (!err) {
		drop_unused_runtime(c);
		if (passes == light_passes)
			keep_habits(c);
		/* Before: LLVM lets objects share their places as it emits. */
		llvm_take_function(c, llvm_kernel_program(c, 0));
		output->stack_place_count = llvm_find_stack_places(c, &output->stack_places);
		err = check_length(c, diag);
	}
	if (!err)
		err = llvm_emit_object(c->arena, c->module, target, output, diag);
	LLVMDisposeTargetMachine(target);
	return err;
}

/* `call inttoptr (N)(...)` as clang leaves it. */
static long called_helper(LLVMValueRef call)
{
	LLVMValueRef callee = LLVMIsACallInst(call) ? LLVMGetCalledValue(call) : NULL;

	if (!callee || !LLVMIsAConstantExpr(callee) || LLVMGetConstOpcode(callee) != LLVMIntToPtr ||
	    !LLVMIsAConstantInt(LLVMGetOperand(callee, 0)))
		return -1;
	return (long)LLVMConstIntGetZExtValue(LLVMGetOperand(callee, 0));
}

static void replay_helper(struct llvm_clone *c, LLVMValueRef call)
{
	long number = called_helper(call);
	LLVMValueRef replayed;

	if (number < 0)
		return;
	LLVMPositionBuilderBefore(c->builder, call);
	LLVMSetCurrentDebugLocation2(c->builder, LLVMInstructionGetDebugLoc(call));
	replayed = llvm_replay_helper(c, call, ir_helper_by_number(number));
	if (!replayed)
		return;
	LLVMReplaceAllUsesWith(call, replayed);
	LLVMInstructionEraseFromParent(call);
}

static void replay_helpers(struct llvm_clone *c)
{
	for (LLVMValueRef f = LLVMGetFirstFunction(c->module); f; f = LLVMGetNextFunction(f))
		for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b;
		     b = LLVMGetNextBasicBlock(b))
			for (LLVMValueRef i = LLVMGetFirstInstruction(b), next; i; i = next) {
				next = LLVMGetNextInstruction(i);
				replay_helper(c, i);
			}
}

/* Nothing moved: the kernel part is clang's own code, and the verdicts are counted. */
static bool is_source_unchanged(const struct plan *plan)
{
	/* What a pair has in common lies elsewhere than clang would put it. */
	if (plan->program->shared_count)
		return false;
	for (size_t m = 0; m < plan->program->map_count; m++)
		if (plan->maps[m].home != MAP_HOME_KERNEL)
			return false;
	return plan->cut_count == 0;
}

static void take_original(struct llvm_clone *c)
{
	LLVMValueRef f;

	LLVMDisposeModule(c->module);
	c->module = LLVMCloneModule(c->program->llvm->original);
	c->function = LLVMGetNamedFunction(c->module, c->program->name);
	llvm_reduce_to_program(c);
	llvm_complete_maps(c);
	if (c->replay_inputs)
		replay_helpers(c);
	for (size_t p = 0; (f = llvm_kernel_program(c, p)); p++) {
		llvm_take_function(c, f);
		llvm_note_context(c);
	}
}

static int emit_unchanged(struct llvm_clone *c, struct backend_output *output, struct diag *diag)
{
	LLVMValueRef f;

	take_original(c);
	for (size_t p = 0; (f = llvm_kernel_program(c, p)); p++) {
		llvm_take_function(c, f);
		llvm_count_verdicts(c);
	}
	return finish(c, false, "always-inline,globaldce", output, diag);
}

static int emit_split(struct llvm_clone *c, struct backend_output *output, struct diag *diag)
{
	int err;

	llvm_make_adds_atomic(c);
	llvm_choose_program(c);
	llvm_note_context(c);
	llvm_keep_null_tests(c);
	llvm_keep_moved_pointers(c);
	llvm_count_verdicts(c);
	err = llvm_leave_at_cuts(c, diag);
	if (!err && c->program->kind == IR_PROGRAM_TC && c->plan->cut_count)
		llvm_resume_at_start(c);
	if (!err)
		err = llvm_drop_unreachable(c, diag);
	if (err)
		return err;
	llvm_lower_to_xdp(c);
	llvm_define_maps(c);
	llvm_build_batch(c);
	llvm_build_outputs(c);
	return finish(c, true, light_passes, output, diag);
}

static int emit(const struct plan *plan, const struct backend_options *options,
		struct backend_output *output, struct diag *diag)
{
	double start = now_ms();
	struct llvm_clone *c = llvm_clone_new(plan);
	int err;

	c->replay_inputs = options->replay_inputs;
	c->first_cpu = options->first_cpu;
	err = is_source_unchanged(plan) ? emit_unchanged(c, output, diag)
					: emit_split(c, output, diag);
	llvm_clone_free(&c);
	output->ms = now_ms() - start;
	return err;
}

static bool can_run(const struct plan *plan)
{
	return true;
}

const struct backend backend_xdp = {.name = "xdp",
				    .layer = IR_LAYER_KERNEL,
				    .member = BUNDLE_MEMBER_KERNEL,
				    .can_run = can_run,
				    .emit = emit};

int backend_emit_replayed_source(const struct ir_program *program, bool first_cpu,
				 struct backend_output *output, struct diag *diag)
{
	struct plan plan = {
	    .program = program,
	    .maps = arena_array(program->arena, program->map_count + 1, sizeof *plan.maps)};
	struct llvm_clone *c = llvm_clone_new(&plan);
	int err;

	c->replay_inputs = true;
	c->first_cpu = first_cpu;
	take_original(c);
	err = finish(c, false, light_passes, output, diag);
	llvm_clone_free(&c);
	return err;
}
