/*
 * Splits stack objects into the parts that are used together.
 *
 * LLVM keeps a struct in memory as soon as the address of one member goes to a helper, so a
 * parser's context (a map key, and beside it the packet pointers) stays whole, and its pointers
 * could not cross a cut. Intrinsics are known to touch just their key, value or buffer; so an
 * object falls apart into the ranges of bytes that some access joins, and LLVM promotes those that
 * no intrinsic needs.
 */
#include "ir/ir.h"
#include "ir/llvm_ir.h"
#include "ir/llvm_range.h"
#include "support/arena.h"

#include <llvm-c/Transforms/PassBuilder.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One use of the object's address at a constant offset. */
struct use {
	LLVMValueRef user;
	unsigned operand;
	int64_t offset, size;
	bool divisible; /* memset, memcpy, lifetime: may be done part by part */
};

struct part {
	int64_t from, to;
	LLVMValueRef alloca;
};

struct object_split {
	struct ir_program *program;
	LLVMTargetDataRef layout;
	LLVMBuilderRef builder;
	LLVMValueRef alloca;
	int64_t size;
	struct use *use;
	size_t use_count, use_capacity;
	struct part *part;
	size_t part_count;
};

static bool add_use(struct object_split *s, LLVMValueRef user, unsigned operand, int64_t offset,
		    int64_t size, bool divisible)
{
	if (offset < 0 || size < 0 || offset + size > s->size)
		return false;
	*ARENA_PUSH(s->program->arena, s->use, s->use_count, s->use_capacity) =
	    (struct use){user, operand, offset, size, divisible};
	return true;
}

static int64_t constant_size(LLVMValueRef value)
{
	return LLVMIsAConstantInt(value) ? LLVMConstIntGetSExtValue(value) : -1;
}

/* Bytes that a call touches behind argument `operand`, or -1. */
static int64_t call_extent(const struct object_split *s, LLVMValueRef call, unsigned operand)
{
	struct llvm_helper_access access;

	return llvm_helper_access(s->program, call, operand, &access) ? access.size : -1;
}

static bool collect_call(struct object_split *s, LLVMValueRef call, unsigned operand,
			 int64_t offset)
{
	LLVMValueRef callee = LLVMGetCalledValue(call);
	size_t length;
	const char *name = LLVMIsAFunction(callee) ? LLVMGetValueName2(callee, &length) : "";

	if (operand >= LLVMGetNumArgOperands(call))
		return false;
	if (strncmp(name, "llvm.lifetime", 13) == 0)
		return add_use(s, call, operand, 0, s->size, true);
	if (strncmp(name, "llvm.mem", 8) == 0)
		return add_use(s, call, operand, offset, constant_size(LLVMGetOperand(call, 2)),
			       true);
	return add_use(s, call, operand, offset, call_extent(s, call, operand), false);
}

static bool collect_uses(struct object_split *s, LLVMValueRef pointer, int64_t offset);
static int64_t extent_of(const struct object_split *s, LLVMValueRef pointer, unsigned depth);

/* Bytes behind `pointer` that one use of it touches, or -1. */
static int64_t extent_of_use(const struct object_split *s, LLVMValueRef user, LLVMValueRef pointer,
			     unsigned depth)
{
	int64_t extent;
	unsigned operand = LLVMGetOperand(user, 0) == pointer ? 0 : 1;
	struct llvm_distance moved;

	switch (LLVMGetInstructionOpcode(user)) {
	case LLVMLoad:
		return (int64_t)LLVMStoreSizeOfType(s->layout, LLVMTypeOf(user));
	case LLVMStore:
		return operand ? (int64_t)LLVMStoreSizeOfType(s->layout,
							      LLVMTypeOf(LLVMGetOperand(user, 0)))
			       : -1;
	case LLVMGetElementPtr:
		extent = llvm_gep_distance(s->layout, user, &moved) && moved.least >= 0
			     ? extent_of(s, user, depth + 1)
			     : -1;
		return extent < 0 ? -1 : moved.most + extent;
	case LLVMPHI:
	case LLVMSelect:
		return extent_of(s, user, depth + 1);
	case LLVMCall: {
		size_t length;
		LLVMValueRef callee = LLVMGetCalledValue(user);

		if (LLVMIsAFunction(callee) &&
		    strncmp(LLVMGetValueName2(callee, &length), "llvm.mem", 8) == 0)
			return constant_size(LLVMGetOperand(user, 2));
		while (LLVMGetOperand(user, operand) != pointer)
			operand++;
		return call_extent(s, user, operand);
	}
	default:
		return -1;
	}
}

static int64_t extent_of(const struct object_split *s, LLVMValueRef pointer, unsigned depth)
{
	enum { DEPTH_MAX = 6 };
	int64_t most = 0;

	for (LLVMUseRef u = LLVMGetFirstUse(pointer); u; u = LLVMGetNextUse(u)) {
		int64_t one =
		    depth < DEPTH_MAX ? extent_of_use(s, LLVMGetUser(u), pointer, depth) : -1;

		if (one < 0)
			return -1;
		most = one > most ? one : most;
	}
	return most;
}

/* A choice between places in the object: all of them, and what is used behind them, are one part.
 */
static bool collect_choice(struct object_split *s, LLVMValueRef choice, unsigned operand,
			   int64_t offset)
{
	int64_t extent = extent_of(s, choice, 0), least = offset, most = offset;
	bool phi = LLVMIsAPHINode(choice);
	unsigned first = phi ? 0 : 1, end = phi ? LLVMCountIncoming(choice) : 3;

	for (unsigned n = first; n < end && extent >= 0; n++) {
		LLVMValueRef in = phi ? LLVMGetIncomingValue(choice, n) : LLVMGetOperand(choice, n);
		struct llvm_region region = llvm_pointer_region(s->program, in);

		if (region.memory != LLVM_MEMORY_STACK || region.root != s->alloca)
			return false;
		if (!region.constant) /* a choice itself: it reaches us through its own places */
			continue;
		least = region.offset < least ? region.offset : least;
		most = region.offset > most ? region.offset : most;
	}
	return extent >= 0 && add_use(s, choice, operand, offset, extent, false) &&
	       add_use(s, NULL, 0, least, most + extent - least, false);
}

/* A place further on; one that is only known to lie between two others keeps all between whole. */
static bool collect_move(struct object_split *s, LLVMValueRef gep, int64_t offset)
{
	struct llvm_distance by;
	int64_t extent;

	if (!llvm_gep_distance(s->layout, gep, &by))
		return false;
	if (by.least == by.most)
		return collect_uses(s, gep, offset + by.least);
	extent = by.least >= 0 ? extent_of(s, gep, 0) : -1;
	return extent >= 0 && add_use(s, gep, 0, offset, by.most + extent, false);
}

static bool collect_use(struct object_split *s, LLVMValueRef user, unsigned operand, int64_t offset)
{
	switch (LLVMGetInstructionOpcode(user)) {
	case LLVMLoad:
		return add_use(s, user, operand, offset,
			       (int64_t)LLVMStoreSizeOfType(s->layout, LLVMTypeOf(user)), false);
	case LLVMStore:
		return operand == 1 && add_use(s, user, operand, offset,
					       (int64_t)LLVMStoreSizeOfType(
						   s->layout, LLVMTypeOf(LLVMGetOperand(user, 0))),
					       false);
	case LLVMGetElementPtr:
		return operand == 0 && collect_move(s, user, offset);
	case LLVMCall:
		return collect_call(s, user, operand, offset);
	case LLVMPHI:
	case LLVMSelect:
		return collect_choice(s, user, operand, offset);
	default:
		return false;
	}
}

static bool collect_uses(struct object_split *s, LLVMValueRef pointer, int64_t offset)
{
	for (LLVMUseRef u = LLVMGetFirstUse(pointer); u; u = LLVMGetNextUse(u)) {
		LLVMValueRef user = LLVMGetUser(u);

		for (int o = 0; o < LLVMGetNumOperands(user); o++)
			if (LLVMGetOperand(user, (unsigned)o) == pointer &&
			    !collect_use(s, user, (unsigned)o, offset))
				return false;
	}
	return true;
}

static int by_offset(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Overlapping indivisible uses join into one part. */
static void make_parts(struct object_split *s)
{
	size_t out = 0;

	s->part = arena_array(s->program->arena, s->use_count + 1, sizeof *s->part);
	for (size_t u = 0; u < s->use_count; u++)
		if (!s->use[u].divisible && s->use[u].size)
			s->part[s->part_count++] = (struct part){
			    s->use[u].offset, s->use[u].offset + s->use[u].size, NULL};
	qsort(s->part, s->part_count, sizeof *s->part, by_offset);
	for (size_t p = 0; p < s->part_count; p++) {
		if (out && s->part[p].from < s->part[out - 1].to) {
			if (s->part[p].to > s->part[out - 1].to)
				s->part[out - 1].to = s->part[p].to;
		} else {
			s->part[out++] = s->part[p];
		}
	}
	s->part_count = out;
}

static void make_allocas(struct object_split *s)
{
	LLVMTypeRef byte = LLVMInt8TypeInContext(s->program->llvm->context);
	unsigned align = LLVMGetAlignment(s->alloca);

	LLVMPositionBuilderBefore(s->builder, s->alloca);
	for (size_t p = 0; p < s->part_count; p++) {
		struct part *part = &s->part[p];
		unsigned own = align;

		while (own > 1 && part->from % own)
			own /= 2;
		size_t length;
		const char *whole = LLVMGetValueName2(s->alloca, &length);
		part->alloca = LLVMBuildAlloca(
		    s->builder, LLVMArrayType2(byte, (uint64_t)(part->to - part->from)),
		    arena_printf(s->program->arena, "%s+%lld", length ? whole : "stack",
				 (long long)part->from));
		LLVMSetAlignment(part->alloca, own < 8 && part->to - part->from >= 8 ? 8 : own);
	}
}

static LLVMValueRef at(struct object_split *s, LLVMValueRef base, int64_t offset)
{
	LLVMContextRef context = s->program->llvm->context;
	LLVMValueRef n = LLVMConstInt(LLVMInt64TypeInContext(context), (uint64_t)offset, 1);

	return offset ? LLVMBuildGEP2(s->builder, LLVMInt8TypeInContext(context), base, &n, 1, "")
		      : base;
}

/* What the call says of an argument's alignment, less what the offset takes from it. */
static unsigned argument_align(LLVMValueRef call, unsigned operand, int64_t offset)
{
	unsigned kind = LLVMGetEnumAttributeKindForName("align", 5);
	LLVMAttributeRef attribute = LLVMGetCallSiteEnumAttribute(call, operand + 1, kind);
	uint64_t align = attribute ? LLVMGetEnumAttributeValue(attribute) : 1;

	while (align > 1 && (uint64_t)offset % align)
		align /= 2;
	return (unsigned)align;
}

/* The part of memset or memcpy that falls into [from, to), as a call of its own. */
static void repeat_memory_call(struct object_split *s, const struct use *u, const struct part *part)
{
	int64_t from = u->offset > part->from ? u->offset : part->from;
	int64_t end = u->offset + u->size, to = end < part->to ? end : part->to;

	if (from >= to)
		return;
	LLVMValueRef call = u->user, mine = at(s, part->alloca, from - part->from);
	LLVMValueRef other = LLVMGetOperand(call, 1 - u->operand);
	LLVMValueRef size =
	    LLVMConstInt(LLVMTypeOf(LLVMGetOperand(call, 2)), (uint64_t)(to - from), 0);

	if (LLVMGetTypeKind(LLVMTypeOf(other)) == LLVMPointerTypeKind)
		other = at(s, other, from - u->offset);
	unsigned mine_align = argument_align(call, u->operand, from - u->offset);
	unsigned other_align = argument_align(call, 1 - u->operand, from - u->offset);
	LLVMValueRef now;
	size_t length;
	if (strncmp(LLVMGetValueName2(LLVMGetCalledValue(call), &length), "llvm.memset", 11) == 0)
		now = LLVMBuildMemSet(s->builder, mine, other, size, mine_align);
	else if (u->operand == 0)
		now = LLVMBuildMemCpy(s->builder, mine, mine_align, other, other_align, size);
	else
		now = LLVMBuildMemCpy(s->builder, other, other_align, mine, mine_align, size);
	LLVMInstructionSetDebugLoc(now, LLVMInstructionGetDebugLoc(call));
}

static void rewrite_use(struct object_split *s, const struct use *u)
{
	if (LLVMIsAPHINode(u->user))
		LLVMPositionBuilderBefore(
		    s->builder,
		    LLVMGetBasicBlockTerminator(LLVMGetIncomingBlock(u->user, u->operand)));
	else
		LLVMPositionBuilderBefore(s->builder, u->user);
	for (size_t p = 0; p < s->part_count; p++) {
		const struct part *part = &s->part[p];

		if (u->divisible)
			repeat_memory_call(s, u, part);
		else if (u->offset >= part->from && u->offset < part->to)
			LLVMSetOperand(u->user, u->operand,
				       at(s, part->alloca, u->offset - part->from));
	}
}

static bool is_lifetime(LLVMValueRef call)
{
	size_t length;

	return strncmp(LLVMGetValueName2(LLVMGetCalledValue(call), &length), "llvm.lifetime", 13) ==
	       0;
}

/* A copy between two offsets of one object would be rewritten twice. */
static bool copies_within(const struct object_split *s)
{
	for (size_t a = 0; a < s->use_count; a++)
		for (size_t b = a + 1; b < s->use_count; b++)
			if (s->use[a].user && s->use[a].user == s->use[b].user &&
			    s->use[a].divisible)
				return true;
	return false;
}

static bool split_object(struct object_split *s)
{
	if (!collect_uses(s, s->alloca, 0) || copies_within(s))
		return false;
	make_parts(s);
	if (s->part_count < 2)
		return false;
	make_allocas(s);
	for (size_t u = 0; u < s->use_count; u++) {
		if (!s->use[u].user)
			continue;
		if (!s->use[u].divisible || !is_lifetime(s->use[u].user))
			rewrite_use(s, &s->use[u]);
		if (s->use[u].divisible)
			LLVMInstructionEraseFromParent(s->use[u].user);
	}
	return true;
}

/* Phis and selects that only repeat one place of an object, as passes leave them behind. */
static void fold_choices(struct object_split *s)
{
	LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(s->program->llvm->function);

	for (; block; block = LLVMGetNextBasicBlock(block)) {
		LLVMValueRef after = LLVMGetFirstInstruction(block);

		while (LLVMIsAPHINode(after))
			after = LLVMGetNextInstruction(after);
		for (LLVMValueRef i = LLVMGetFirstInstruction(block), next; i; i = next) {
			bool phi = LLVMIsAPHINode(i);

			next = LLVMGetNextInstruction(i);
			if (!phi && !LLVMIsASelectInst(i))
				continue;
			struct llvm_region region = llvm_pointer_region(s->program, i);
			if (region.memory != LLVM_MEMORY_STACK || !region.root ||
			    !region.constant || region.nullable ||
			    LLVMGetTypeKind(LLVMTypeOf(i)) != LLVMPointerTypeKind)
				continue;
			LLVMPositionBuilderBefore(s->builder, phi ? after : i);
			LLVMReplaceAllUsesWith(i, at(s, region.root, region.offset));
			LLVMInstructionEraseFromParent(i);
		}
	}
}

static int promote(struct ir_program *program, struct diag *diag)
{
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef error =
	    LLVMRunPasses(program->llvm->module, "function(sroa,early-cse)", NULL, options);

	LLVMDisposePassBuilderOptions(options);
	if (!error)
		return 0;
	char *text = LLVMGetErrorMessage(error);
	diag_error(diag, NO_LOC, "LLVM refused a pass: %s", text);
	LLVMDisposeErrorMessage(text);
	return -EIO;
}

int ir_split_objects(struct ir_program *program, struct diag *diag)
{
	LLVMBasicBlockRef entry = LLVMGetEntryBasicBlock(program->llvm->function);
	LLVMBuilderRef builder = LLVMCreateBuilderInContext(program->llvm->context);
	struct object_split fold = {.program = program, .builder = builder};
	bool any = false;

	fold_choices(&fold);
	for (LLVMValueRef i = LLVMGetFirstInstruction(entry); i; i = LLVMGetNextInstruction(i)) {
		struct object_split s = {.program = program,
					 .layout = LLVMGetModuleDataLayout(program->llvm->module),
					 .builder = builder,
					 .alloca = i};
		if (!LLVMIsAAllocaInst(i))
			continue;
		s.size = (int64_t)LLVMABISizeOfType(s.layout, LLVMGetAllocatedType(i));
		any |= split_object(&s);
	}
	LLVMDisposeBuilder(builder);
	any |= ir_promote_counters(program);
	return any ? promote(program, diag) : 0;
}
