/* One function from the instructions of one instance. */
#include "frontend/llvm_lift.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ir/ir.h"
#include "support/arena.h"

int lift_refuse(struct lift_function *f, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	diag_error(f->lift->diag, bpf_place(f->lift->analysis, f->instance, f->at), "%s", text);
	return -EINVAL;
}

bool lift_returns_pointer(const struct bpf_instance *instance)
{
	return instance->out && !instance->callback && bpf_value_is_pointer(instance->out->reg[0]);
}

/* ---- declarations ---- */

static LLVMTypeRef function_type(struct lift *l, int instance)
{
	const struct bpf_instance *i = &l->analysis->instances[instance];
	LLVMTypeRef types[5];

	if (instance == 0)
		return LLVMFunctionType(l->i32, &l->ptr, 1, false);
	if (i->callback) {
		for (unsigned n = 0; n < i->callback->count; n++)
			types[n] =
			    i->callback->parameter[n] == BPF_PARAMETER_NUMBER ? l->i64 : l->ptr;
		return LLVMFunctionType(l->i64, types, i->callback->count, false);
	}
	for (unsigned n = 0; n < 5; n++)
		types[n] = i->in[0] && bpf_value_is_pointer(i->in[0]->reg[n + 1]) ? l->ptr : l->i64;
	return LLVMFunctionType(lift_returns_pointer(i) ? l->ptr : l->i64, types, 5, false);
}

/* A program keeps its name, whatever else has it. */
static LLVMValueRef add_function(struct lift *l, int instance, const char *name)
{
	LLVMValueRef other = instance ? NULL : LLVMGetNamedFunction(l->module, name);

	if (other)
		LLVMSetValueName2(other, "", 0);
	return LLVMAddFunction(l->module, name, function_type(l, instance));
}

int lift_declare(struct lift *l)
{
	size_t count = l->analysis->instance_count;
	unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);

	l->functions = arena_array(l->arena, count, sizeof *l->functions);
	l->subprograms = arena_array(l->arena, count, sizeof *l->subprograms);
	for (size_t n = 0; n < count; n++) {
		const struct bpf_function *from = l->analysis->instances[n].function;
		LLVMValueRef f = add_function(l, (int)n, from->name);

		l->functions[n] = f;
		LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex,
					LLVMCreateEnumAttribute(l->context, nounwind, 0));
		if (n == 0)
			LLVMSetSection(f, l->analysis->section);
		else
			LLVMSetLinkage(f, LLVMInternalLinkage);
		lift_describe_function(l, (int)n);
	}
	return 0;
}

/* ---- the function's beginning ---- */

static struct lift_register make_register(struct lift_function *f)
{
	LLVMBuilderRef b = f->lift->builder;

	return (struct lift_register){LLVMBuildAlloca(b, f->lift->ptr, ""),
				      LLVMBuildAlloca(b, f->lift->i64, "")};
}

/* Bytes of the frame that stay memory. */
static bool needs_frame(const struct lift_function *f)
{
	if (f->lift->analysis->frames_lost)
		return f->info->lowest < 0;
	for (size_t s = 0; s < BPF_SLOTS; s++)
		if (f->info->exposed[s])
			return true;
	return f->info->lowest < -8 * BPF_SLOTS;
}

static void make_frame(struct lift_function *f)
{
	LLVMTypeRef type;

	if (!needs_frame(f))
		return;
	f->frame_bytes = (-f->info->lowest + 7) / 8 * 8;
	type = LLVMArrayType2(f->lift->i8, (uint64_t)f->frame_bytes);
	f->frame = LLVMBuildAlloca(f->lift->builder, type, "stack");
	LLVMSetAlignment(f->frame, 8);
}

static void make_blocks(struct lift_function *f)
{
	const struct bpf_cfg *cfg = f->info->cfg;

	f->blocks = arena_array(f->lift->arena, cfg->block_count + 1, sizeof *f->blocks);
	for (uint32_t o = 0; o < cfg->order_count; o++)
		if (f->info->in[o])
			f->blocks[cfg->order[o]] =
			    LLVMAppendBasicBlockInContext(f->lift->context, f->function, "");
}

static void begin(struct lift_function *f)
{
	struct lift *l = f->lift;
	LLVMBasicBlockRef entry = LLVMAppendBasicBlockInContext(l->context, f->function, "entry");
	const struct bpf_cfg *cfg = f->info->cfg;

	LLVMPositionBuilderAtEnd(l->builder, entry);
	f->at = f->info->function->first;
	lift_set_place(f);
	for (unsigned r = 0; r < BPF_FRAME_REGISTER; r++)
		f->reg[r] = make_register(f);
	for (unsigned s = 0; s < BPF_SLOTS; s++)
		if (f->info->used[s] && !f->info->exposed[s])
			f->slot[s] = make_register(f);
	for (unsigned s = 0; s < BPF_SLOTS; s++)
		if (f->info->spilled[s])
			f->spill[s] = LLVMBuildAlloca(l->builder, l->ptr, "");
	make_frame(f);
	make_blocks(f);
	for (unsigned n = 0; n < LLVMCountParams(f->function); n++)
		lift_set(f, n + 1, LLVMGetParam(f->function, n));
	LLVMBuildBr(l->builder, f->blocks[cfg->order[0]]);
}

/* ---- instructions ---- */

/*
 * CO-RE. A field whose struct the kernel does not know stays where it was compiled to be: packet
 * headers and UAPI structs never change. Only in the kernel's own objects nobody can know.
 */
static bool stays_as_compiled(const struct lift_function *f, const struct bpf_instruction *i)
{
	enum bpf_core_outcome outcome = i->core->answer.outcome;

	return i->core->question.kind == BPF_ASKS_FIELD_OFFSET &&
	       (outcome == BPF_CORE_NO_TYPE || outcome == BPF_CORE_NO_KERNEL) &&
	       !(BPF_CLASS(i->code) == BPF_LDX && i->src < BPF_REGISTERS &&
		 lift_value_of(f, i->src).kind == BPF_VALUE_KERNEL);
}

static int check_relocation(struct lift_function *f, const struct bpf_instruction *i)
{
	static const char *const why[] = {
	    [BPF_CORE_ABSENT] = "the kernel has no such thing",
	    [BPF_CORE_NO_TYPE] = "the kernel has no such type",
	    [BPF_CORE_NO_KERNEL] = "there is no BTF of a kernel here; give it by --btf",
	    [BPF_CORE_AMBIGUOUS] = "the kernel has several types of that name",
	    [BPF_CORE_DAMAGED] = "the question makes no sense"};
	const struct bpf_relocated *core = i->core;
	const char *fault =
	    core->answer.outcome == BPF_CORE_ANSWERED ? core->fault : why[core->answer.outcome];

	if (core->question.kind == BPF_ASKS_LOCAL_TYPE)
		fault = "the parts have BTF of their own";
	if (!fault || stays_as_compiled(f, i))
		return 0;
	return lift_refuse(f, "the CO-RE relocation for %s has no answer: %s",
			   bpf_core_text(f->lift->arena, &f->lift->object->types, &core->question),
			   fault);
}

static bool writes_register(const struct bpf_instruction *i, unsigned reg)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
	case BPF_LD:
	case BPF_LDX:
		return i->dst == reg;
	case BPF_STX:
		return BPF_MODE(i->code) == BPF_ATOMIC && i->imm & BPF_FETCH && i->src == reg;
	default:
		return false;
	}
}

static int lift_instruction(struct lift_function *f, const struct bpf_instruction *i)
{
	if (i->second)
		return 0;
	if (i->core && check_relocation(f, i))
		return -EINVAL;
	if (i->dst >= BPF_REGISTERS || i->src >= BPF_REGISTERS)
		return lift_refuse(f, "there is no register r%u",
				   i->dst > i->src ? i->dst : i->src);
	if (writes_register(i, BPF_FRAME_REGISTER))
		return lift_refuse(f, "the frame pointer is written");
	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		return lift_arithmetic(f, i);
	case BPF_LDX:
		return lift_load(f, i);
	case BPF_LD:
		if (i->code != (BPF_LD | BPF_DW | BPF_IMM))
			return lift_refuse(f, "the old way of reading packets (BPF_LD_ABS, "
					      "BPF_LD_IND), which XDP does not have");
		return lift_wide_load(f, i);
	case BPF_ST:
		return lift_store(f, i);
	case BPF_STX:
		return BPF_MODE(i->code) == BPF_ATOMIC ? lift_atomic(f, i) : lift_store(f, i);
	default:
		return i->code == (BPF_JMP | BPF_CALL) && !bpf_enters_function(i)
			   ? lift_helper(f, i, -1)
			   : 0;
	}
}

/* ---- ends of blocks ---- */

/* BPF_JMP | BPF_JCOND, which older headers do not have. */
#define MAY_GOTO (BPF_JMP | 0xe0)

static void leave(struct lift_function *f)
{
	struct lift *l = f->lift;

	if (f->instance == 0)
		LLVMBuildRet(l->builder, LLVMBuildTrunc(l->builder, lift_number(f, 0), l->i32, ""));
	else if (lift_returns_pointer(f->info))
		LLVMBuildRet(l->builder, lift_pointer(f, 0));
	else
		LLVMBuildRet(l->builder, lift_number(f, 0));
}

/* The block to jump to; on a way where a register is NULL, one that says so first. */
static LLVMBasicBlockRef make_way(struct lift_function *f, struct bpf_way way)
{
	struct lift *l = f->lift;
	LLVMBasicBlockRef here = LLVMGetInsertBlock(l->builder), between;

	if (way.null_register < 0)
		return f->blocks[way.block];
	between = LLVMAppendBasicBlockInContext(l->context, f->function, "");
	LLVMPositionBuilderAtEnd(l->builder, between);
	lift_set_null(f, (unsigned)way.null_register);
	LLVMBuildBr(l->builder, f->blocks[way.block]);
	LLVMPositionBuilderAtEnd(l->builder, here);
	return between;
}

static int branch(struct lift_function *f, uint32_t block, const struct bpf_instruction *i)
{
	struct lift *l = f->lift;
	struct bpf_way taken, next;
	LLVMValueRef condition;

	bpf_find_ways(l->analysis, f->instance, block, f->state, &taken, &next);
	if (taken.block == BPF_NO_BLOCK || next.block == BPF_NO_BLOCK) {
		uint32_t only = taken.block == BPF_NO_BLOCK ? next.block : taken.block;

		LLVMBuildBr(l->builder, f->blocks[only]);
		return 0;
	}
	if (i->dst >= BPF_REGISTERS || i->src >= BPF_REGISTERS)
		return lift_refuse(f, "there is no such register");
	if (i->code == MAY_GOTO)
		return lift_refuse(f, "may_goto (can_loop, cond_break) is not supported: the "
				      "kernel alone knows when it ends the loop");
	condition = lift_condition(f, i);
	if (!condition)
		return lift_refuse(f, "jump 0x%02x is not supported", i->code);
	LLVMBuildCondBr(l->builder, condition, make_way(f, taken), make_way(f, next));
	return 0;
}

static int end_block(struct lift_function *f, uint32_t block)
{
	const struct bpf_block *b = &f->info->cfg->blocks[block];
	const struct bpf_instruction *last = bpf_at(f->lift->analysis, f->instance, b->end - 1);
	int err = 0;

	if (bpf_is_exit(last)) {
		leave(f);
		return 0;
	}
	if (!bpf_enters_function(last))
		return branch(f, block, last);
	err = bpf_callback_of(last) ? lift_helper(f, last, f->info->child[block])
				    : lift_call(f, block);
	if (!err && f->blocks[b->next])
		LLVMBuildBr(f->lift->builder, f->blocks[b->next]);
	else if (!err)
		LLVMBuildUnreachable(f->lift->builder);
	return err;
}

/* A number that the analysis knows is written out: a NULL of it, in both forms. */
static void settle(struct lift_function *f, const struct bpf_instruction *i)
{
	unsigned class = BPF_CLASS(i->code);
	struct bpf_value v;

	if (i->second || i->dst >= BPF_FRAME_REGISTER ||
	    (class != BPF_ALU && class != BPF_ALU64 && class != BPF_LDX))
		return;
	v = lift_value_of(f, i->dst);
	if (bpf_value_is_constant(v))
		lift_set(f, i->dst, lift_constant(f->lift, v.number));
}

static int lift_block(struct lift_function *f, uint32_t order)
{
	uint32_t block = f->info->cfg->order[order];
	const struct bpf_block *b = &f->info->cfg->blocks[block];
	int err = 0;

	LLVMPositionBuilderAtEnd(f->lift->builder, f->blocks[block]);
	memcpy(f->state, f->info->in[order], bpf_state_bytes(f->info->depth));
	for (f->at = b->first; f->at < b->end && !err; f->at++) {
		const struct bpf_instruction *i = bpf_at(f->lift->analysis, f->instance, f->at);

		lift_set_place(f);
		err = lift_instruction(f, i);
		bpf_step(f->lift->analysis, f->instance, f->state, f->at);
		settle(f, i);
	}
	f->at = b->end - 1;
	return err ? err : end_block(f, block);
}

int lift_define(struct lift *l, int instance)
{
	struct lift_function f = {.lift = l,
				  .instance = instance,
				  .info = &l->analysis->instances[instance],
				  .function = l->functions[instance]};
	int err = 0;

	if (!f.info->in[0])
		return 0;
	f.state = arena_alloc(l->arena, bpf_state_bytes(f.info->depth));
	f.state->reg[BPF_FRAME_REGISTER] = f.info->in[0]->reg[BPF_FRAME_REGISTER];
	begin(&f);
	for (uint32_t o = 0; o < f.info->cfg->order_count; o++)
		if (f.info->in[o])
			err = lift_block(&f, o) ?: err;
	return err;
}
