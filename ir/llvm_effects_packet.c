/* Names for packet accesses: facts first, then hints, else the bare offset. */
#include "ir/llvm_effects.h"

#include <string.h>

#include "ir/graph.h"
#include "support/arena.h"

enum { FIELDS_NAMED_MAX = 4, SEARCH_DEPTH_MAX = 8 };

static bool contains(struct anchor header, enum packet_proto proto, struct anchor at, uint64_t size)
{
	return header.base == at.base && header.offset <= at.offset &&
	       (uint64_t)(at.offset - header.offset) + size <= packet_proto_bytes_min(proto);
}

static struct packet_place place_in(struct anchor header, enum packet_proto proto, struct anchor at)
{
	return (struct packet_place){
	    .named = true, .proto = proto, .header = header, .offset = at.offset - header.offset};
}

/* The innermost header that a fact puts around the access. */
static struct packet_place find_fact(const struct fact_set *set, struct anchor at, uint64_t size)
{
	struct packet_place best = {0};

	for (size_t i = 0; i < set->count; i++) {
		const struct header_fact *f = &set->facts[i];

		if (f->next || !contains(f->at, f->proto, at, size))
			continue;
		if (!best.named || f->at.offset > best.header.offset)
			best = place_in(f->at, f->proto, at);
	}
	return best;
}

/* The pointer to a header from whose own bytes the number is computed, e.g. ihl * 4. */
static bool find_length_load(const struct effects *fx, LLVMValueRef number, struct anchor *from,
			     unsigned depth)
{
	if (!LLVMIsAInstruction(number) || depth > SEARCH_DEPTH_MAX || LLVMIsAPHINode(number))
		return false;
	if (LLVMIsALoadInst(number)) {
		*from = effects_anchor(fx, LLVMGetOperand(number, 0));
		return true;
	}
	if (LLVMIsACallInst(number))
		return false;
	for (int i = 0; i < LLVMGetNumOperands(number); i++)
		if (find_length_load(fx, LLVMGetOperand(number, (unsigned)i), from, depth + 1))
			return true;
	return false;
}

/*
 * A base that is a header's start plus a number computed from the header's own first bytes: what
 * follows that header starts there.
 */
static struct packet_place find_scaled(const struct effects *fx, const struct fact_set *set,
				       struct anchor at, uint64_t size)
{
	struct packet_place none = {0};
	struct anchor length, start = {.base = at.base};

	if (!LLVMIsAGetElementPtrInst(at.base) || LLVMGetNumOperands(at.base) != 2)
		return none;
	start = effects_anchor(fx, LLVMGetOperand(at.base, 0));
	if (!find_length_load(fx, LLVMGetOperand(at.base, 1), &length, 0))
		return none;
	for (size_t i = 0; i < set->count; i++) {
		const struct header_fact *f = &set->facts[i];
		struct anchor next = {.base = at.base};

		if (!f->next || f->at.base != start.base || f->at.offset != start.offset ||
		    length.base != start.base || length.offset < start.offset ||
		    length.offset > start.offset + 1)
			continue;
		if (contains(next, f->proto, at, size))
			return place_in(next, f->proto, at);
	}
	return none;
}

/* One hint, or none where several disagree. */
struct agreement {
	const struct header_hint *hint;
	bool broken;
};

static void agree_on(struct agreement *all, const struct header_hint *hint)
{
	if (all->hint &&
	    (all->hint->proto != hint->proto || all->hint->at.offset != hint->at.offset))
		all->broken = true;
	all->hint = hint;
}

/*
 * The nearest hint that dominates the access. Failing that, what the hints behind it agree on, then
 * all hints: optimisation and splitting move accesses above the place where the source named the
 * pointer.
 */
static struct packet_place find_hint(const struct effects *fx, LLVMValueRef at_instruction,
				     struct anchor at, uint64_t size)
{
	int block = effects_block(fx, at_instruction);
	unsigned ordinal = effects_ordinal(fx, at_instruction);
	const struct header_hint *near = NULL;
	struct agreement behind = {0}, all = {0};

	for (size_t i = 0; i < fx->hint_count; i++) {
		const struct header_hint *h = &fx->hints[i];
		bool before = h->block == block ? h->ordinal <= ordinal
						: ir_dominates(fx->idom, h->block, block);

		if (!contains(h->at, h->proto, at, size))
			continue;
		if (before && (!near || h->ordinal >= near->ordinal))
			near = h;
		if (!before && ir_dominates(fx->idom, block, h->block))
			agree_on(&behind, h);
		agree_on(&all, h);
	}
	if (!near && behind.hint && !behind.broken)
		near = behind.hint;
	if (!near && all.hint && !all.broken)
		near = all.hint;
	return near ? place_in(near->at, near->proto, at) : (struct packet_place){0};
}

struct packet_place effects_place(const struct effects *fx, LLVMValueRef at, LLVMValueRef pointer,
				  uint64_t size)
{
	struct anchor anchor = effects_anchor(fx, pointer);
	int block = effects_block(fx, at);
	uint64_t first = size ? size : 1;

	if (block == IR_NONE)
		return (struct packet_place){0};
	struct packet_place place = find_fact(&fx->facts[block], anchor, first);

	if (!place.named)
		place = find_scaled(fx, &fx->facts[block], anchor, first);
	if (!place.named)
		place = find_hint(fx, at, anchor, first);
	/* A copy of several headers at once: name the one it begins in. */
	if (!place.named && size > 1)
		place = effects_place(fx, at, pointer, 1);
	return place;
}

static const char *after_dot(const char *field)
{
	return strchr(field, '.') + 1;
}

/* The fields from a byte on, joined by "+". */
static const char *join_fields(const struct effects *fx, enum packet_proto proto, uint32_t offset,
			       uint32_t end)
{
	struct arena *arena = fx->program->arena;
	const char *text = NULL;
	unsigned named = 0;

	for (uint32_t at = offset; at < end;) {
		const struct packet_field *f = packet_field_find(proto, at, 1);

		if (!f || !f->bits)
			break;
		if (++named > FIELDS_NAMED_MAX)
			return arena_printf(arena, "%s+", text);
		text = text ? arena_printf(arena, "%s+%s", text, after_dot(f->text)) : f->text;
		uint32_t next = f->byte + (f->bit + f->bits + 7u) / 8;

		at = next > at ? next : at + 1;
	}
	return text;
}

const char *effects_field_text(const struct effects *fx, struct packet_place place, uint64_t size)
{
	uint32_t offset = (uint32_t)place.offset, bytes = packet_proto_bytes_min(place.proto);

	if (!place.named)
		return NULL;
	if (!size)
		return arena_printf(fx->program->arena, "%s+", packet_proto_text(place.proto));
	if (offset == 0 && size == bytes)
		return packet_proto_text(place.proto);
	if (offset >= bytes)
		return NULL;
	if (offset + size > bytes)
		return offset ? arena_printf(fx->program->arena, "%s+",
					     join_fields(fx, place.proto, offset, bytes))
			      : arena_printf(fx->program->arena, "%s+",
					     packet_proto_text(place.proto));
	const struct packet_field *field = packet_field_find(place.proto, offset, (uint32_t)size);

	return field ? field->text : join_fields(fx, place.proto, offset, offset + (uint32_t)size);
}

static struct ir_packet_range range_of(const struct effects *fx, LLVMValueRef at,
				       LLVMValueRef pointer, uint64_t size)
{
	struct llvm_region region = llvm_pointer_region(fx->program, pointer);
	struct packet_place place = effects_place(fx, at, pointer, size);
	struct ir_packet_range range = {.size = size > UINT32_MAX ? 0 : (uint32_t)size};

	if (region.memory == LLVM_MEMORY_PACKET && region.constant && region.offset >= 0) {
		range.known = true;
		range.offset = (uint32_t)region.offset;
	} else if (place.named) {
		range.base = packet_proto_text(place.proto);
		range.offset = (uint32_t)place.offset;
	}
	range.field = effects_field_text(fx, place, size);
	return range;
}

const char *effects_packet_text(const struct effects *fx, LLVMValueRef at, LLVMValueRef pointer,
				uint64_t size)
{
	struct ir_packet_range range = range_of(fx, at, pointer, size);

	if (range.field)
		return range.field;
	if (!range.known)
		return "pkt[?]";
	return arena_printf(fx->program->arena, "pkt[%u:%u]", range.offset,
			    range.offset + range.size);
}

/* The pointer through which an instruction touches the packet as this kind of op, and how many
 * bytes. */
static LLVMValueRef access_of(const struct effects *fx, const struct ir_op *op, uint64_t *size)
{
	LLVMValueRef i = op->value;

	*size = 0;
	if (LLVMIsALoadInst(i)) {
		*size = effects_type_bytes(fx, LLVMTypeOf(i));
		return LLVMGetOperand(i, 0);
	}
	if (LLVMIsAStoreInst(i)) {
		*size = effects_type_bytes(fx, LLVMTypeOf(LLVMGetOperand(i, 0)));
		return LLVMGetOperand(i, 1);
	}
	if (LLVMIsAAtomicRMWInst(i) || LLVMIsAAtomicCmpXchgInst(i)) {
		*size = effects_type_bytes(fx, LLVMTypeOf(LLVMGetOperand(i, 1)));
		return LLVMGetOperand(i, 0);
	}
	if (effects_is_intrinsic(i, "llvm.mem")) {
		effects_const(LLVMGetOperand(i, 2), size);
		return LLVMGetOperand(i, op->kind == IR_OP_PKT_READ ? 1 : 0);
	}
	return NULL;
}

/* bpf_xdp_load_bytes(ctx, offset, buffer, length): an offset from the packet's start. */
static void name_copy(struct effects *fx, struct ir_op *op)
{
	struct anchor at = {.base = fx->data};
	uint64_t offset, size = 0;
	int block = effects_block(fx, op->value);

	if (LLVMGetNumArgOperands(op->value) < 4 || block == IR_NONE)
		return;
	effects_const(LLVMGetOperand(op->value, 3), &size);
	op->packet.size = size > UINT32_MAX ? 0 : (uint32_t)size;
	if (!effects_const(LLVMGetOperand(op->value, 1), &offset) || offset > UINT32_MAX)
		return;
	op->packet.known = true;
	op->packet.offset = (uint32_t)offset;
	at.offset = (int64_t)offset;
	if (!fx->data || fx->head_moved[block])
		return;
	op->packet.field =
	    effects_field_text(fx, find_fact(&fx->facts[block], at, size ? size : 1), size);
}

/* csum_diff(from, from_size, to, to_size, seed): the operand that is in the packet. */
static void name_checksum(struct effects *fx, struct ir_op *op)
{
	for (unsigned i = 0; i < 4 && i + 1 < LLVMGetNumArgOperands(op->value); i += 2) {
		LLVMValueRef pointer = LLVMGetOperand(op->value, i);
		uint64_t size = 0;

		if (LLVMGetTypeKind(LLVMTypeOf(pointer)) != LLVMPointerTypeKind ||
		    llvm_pointer_region(fx->program, pointer).memory != LLVM_MEMORY_PACKET)
			continue;
		effects_const(LLVMGetOperand(op->value, i + 1), &size);
		op->packet = range_of(fx, op->value, pointer, size);
		return;
	}
}

void effects_name_packet(struct effects *fx, struct ir_op *op)
{
	uint64_t size;
	LLVMValueRef pointer = access_of(fx, op, &size);

	if (pointer)
		op->packet = range_of(fx, op->value, pointer, size);
	else if (op->kind == IR_OP_PKT_COPY_IN || op->kind == IR_OP_PKT_COPY_OUT)
		name_copy(fx, op);
	else if (op->kind == IR_OP_CHECKSUM && LLVMIsACallInst(op->value))
		name_checksum(fx, op);
}
