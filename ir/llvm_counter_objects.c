/*
 * Counters whose address goes to helpers: `for (i = 0; i < n; i++) lookup(&map, &i)`.
 *
 * LLVM leaves such a variable in memory, so a loop over it seems to end who knows when. Helpers
 * only read it: it becomes a value, which is stored for each of them just before the call, as if
 * the source had copied it into a key. In a compiled object variables of several sizes share a slot
 * of the stack, so there is a value for each segment that no access divides: of accesses to 4 and
 * to 8 bytes, one for the first four and one for the others.
 */
#include "ir/ir.h"
#include "ir/llvm_ir.h"

#include <string.h>

enum { BYTES_MAX = 8 };

struct segment {
	unsigned from, to;
	LLVMTypeRef type;
	LLVMValueRef variable;
};

struct counter {
	struct ir_program *program;
	LLVMBuilderRef builder;
	LLVMTargetDataRef layout;
	LLVMValueRef alloca;
	bool ends[BYTES_MAX + 1]; /* some access ends here */
	bool counts, read;        /* some store is of what was loaded; some helper reads */
	struct segment segments[BYTES_MAX];
	unsigned segment_count;
};

static bool is_own_load(const struct counter *c, LLVMValueRef value)
{
	return LLVMIsALoadInst(value) && LLVMGetOperand(value, 0) == c->alloca;
}

/* Is it made of what the variable was? One more, say, in whatever width. */
static bool is_step(const struct counter *c, LLVMValueRef value, unsigned depth)
{
	enum { DEPTH_MAX = 4 };

	if (!LLVMIsABinaryOperator(value) && !LLVMIsACastInst(value))
		return is_own_load(c, value);
	for (int n = 0; n < LLVMGetNumOperands(value) && depth < DEPTH_MAX; n++)
		if (is_step(c, LLVMGetOperand(value, (unsigned)n), depth + 1))
			return true;
	return false;
}

static bool see_access(struct counter *c, LLVMValueRef access, LLVMTypeRef type)
{
	unsigned long long bytes;

	if (LLVMGetVolatile(access) || LLVMGetTypeKind(type) != LLVMIntegerTypeKind)
		return false;
	bytes = LLVMStoreSizeOfType(c->layout, type);
	if (bytes > BYTES_MAX || LLVMGetIntTypeWidth(type) != 8 * bytes)
		return false;
	c->ends[bytes] = true;
	return true;
}

static bool is_lifetime(LLVMValueRef call)
{
	LLVMValueRef callee = LLVMGetCalledValue(call);
	size_t length;

	return LLVMIsAFunction(callee) &&
	       !strncmp(LLVMGetValueName2(callee, &length), "llvm.lifetime", 13);
}

static bool see_call(struct counter *c, LLVMValueRef call)
{
	struct llvm_helper_access access;

	if (is_lifetime(call))
		return true;
	for (unsigned n = 0; n < LLVMGetNumArgOperands(call); n++)
		if (LLVMGetOperand(call, n) == c->alloca &&
		    (!llvm_helper_access(c->program, call, n, &access) || access.writes))
			return false;
	c->read = true;
	return true;
}

static bool see_use(struct counter *c, LLVMValueRef user)
{
	LLVMValueRef stored;

	switch (LLVMGetInstructionOpcode(user)) {
	case LLVMLoad:
		return see_access(c, user, LLVMTypeOf(user));
	case LLVMStore:
		stored = LLVMGetOperand(user, 0);
		c->counts |= is_step(c, stored, 0);
		return stored != c->alloca && see_access(c, user, LLVMTypeOf(stored));
	case LLVMCall:
		return see_call(c, user);
	default:
		return false;
	}
}

static bool is_counter(struct counter *c)
{
	unsigned long long bytes = LLVMABISizeOfType(c->layout, LLVMGetAllocatedType(c->alloca));

	if (bytes > BYTES_MAX)
		return false;
	c->ends[bytes] = true;
	for (LLVMUseRef u = LLVMGetFirstUse(c->alloca); u; u = LLVMGetNextUse(u))
		if (!see_use(c, LLVMGetUser(u)))
			return false;
	return c->counts && c->read;
}

static void make_segments(struct counter *c)
{
	LLVMContextRef context = c->program->llvm->context;
	unsigned from = 0;

	LLVMPositionBuilderBefore(c->builder, c->alloca);
	for (unsigned to = 1; to <= BYTES_MAX; to++) {
		if (!c->ends[to])
			continue;
		struct segment *s = &c->segments[c->segment_count++];

		*s = (struct segment){from, to, LLVMIntTypeInContext(context, 8 * (to - from)),
				      NULL};
		s->variable = LLVMBuildAlloca(c->builder, s->type, "counter");
		from = to;
	}
}

/* The first segments as one number of the load's type. */
static void rewrite_load(struct counter *c, LLVMValueRef load)
{
	LLVMTypeRef type = LLVMTypeOf(load);
	LLVMValueRef whole = NULL, part;

	LLVMPositionBuilderBefore(c->builder, load);
	for (const struct segment *s = c->segments;; s++) {
		part = LLVMBuildLoad2(c->builder, s->type, s->variable, "");
		part = LLVMBuildZExt(c->builder, part, type, "");
		if (s->from)
			part = LLVMBuildShl(c->builder, part,
					    LLVMConstInt(type, 8 * s->from, false), "");
		whole = whole ? LLVMBuildOr(c->builder, whole, part, "") : part;
		if (8 * s->to == LLVMGetIntTypeWidth(type))
			break;
	}
	LLVMReplaceAllUsesWith(load, whole);
	LLVMInstructionEraseFromParent(load);
}

static void rewrite_store(struct counter *c, LLVMValueRef store)
{
	LLVMValueRef whole = LLVMGetOperand(store, 0), part;
	LLVMTypeRef type = LLVMTypeOf(whole);

	LLVMPositionBuilderBefore(c->builder, store);
	for (const struct segment *s = c->segments;; s++) {
		part = s->from ? LLVMBuildLShr(c->builder, whole,
					       LLVMConstInt(type, 8 * s->from, false), "")
			       : whole;
		LLVMBuildStore(c->builder, LLVMBuildTrunc(c->builder, part, s->type, ""),
			       s->variable);
		if (8 * s->to == LLVMGetIntTypeWidth(type))
			break;
	}
	LLVMInstructionEraseFromParent(store);
}

static void store_for_call(struct counter *c, LLVMValueRef call)
{
	LLVMContextRef context = c->program->llvm->context;

	LLVMPositionBuilderBefore(c->builder, call);
	for (unsigned n = 0; n < c->segment_count; n++) {
		const struct segment *s = &c->segments[n];
		LLVMValueRef from = LLVMConstInt(LLVMInt64TypeInContext(context), s->from, false);
		LLVMValueRef to = s->from
				      ? LLVMBuildGEP2(c->builder, LLVMInt8TypeInContext(context),
						      c->alloca, &from, 1, "")
				      : c->alloca;
		LLVMValueRef store = LLVMBuildStore(
		    c->builder, LLVMBuildLoad2(c->builder, s->type, s->variable, ""), to);

		LLVMSetAlignment(store, s->from ? 1 : LLVMGetAlignment(c->alloca));
	}
}

static void rewrite(struct counter *c)
{
	LLVMUseRef next;
	LLVMValueRef user;

	make_segments(c);
	for (LLVMUseRef u = LLVMGetFirstUse(c->alloca); u; u = next) {
		/* What is stored for calls are new uses: they stand in front of these. */
		next = LLVMGetNextUse(u);
		user = LLVMGetUser(u);
		if (LLVMIsALoadInst(user))
			rewrite_load(c, user);
		else if (LLVMIsAStoreInst(user))
			rewrite_store(c, user);
		else if (is_lifetime(user))
			LLVMInstructionEraseFromParent(user);
		else
			store_for_call(c, user);
	}
}

bool ir_promote_counters(struct ir_program *program)
{
	LLVMBasicBlockRef entry = LLVMGetEntryBasicBlock(program->llvm->function);
	LLVMBuilderRef builder = LLVMCreateBuilderInContext(program->llvm->context);
	bool any = false;

	for (LLVMValueRef i = LLVMGetFirstInstruction(entry); i; i = LLVMGetNextInstruction(i)) {
		struct counter c = {.program = program,
				    .builder = builder,
				    .layout = LLVMGetModuleDataLayout(program->llvm->module),
				    .alloca = i};

		if (!LLVMIsAAllocaInst(i) || !is_counter(&c))
			continue;
		rewrite(&c);
		any = true;
	}
	LLVMDisposeBuilder(builder);
	return any;
}
