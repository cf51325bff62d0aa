/*
 * Programs that call each other by bpf_tail_call become one function, so that one graph has all of
 * them: map homes and cuts are planned for the whole chain.
 *
 *     start:                             case K:  (one for each program that can be called)
 *       cleave.tail.start                  depth = cleave.tail.entered(K, depth)
 *       body of the first program          cleave.tail.begin
 *                                          body of program K
 *
 *     bpf_tail_call(ctx, map, i)   ->     t = cleave.help.tail_call(ctx, map, i, depth)
 *                                        t == -1 ? go on : switch (t) { K: case K; else: aborted }
 *
 * t is the number of one of the programs in `programs`, or -1 when the call fails. Only the context
 * and the chain's depth, the number of calls so far, outlive a call. The depth is kept where
 * programs may call each other in circles; without, no chain is longer than the kernel allows.
 *
 * Which programs an array can hold is known from its `.values` or from --tail-calls; else it may be
 * any program of the source and of its kind. Each program's function stays in the module, without a
 * body: the kernel part has one program for each.
 */
#include "frontend/llvm_tail_calls.h"

#include <errno.h>
#include <linux/bpf.h>
#include <llvm-c/DebugInfo.h>
#include <string.h>

#include "ir/tail_calls.h"
#include "support/arena.h"

struct merge {
	struct ir_program *program;
	struct diag *diag;
	struct tail_contents *contents;
	LLVMModuleRef module;
	LLVMContextRef context;
	LLVMBuilderRef b;
	LLVMTypeRef i32, i64, ptr, none;
	LLVMValueRef *function; /* the programs found so far, the first one first */
	bool *called;
	size_t count, capacity, called_capacity;
	LLVMValueRef *site; /* the tail calls of all of them */
	size_t site_count, site_capacity;
	bool **edge; /* edge[p][q]: p may call q */
	bool circles;
	int err;
};

static long called_helper(LLVMValueRef call)
{
	LLVMValueRef callee = LLVMGetCalledValue(call);

	if (!LLVMIsAConstantExpr(callee) || LLVMGetConstOpcode(callee) != LLVMIntToPtr ||
	    !LLVMIsAConstantInt(LLVMGetOperand(callee, 0)))
		return 0;
	return (long)LLVMConstIntGetZExtValue(LLVMGetOperand(callee, 0));
}

static bool has(LLVMValueRef *list, size_t count, LLVMValueRef value)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == value)
			return true;
	return false;
}

struct functions {
	LLVMValueRef *function;
	size_t count, capacity;
};

/* What a program's code is made of: itself and what it calls. */
static struct functions find_functions(struct arena *arena, LLVMValueRef program)
{
	struct functions all = {0};

	*ARENA_PUSH(arena, all.function, all.count, all.capacity) = program;
	for (size_t f = 0; f < all.count; f++) {
		LLVMValueRef i = frontend_first_instruction(all.function[f]);

		for (; i; i = frontend_next_instruction(i)) {
			LLVMValueRef callee = LLVMIsACallInst(i) ? LLVMGetCalledValue(i) : NULL;

			if (callee && LLVMIsAFunction(callee) && !LLVMIsDeclaration(callee) &&
			    !has(all.function, all.count, callee))
				*ARENA_PUSH(arena, all.function, all.count, all.capacity) = callee;
		}
	}
	return all;
}

static size_t program_number(struct merge *m, LLVMValueRef function)
{
	for (size_t p = 0; p < m->count; p++)
		if (m->function[p] == function)
			return p;
	*ARENA_PUSH(m->program->arena, m->function, m->count, m->capacity) = function;
	size_t called = m->count - 1;
	*ARENA_PUSH(m->program->arena, m->called, called, m->called_capacity) = false;
	return m->count - 1;
}

/* The programs that a call through the map may reach, noted as called by p. */
static void add_targets(struct merge *m, size_t p, LLVMValueRef map)
{
	LLVMValueRef f = LLVMGetFirstFunction(m->module);

	for (; f; f = LLVMGetNextFunction(f)) {
		if (!frontend_is_program(m->program, f) ||
		    !tail_contents_may_hold(m->contents, map, f))
			continue;
		size_t q = program_number(m, f);

		m->called[q] = true;
		m->edge[p][q] = true;
	}
}

/* What a phi gives where `from` enters its block; other values are what they are. */
static LLVMValueRef value_from(LLVMValueRef value, LLVMBasicBlockRef block, LLVMBasicBlockRef from)
{
	if (!LLVMIsAPHINode(value) || LLVMGetInstructionParent(value) != block)
		return value;
	for (unsigned n = 0; n < LLVMCountIncoming(value); n++)
		if (LLVMGetIncomingBlock(value, n) == from)
			return LLVMGetIncomingValue(value, n);
	return value;
}

/* A verdict has 32 bits, a register of an object 64: the lower half is what counts. */
static LLVMValueRef narrowed(LLVMValueRef value)
{
	return LLVMIsATruncInst(value) ? LLVMGetOperand(value, 0) : value;
}

static LLVMValueRef pass_over(LLVMValueRef instruction, LLVMValueRef (*is_a)(LLVMValueRef))
{
	while (instruction && is_a(instruction))
		instruction = LLVMGetNextInstruction(instruction);
	return instruction;
}

/* Nothing but the return of the call's result follows it, perhaps in a block of its own. */
static bool returns_at_once(LLVMValueRef call)
{
	LLVMBasicBlockRef from = LLVMGetInstructionParent(call), block = from;
	LLVMValueRef next = pass_over(LLVMGetNextInstruction(call), LLVMIsATruncInst);
	LLVMValueRef result = NULL;

	if (next && LLVMIsABranchInst(next) && !LLVMIsConditional(next)) {
		block = LLVMGetSuccessor(next, 0);
		next = pass_over(LLVMGetFirstInstruction(block), LLVMIsAPHINode);
		next = pass_over(next, LLVMIsATruncInst);
	}
	if (next && LLVMIsAReturnInst(next) && LLVMGetNumOperands(next) == 1)
		result = narrowed(LLVMGetOperand(next, 0));
	return result && narrowed(value_from(result, block, from)) == call;
}

/*
 * Called from a function that clang did not inline, a program returns to that function's caller
 * (the JIT takes down one frame only): the same as here where each caller returns what it gets.
 */
static bool is_last(const struct ir_program *program, LLVMValueRef function)
{
	if (frontend_is_program(program, function))
		return true;
	for (LLVMUseRef use = LLVMGetFirstUse(function); use; use = LLVMGetNextUse(use)) {
		LLVMValueRef call = LLVMGetUser(use);

		if (!LLVMIsACallInst(call) || !returns_at_once(call) ||
		    !is_last(program, LLVMGetBasicBlockParent(LLVMGetInstructionParent(call))))
			return false;
	}
	return true;
}

static void refuse_return(struct merge *m, LLVMValueRef call)
{
	m->err = frontend_refuse(m->program, m->diag, frontend_value_loc(m->program, call),
				 IR_REASON_UNSUPPORTED_CALL,
				 "a tail call in a function that returns to more than a return");
}

static void find_sites(struct merge *m, size_t p)
{
	struct arena *arena = m->program->arena;
	struct functions all = find_functions(arena, m->function[p]);

	for (size_t f = 0; f < all.count; f++) {
		LLVMValueRef i = frontend_first_instruction(all.function[f]);

		for (; i; i = frontend_next_instruction(i)) {
			if (!LLVMIsACallInst(i) || called_helper(i) != BPF_FUNC_tail_call ||
			    LLVMGetNumArgOperands(i) != 3)
				continue;
			if (!has(m->site, m->site_count, i))
				*ARENA_PUSH(arena, m->site, m->site_count, m->site_capacity) = i;
			if (!is_last(m->program, all.function[f]))
				refuse_return(m, i);
			add_targets(m, p, LLVMGetOperand(i, 1));
		}
	}
}

static size_t count_programs(const struct ir_program *program)
{
	size_t n = 0;

	for (LLVMValueRef f = LLVMGetFirstFunction(program->llvm->module); f;
	     f = LLVMGetNextFunction(f))
		n += frontend_is_program(program, f);
	return n;
}

/* Programs are added to the list while it is gone through. */
static void find_programs(struct merge *m)
{
	struct arena *arena = m->program->arena;
	size_t most = count_programs(m->program) + 1;

	m->edge = arena_array(arena, most, sizeof *m->edge);
	for (size_t p = 0; p < most; p++)
		m->edge[p] = arena_array(arena, most, sizeof **m->edge);
	program_number(m, m->program->llvm->function);
	for (size_t p = 0; p < m->count; p++)
		find_sites(m, p);
}

/* Warshall's closure; more programs than a chain may have count as a circle. */
static bool find_circle(const struct merge *m)
{
	bool circle = m->count > MAX_TAIL_CALL_CNT + 1;

	for (size_t via = 0; via < m->count; via++)
		for (size_t p = 0; p < m->count; p++)
			for (size_t q = 0; q < m->count; q++)
				m->edge[p][q] |= m->edge[p][via] && m->edge[via][q];
	for (size_t p = 0; p < m->count; p++)
		circle |= m->edge[p][p];
	return circle;
}

static LLVMValueRef call_intrinsic(struct merge *m, const char *name, LLVMTypeRef result,
				   LLVMValueRef *arguments, unsigned count)
{
	LLVMValueRef f = LLVMGetNamedFunction(m->module, name);
	LLVMTypeRef types[4];

	for (unsigned a = 0; a < count; a++)
		types[a] = LLVMTypeOf(arguments[a]);
	LLVMTypeRef type = LLVMFunctionType(result, types, count, 0);

	if (!f)
		f = LLVMAddFunction(m->module, name, type);
	return LLVMBuildCall2(m->b, type, f, arguments, count, "");
}

static LLVMBasicBlockRef add_block(struct merge *m, LLVMValueRef function, const char *name)
{
	return LLVMAppendBasicBlockInContext(m->context, function, name);
}

static void set_inline(struct merge *m, LLVMValueRef function)
{
	unsigned kind = LLVMGetEnumAttributeKindForName("alwaysinline", 12);

	LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(m->context, kind, 0));
}

/* What a call of bpf_tail_call is replaced by, as a function: inlining splits the blocks. */
static LLVMValueRef make_site(struct merge *m, LLVMValueRef call)
{
	LLVMTypeRef types[] = {LLVMTypeOf(LLVMGetOperand(call, 0)),
			       LLVMTypeOf(LLVMGetOperand(call, 1)),
			       LLVMTypeOf(LLVMGetOperand(call, 2))};
	LLVMTypeRef result = LLVMTypeOf(call);
	LLVMValueRef f =
	    LLVMAddFunction(m->module, "cleave.tail.site", LLVMFunctionType(result, types, 3, 0));
	LLVMBasicBlockRef enter, failed;

	LLVMSetLinkage(f, LLVMInternalLinkage);
	set_inline(m, f);
	LLVMPositionBuilderAtEnd(m->b, add_block(m, f, "site"));
	enter = add_block(m, f, "enter");
	failed = add_block(m, f, "failed");
	LLVMValueRef index = LLVMBuildIntCast2(m->b, LLVMGetParam(f, 2), m->i32, 0, "");
	LLVMValueRef depth =
	    m->circles ? call_intrinsic(m, TAIL_HERE, m->i32, NULL, 0) : LLVMConstNull(m->i32);
	LLVMValueRef arguments[] = {LLVMGetParam(f, 0), LLVMGetParam(f, 1), index, depth};
	LLVMValueRef target = call_intrinsic(m, TAIL_CALL, m->i32, arguments, 4);
	LLVMValueRef none = LLVMConstAllOnes(m->i32);
	LLVMBuildCondBr(m->b, LLVMBuildICmp(m->b, LLVMIntEQ, target, none, ""), failed, enter);
	LLVMPositionBuilderAtEnd(m->b, enter);
	LLVMValueRef where[] = {LLVMGetParam(f, 1), target};
	call_intrinsic(m, TAIL_ENTER, m->none, where, 2);
	LLVMBuildUnreachable(m->b);
	LLVMPositionBuilderAtEnd(m->b, failed);
	if (result == m->none)
		LLVMBuildRetVoid(m->b);
	else
		LLVMBuildRet(m->b, LLVMConstAllOnes(result));
	return f;
}

/*
 * The verifier gives the helper no result, nor do old declarations of it; whoever looks at it
 * anyway finds an error.
 */
static void replace_site(struct merge *m, LLVMValueRef call)
{
	LLVMValueRef site = make_site(m, call), made;
	LLVMValueRef arguments[] = {LLVMGetOperand(call, 0), LLVMGetOperand(call, 1),
				    LLVMGetOperand(call, 2)};

	LLVMPositionBuilderBefore(m->b, call);
	LLVMSetCurrentDebugLocation2(m->b, LLVMInstructionGetDebugLoc(call));
	made = LLVMBuildCall2(m->b, LLVMGlobalGetValueType(site), site, arguments, 3, "");
	LLVMSetCurrentDebugLocation2(m->b, NULL);
	if (LLVMTypeOf(call) != m->none)
		LLVMReplaceAllUsesWith(call, made);
	LLVMInstructionEraseFromParent(call);
}

/*
 * The joined function takes over the first program's debug info: a subprogram can describe one
 * function only.
 */
static LLVMMetadataRef describe(struct merge *m, LLVMValueRef joined)
{
	LLVMMetadataRef first = LLVMGetSubprogram(m->function[0]);

	if (!first)
		return NULL;
	LLVMSetSubprogram(m->function[0], NULL);
	LLVMSetSubprogram(joined, first);
	return LLVMDIBuilderCreateDebugLocation(m->context, LLVMDISubprogramGetLine(first), 0,
						first, NULL);
}

static void set_depth(struct merge *m, LLVMValueRef slot, LLVMValueRef depth)
{
	if (m->circles)
		LLVMBuildStore(m->b, depth, slot);
}

/* case K: where calls of program K arrive. */
static LLVMBasicBlockRef make_case(struct merge *m, LLVMValueRef joined, LLVMValueRef slot,
				   size_t program, LLVMBasicBlockRef start)
{
	LLVMBasicBlockRef block = add_block(m, joined, "case");
	LLVMValueRef arguments[] = {LLVMConstInt(m->i32, program, 0), LLVMConstNull(m->i32)};

	LLVMPositionBuilderAtEnd(m->b, block);
	if (m->circles)
		arguments[1] = LLVMBuildLoad2(m->b, m->i32, slot, "");
	set_depth(m, slot, call_intrinsic(m, TAIL_ENTERED, m->i32, arguments, 2));
	call_intrinsic(m, TAIL_BEGIN, m->none, NULL, 0);
	LLVMBuildBr(m->b, start);
	return block;
}

static void join(struct merge *m)
{
	LLVMTypeRef type = LLVMGlobalGetValueType(m->function[0]);
	LLVMValueRef joined = LLVMAddFunction(m->module, "cleave.joined", type), slot;
	LLVMBasicBlockRef entry = add_block(m, joined, "entry"), first = NULL;
	LLVMMetadataRef place = describe(m, joined);

	LLVMSetCurrentDebugLocation2(m->b, place);
	LLVMPositionBuilderAtEnd(m->b, entry);
	slot = LLVMBuildAlloca(m->b, m->i32, "depth");
	for (size_t p = 0; p < m->count; p++) {
		LLVMBasicBlockRef start = add_block(m, joined, "start");
		LLVMValueRef context = LLVMGetParam(joined, 0);

		first = first ? first : start;
		LLVMPositionBuilderAtEnd(m->b, start);
		LLVMBuildRet(m->b, LLVMBuildCall2(m->b, type, m->function[p], &context, 1, ""));
		if (m->called[p])
			m->program->programs[p].value = make_case(m, joined, slot, p, start);
	}
	LLVMPositionBuilderAtEnd(m->b, entry);
	if (m->circles)
		call_intrinsic(m, TAIL_START, m->none, NULL, 0);
	set_depth(m, slot, LLVMConstNull(m->i32));
	LLVMBuildBr(m->b, first);
	LLVMSetCurrentDebugLocation2(m->b, NULL);
	m->program->llvm->function = joined;
	m->program->tail_depth = m->circles ? slot : NULL;
}

/* The functions keep their names and their debug info for the kernel part. */
static int list_programs(struct merge *m)
{
	struct ir_program *program = m->program;
	int err = 0;

	program->program_count = m->count;
	program->programs = arena_array(program->arena, m->count + 1, sizeof *program->programs);
	for (size_t p = 0; p < m->count; p++) {
		LLVMValueRef f = m->function[p];
		size_t length;

		program->programs[p] = (struct ir_tail_program){
		    .name = arena_strdup(program->arena, LLVMGetValueName2(f, &length)),
		    .section = arena_strdup(program->arena, LLVMGetSection(f)),
		    .is_called = m->called[p],
		    .block = IR_NONE,
		    .function = f};
		if (LLVMGlobalGetValueType(f) != LLVMGlobalGetValueType(m->function[0]))
			err = frontend_refuse(program, m->diag, frontend_value_loc(program, f),
					      IR_REASON_UNSUPPORTED_CALL,
					      "a tail call to a program of another type");
	}
	return err;
}

int frontend_join_programs(struct ir_program *program, struct diag *diag)
{
	LLVMContextRef context = program->llvm->context;
	struct merge m = {.program = program,
			  .diag = diag,
			  .module = program->llvm->module,
			  .context = context,
			  .i32 = LLVMInt32TypeInContext(context),
			  .i64 = LLVMInt64TypeInContext(context),
			  .ptr = LLVMPointerTypeInContext(context, 0),
			  .none = LLVMVoidTypeInContext(context)};
	int err = tail_contents_read(program, &m.contents, diag);

	if (err)
		return err;
	find_programs(&m);
	if (m.err || !m.site_count)
		return m.err;
	err = list_programs(&m);
	if (err)
		return err;
	m.circles = find_circle(&m);
	m.b = LLVMCreateBuilderInContext(context);
	for (size_t s = 0; s < m.site_count; s++)
		replace_site(&m, m.site[s]);
	join(&m);
	LLVMDisposeBuilder(m.b);
	return 0;
}
