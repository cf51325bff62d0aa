/*
 * A helper's map that is chosen on the way: `m = v6 ? &hosts6 : &hosts4`, and what LLVM makes of
 * two calls that differ in nothing else. Each map gets a call of its own again, behind a switch, so
 * that every call names its map. Maps that were found in another map are one choice for each map
 * that they were found in: `m = lookup(&of_this_cpu, &cpu) ?: &for_all`.
 */
#include "frontend/llvm_stages.h"

#include <errno.h>

#include "ir/helpers.h"
#include "ir/llvm_blocks.h"
#include "support/arena.h"
#include "support/map_types.h"

enum { CHOICES_MAX = 16, DEPTH_MAX = 16 };

/* A map of the program, or one found in the map `outer`: `map` is then set where it is called. */
struct one_map {
	LLVMValueRef map;
	int outer;
};

/* The maps that one operand may be, and for each of its phis and selects the number of the map. */
struct choice {
	struct ir_program *program;
	LLVMBuilderRef builder;
	LLVMTypeRef i32;
	struct one_map maps[CHOICES_MAX];
	unsigned count;
	LLVMValueRef seen[64], number[64];
	unsigned seen_count;
	int outer; /* for found_in */
};

typedef LLVMValueRef like(struct choice *c, LLVMValueRef value);

/*
 * No map at all: `tcp ? &a : udp ? &b : NULL`. The kernel refuses a program in which a call is
 * reached with it, so such a way has whatever number.
 */
static bool is_none(LLVMValueRef value)
{
	return LLVMIsUndef(value) || (LLVMIsConstant(value) && LLVMIsNull(value));
}

/* The number of the choice that the value is, or count. */
static unsigned map_number(const struct choice *c, LLVMValueRef value)
{
	int outer = llvm_outer_map(c->program, value);
	unsigned i = 0;

	while (i < c->count &&
	       !(outer == IR_NONE ? c->maps[i].map == value : c->maps[i].outer == outer))
		i++;
	return i;
}

static bool add_map(struct choice *c, LLVMValueRef value)
{
	int outer = llvm_outer_map(c->program, value);
	unsigned i = map_number(c, value);

	if (i == CHOICES_MAX)
		return false;
	if (i == c->count)
		c->maps[c->count++] = (struct one_map){outer == IR_NONE ? value : NULL, outer};
	return true;
}

static bool is_seen(const struct choice *c, LLVMValueRef value)
{
	for (unsigned i = 0; i < c->seen_count; i++)
		if (c->seen[i] == value)
			return true;
	return false;
}

/* Is it a choice among maps of the program, and nothing else? */
static bool collect(struct choice *c, LLVMValueRef value, unsigned depth)
{
	bool good = true;

	if (llvm_map_index(c->program, value) != IR_NONE ||
	    llvm_outer_map(c->program, value) != IR_NONE)
		return add_map(c, value);
	if (is_none(value) || is_seen(c, value))
		return true;
	if (depth == DEPTH_MAX || c->seen_count == 64 ||
	    (!LLVMIsAPHINode(value) && !LLVMIsASelectInst(value)))
		return false;
	c->seen[c->seen_count++] = value;
	if (LLVMIsASelectInst(value))
		return collect(c, LLVMGetOperand(value, 1), depth + 1) &&
		       collect(c, LLVMGetOperand(value, 2), depth + 1);
	for (unsigned n = 0; n < LLVMCountIncoming(value) && good; n++)
		good = collect(c, LLVMGetIncomingValue(value, n), depth + 1);
	return good;
}

static LLVMValueRef number_of(struct choice *c, LLVMValueRef value)
{
	for (unsigned i = 0; i < c->seen_count; i++)
		if (c->seen[i] == value)
			return c->number[i];
	return LLVMConstInt(c->i32, is_none(value) ? 0 : map_number(c, value), false);
}

/* The value itself where it was found in that map, else none. */
static LLVMValueRef found_in(struct choice *c, LLVMValueRef value)
{
	for (unsigned i = 0; i < c->seen_count; i++)
		if (c->seen[i] == value)
			return c->number[i];
	return c->outer != IR_NONE && llvm_outer_map(c->program, value) == c->outer
		   ? value
		   : LLVMConstNull(LLVMTypeOf(value));
}

/*
 * Beside each phi and select of pointers one of what `make` makes of its operands: phis first,
 * since they may meet again.
 */
static void build_beside(struct choice *c, LLVMTypeRef type, like *make)
{
	for (unsigned i = 0; i < c->seen_count; i++)
		if (LLVMIsAPHINode(c->seen[i])) {
			LLVMPositionBuilderBefore(c->builder, c->seen[i]);
			c->number[i] = LLVMBuildPhi(c->builder, type, "choice");
		}
	/* what a select chooses from was seen behind it */
	for (unsigned i = c->seen_count; i-- > 0;)
		if (LLVMIsASelectInst(c->seen[i])) {
			LLVMPositionBuilderBefore(c->builder, c->seen[i]);
			c->number[i] =
			    LLVMBuildSelect(c->builder, LLVMGetOperand(c->seen[i], 0),
					    make(c, LLVMGetOperand(c->seen[i], 1)),
					    make(c, LLVMGetOperand(c->seen[i], 2)), "choice");
		}
	for (unsigned i = 0; i < c->seen_count; i++)
		for (unsigned n = 0;
		     LLVMIsAPHINode(c->seen[i]) && n < LLVMCountIncoming(c->seen[i]); n++) {
			LLVMValueRef in = make(c, LLVMGetIncomingValue(c->seen[i], n));
			LLVMBasicBlockRef from = LLVMGetIncomingBlock(c->seen[i], n);

			LLVMAddIncoming(c->number[i], &in, &from, 1);
		}
}

/* What was found in other maps as values that are the same or none of them. */
static void build_found(struct choice *c, LLVMValueRef chosen)
{
	for (unsigned i = 0; i < c->count; i++) {
		c->outer = c->maps[i].outer;
		if (c->outer == IR_NONE)
			continue;
		build_beside(c, LLVMTypeOf(chosen), found_in);
		c->maps[i].map = found_in(c, chosen);
	}
}

/* switch (number) { case 0: call(..., maps[0]); ... } */
static void expand_call(struct choice *c, LLVMValueRef call, LLVMValueRef number, unsigned argument)
{
	LLVMValueRef choose, join = NULL;
	LLVMMetadataRef place = LLVMInstructionGetDebugLoc(call);
	LLVMBasicBlockRef here = LLVMGetInstructionParent(call),
			  rest = llvm_split_behind(c->builder, call, "chosen");
	bool has_value = LLVMGetTypeKind(LLVMTypeOf(call)) != LLVMVoidTypeKind;
	LLVMBasicBlockRef cases[CHOICES_MAX];

	for (unsigned i = 0; i < c->count; i++)
		cases[i] = LLVMInsertBasicBlockInContext(c->program->llvm->context, rest, "choice");
	LLVMPositionBuilderAtEnd(c->builder, here);
	LLVMSetCurrentDebugLocation2(c->builder, place);
	choose = LLVMBuildSwitch(c->builder, number, cases[0], c->count - 1);
	for (unsigned i = 1; i < c->count; i++)
		LLVMAddCase(choose, LLVMConstInt(c->i32, i, false), cases[i]);
	if (has_value) {
		LLVMValueRef first = LLVMGetFirstInstruction(rest);

		LLVMPositionBuilderBefore(c->builder, first);
		join = LLVMBuildPhi(c->builder, LLVMTypeOf(call), "");
		LLVMReplaceAllUsesWith(call, join);
	}
	for (unsigned i = 0; i < c->count; i++) {
		LLVMValueRef one = LLVMInstructionClone(call);

		LLVMPositionBuilderAtEnd(c->builder, cases[i]);
		LLVMInsertIntoBuilder(c->builder, one);
		LLVMSetOperand(one, argument, c->maps[i].map);
		LLVMBuildBr(c->builder, rest);
		if (join)
			LLVMAddIncoming(join, &one, &cases[i], 1);
	}
	LLVMInstructionEraseFromParent(call);
}

/* The argument that should name a map and does not, or -1. */
static int chosen_argument(const struct ir_program *program, LLVMValueRef call)
{
	const char *name = llvm_intrinsic_name(call);
	const struct ir_helper *helper = name ? ir_helper_by_intrinsic(name) : NULL;
	unsigned count = helper ? LLVMGetNumArgOperands(call) : 0;
	bool inner;

	for (unsigned a = 0; a < count && a < IR_HELPER_ARGUMENTS_MAX; a++)
		if (helper->arguments[a] == IR_ARGUMENT_MAP &&
		    llvm_call_map(program, call, &inner) == IR_NONE)
			return (int)a;
	return -1;
}

static int expand(struct ir_program *program, LLVMBuilderRef builder, LLVMValueRef call,
		  unsigned argument, struct diag *diag)
{
	struct choice c = {.program = program,
			   .builder = builder,
			   .i32 = LLVMInt32TypeInContext(program->llvm->context)};

	LLVMValueRef chosen = LLVMGetOperand(call, argument), number;

	if (!collect(&c, chosen, 0) || !c.count)
		return frontend_refuse(program, diag, frontend_value_loc(program, call),
				       IR_REASON_MAP_UNKNOWN, NULL);
	build_beside(&c, c.i32, number_of);
	number = number_of(&c, chosen);
	build_found(&c, chosen);
	expand_call(&c, call, number, argument);
	return 0;
}

int frontend_expand_map_choices(struct ir_program *program, struct diag *diag)
{
	LLVMBuilderRef builder = LLVMCreateBuilderInContext(program->llvm->context);
	LLVMValueRef i = frontend_first_instruction(program->llvm->function);
	int err = 0;

	while (i) {
		int argument = LLVMIsACallInst(i) ? chosen_argument(program, i) : -1;
		LLVMValueRef call = i;
		LLVMBasicBlockRef block = LLVMGetInstructionParent(i);

		i = frontend_next_instruction(i);
		if (argument < 0)
			continue;
		err = expand(program, builder, call, (unsigned)argument, diag) ?: err;
		/* The calls that were made name their maps; what follows stands behind them. */
		i = err ? i : LLVMGetBasicBlockTerminator(block);
	}
	LLVMDisposeBuilder(builder);
	return err;
}
