/*
 * Where a value comes from: its leaves, found by walking back over casts, arithmetic, phis and
 * stack objects, within a budget.
 */
#include "ir/llvm_effects.h"

#include <stdlib.h>
#include <string.h>

#include "support/arena.h"

enum { NAMES_MAX = 6, BUDGET = 256, DEPTH_MAX = 24, PHIS_MAX = 32 };

struct sources {
	const struct effects *fx;
	const char *names[NAMES_MAX];
	size_t count;
	bool more, computed;
	LLVMValueRef phis[PHIS_MAX];
	size_t phi_count;
	unsigned budget, depth;
};

/* Bytes [delta, delta + size) of a value or an object. */
struct span {
	uint64_t delta, size;
};

static void collect_value(struct sources *out, LLVMValueRef value, struct span span);
static void collect_stack(struct sources *out, LLVMValueRef root, LLVMValueRef at, int64_t offset,
			  uint64_t size);

static void add_name(struct sources *out, const char *name)
{
	for (size_t i = 0; i < out->count; i++)
		if (!strcmp(out->names[i], name))
			return;
	if (out->count == NAMES_MAX)
		out->more = true;
	else
		out->names[out->count++] = name;
}

static const char *prefixed(const struct sources *out, const char *prefix, const char *name)
{
	return arena_printf(out->fx->program->arena, "%s %s", prefix, name);
}

static bool meet_phi(struct sources *out, LLVMValueRef phi)
{
	for (size_t i = 0; i < out->phi_count; i++)
		if (out->phis[i] == phi)
			return false;
	if (out->phi_count == PHIS_MAX) {
		out->more = true;
		return false;
	}
	out->phis[out->phi_count++] = phi;
	return true;
}

static void collect_packet(struct sources *out, LLVMValueRef pointer, LLVMValueRef at,
			   struct span span, uint64_t access)
{
	struct packet_place place = effects_place(out->fx, at, pointer, access);
	const char *field;

	place.offset += (int64_t)span.delta;
	field = effects_field_text(out->fx, place, span.size);
	add_name(out, field ? field : effects_packet_text(out->fx, at, pointer, access));
}

/* What a pointer (moved by span.delta) points at. */
static void collect_memory(struct sources *out, LLVMValueRef pointer, LLVMValueRef at,
			   struct span span, uint64_t access)
{
	const struct ir_program *p = out->fx->program;
	struct llvm_region region = llvm_pointer_region(p, pointer);

	if (!out->budget) {
		out->more = true;
		return;
	}
	out->budget--;
	switch (region.memory) {
	case LLVM_MEMORY_PACKET:
		collect_packet(out, pointer, at, span, access);
		break;
	case LLVM_MEMORY_MAP:
	case LLVM_MEMORY_INNER:
		add_name(out, prefixed(out, "map", p->maps[region.index].name));
		break;
	case LLVM_MEMORY_GLOBAL:
		if (region.index == IR_NONE)
			add_name(out, "global");
		else
			add_name(out, prefixed(out, "global", p->globals[region.index].name));
		break;
	default:
		if (region.memory == LLVM_MEMORY_STACK && region.root && region.constant)
			collect_stack(out, region.root, at, region.offset + (int64_t)span.delta,
				      span.size);
		else if (LLVMIsAPHINode(pointer) && meet_phi(out, pointer))
			for (unsigned i = 0; i < LLVMCountIncoming(pointer); i++)
				collect_memory(out, LLVMGetIncomingValue(pointer, i), at, span,
					       access);
		else if (LLVMIsASelectInst(pointer))
			for (unsigned i = 1; i < 3; i++)
				collect_memory(out, LLVMGetOperand(pointer, i), at, span, access);
		else
			add_name(out, "unknown");
	}
}

static void collect_call(struct sources *out, LLVMValueRef call)
{
	const char *field = effects_context_field(call), *helper = effects_helper_name(call);
	size_t length;

	if (field)
		add_name(out, field);
	else if (helper && !strcmp(helper, "get_smp_processor_id"))
		add_name(out, "cpu");
	else if (helper)
		add_name(out, prefixed(out, "helper", helper));
	else if (LLVMIsAFunction(LLVMGetCalledValue(call)) && !llvm_intrinsic_name(call))
		add_name(out, LLVMGetValueName2(LLVMGetCalledValue(call), &length));
	else
		add_name(out, "unknown");
}

static void collect_constant(struct sources *out, LLVMValueRef value, struct span span)
{
	uint64_t number;

	if (out->computed || LLVMIsAUndefValue(value)) /* undefined: as good as any other source */
		return;
	if (!effects_const(value, &number)) {
		add_name(out, "const");
		return;
	}
	number = span.delta < 8 ? number >> (8 * span.delta) : 0;
	if (span.size < 8)
		number &= (1ull << (8 * span.size)) - 1;
	add_name(out, arena_printf(out->fx->program->arena,
				   number < 65536 ? "const %llu" : "const 0x%llx",
				   (unsigned long long)number));
}

static void collect_phi(struct sources *out, LLVMValueRef phi, struct span span)
{
	if (!meet_phi(out, phi))
		return;
	for (unsigned i = 0; i < LLVMCountIncoming(phi); i++)
		collect_value(out, LLVMGetIncomingValue(phi, i), span);
}

/* All operands of arithmetic; the result is no longer just its source. */
static void collect_operands(struct sources *out, LLVMValueRef value)
{
	int count = LLVMGetNumOperands(value);

	if (LLVMIsACallInst(value))
		count = (int)LLVMGetNumArgOperands(value);
	out->computed = true;
	for (int i = 0; i < count; i++) {
		LLVMValueRef operand = LLVMGetOperand(value, (unsigned)i);

		collect_value(out, operand,
			      (struct span){0, effects_type_bytes(out->fx, LLVMTypeOf(operand))});
	}
}

static void collect_cast(struct sources *out, LLVMValueRef cast, struct span span)
{
	LLVMValueRef inner = LLVMGetOperand(cast, 0);
	uint64_t bytes = effects_type_bytes(out->fx, LLVMTypeOf(inner));

	if (span.delta >= bytes) {
		if (!out->computed)
			add_name(out, LLVMIsAZExtInst(cast) ? "const 0" : "computed");
		return;
	}
	if (span.delta + span.size > bytes)
		span.size = bytes - span.delta;
	collect_value(out, inner, span);
}

static void collect_instruction(struct sources *out, LLVMValueRef value, struct span span)
{
	switch (LLVMGetInstructionOpcode(value)) {
	case LLVMZExt:
	case LLVMSExt:
	case LLVMTrunc:
	case LLVMFreeze:
		collect_cast(out, value, span);
		break;
	case LLVMPHI:
		collect_phi(out, value, span);
		break;
	case LLVMSelect:
		collect_value(out, LLVMGetOperand(value, 1), span);
		collect_value(out, LLVMGetOperand(value, 2), span);
		break;
	case LLVMLoad:
		collect_memory(out, LLVMGetOperand(value, 0), value, span,
			       effects_type_bytes(out->fx, LLVMTypeOf(value)));
		break;
	case LLVMCall:
		if (effects_is_intrinsic(value, "llvm.bswap"))
			/* Another order of the same bytes: a part of it is not the same part. */
			collect_value(
			    out, LLVMGetOperand(value, 0),
			    (struct span){0, effects_type_bytes(out->fx, LLVMTypeOf(value))});
		else if (effects_is_intrinsic(value, "llvm."))
			collect_operands(out, value);
		else
			collect_call(out, value);
		break;
	default:
		collect_operands(out, value);
	}
}

static void collect_value(struct sources *out, LLVMValueRef value, struct span span)
{
	if (!out->budget || out->depth == DEPTH_MAX) {
		out->more = true;
		return;
	}
	out->budget--;
	out->depth++;
	if (LLVMIsAInstruction(value))
		collect_instruction(out, value, span);
	else if (LLVMIsConstant(value))
		collect_constant(out, value, span);
	else
		add_name(out, "unknown");
	out->depth--;
}

/* What one write gave bytes [offset, offset + size) of its object. */
static void collect_write(struct sources *out, const struct stack_write *write, int64_t offset,
			  uint64_t size)
{
	LLVMValueRef i = write->instruction;
	struct span span = {(uint64_t)(offset - write->offset), size};
	const char *helper = effects_helper_name(i);

	if (LLVMIsAStoreInst(i) && write->exact)
		collect_value(out, LLVMGetOperand(i, 0), span);
	else if (effects_is_intrinsic(i, "llvm.memset") && write->exact)
		collect_value(out, LLVMGetOperand(i, 1), (struct span){0, 1});
	else if (effects_is_intrinsic(i, "llvm.mem") && write->exact)
		collect_memory(out, LLVMGetOperand(i, 1), i, span, write->size);
	else if (helper)
		add_name(out, prefixed(out, "helper", helper));
	else
		add_name(out, "unknown");
}

static void collect_stack(struct sources *out, LLVMValueRef root, LLVMValueRef at, int64_t offset,
			  uint64_t size)
{
	struct reach before = {0}, reach;

	for (uint64_t done = 0; done < size && out->budget; done++, before = reach) {
		effects_reach(out->fx, root, at, offset + (int64_t)done, &reach);
		out->budget--;
		if (done && effects_same_reach(&before, &reach))
			continue;
		if (reach.open)
			add_name(out, "unknown");
		for (size_t i = 0; i < reach.count; i++) {
			const struct stack_write *write = &out->fx->writes[reach.writes[i]];
			uint64_t left = size - done;

			if (write->exact && (uint64_t)(write->offset - offset) + write->size < size)
				left = (uint64_t)(write->offset - offset) + write->size - done;
			collect_write(out, write, offset + (int64_t)done, left);
		}
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the order of the alphabet, so that equal sets read the same. */
static const char *join(struct sources *out)
{
	struct arena *arena = out->fx->program->arena;
	const char *text = NULL, *between = out->computed ? ", " : "|";

	if (out->count == 1 && !out->more && (!out->computed || !strcmp(out->names[0], "unknown")))
		return out->names[0];
	if (!out->count)
		return out->computed ? "computed" : "unknown";
	qsort(out->names, out->count, sizeof *out->names, compare_names);
	for (size_t i = 0; i < out->count; i++)
		text = text ? arena_printf(arena, "%s%s%s", text, between, out->names[i])
			    : out->names[i];
	if (out->more)
		text = arena_printf(arena, "%s%s...", text, between);
	return out->computed ? arena_printf(arena, "computed(%s)", text) : text;
}

const char *effects_stack_source(const struct effects *fx, LLVMValueRef root, LLVMValueRef at,
				 int64_t offset, uint64_t size)
{
	struct sources out = {.fx = fx, .budget = BUDGET};

	collect_stack(&out, root, at, offset, size);
	return join(&out);
}

const char *effects_memory_source(const struct effects *fx, LLVMValueRef pointer, LLVMValueRef at,
				  uint64_t size)
{
	struct sources out = {.fx = fx, .budget = BUDGET};

	collect_memory(&out, pointer, at, (struct span){0, size}, size);
	return join(&out);
}
