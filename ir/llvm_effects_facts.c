/*
 * Which header starts where, learned from the branches on the way: a forward dataflow over sets of
 * facts that meet by intersection.
 *
 * A fact is about an SSA value, which never changes; so what holds where a loop is entered holds in
 * every round, and one pass in reverse postorder that ignores back edges is exact.
 */
#include "ir/llvm_effects.h"

#include "support/arena.h"

enum { CONDITION_DEPTH_MAX = 8 };

static bool same_anchor(struct anchor a, struct anchor b)
{
	return a.base == b.base && a.offset == b.offset;
}

static bool has_fact(const struct fact_set *set, const struct header_fact *fact)
{
	for (size_t i = 0; i < set->count; i++)
		if (same_anchor(set->facts[i].at, fact->at) && set->facts[i].proto == fact->proto &&
		    set->facts[i].next == fact->next)
			return true;
	return false;
}

static void add_fact(const struct effects *fx, struct fact_set *set, struct header_fact fact)
{
	if (!has_fact(set, &fact))
		*ARENA_PUSH(fx->program->arena, set->facts, set->count, set->capacity) = fact;
}

static void add_header(const struct effects *fx, struct fact_set *set, struct anchor at,
		       enum packet_proto proto)
{
	add_fact(fx, set, (struct header_fact){.at = at, .proto = proto});
	if (proto != PACKET_VXLAN)
		return;
	at.offset += packet_proto_bytes_min(PACKET_VXLAN);
	add_fact(fx, set, (struct header_fact){.at = at, .proto = PACKET_ETH});
}

/* `proto` follows the header: right behind it when that has one length, else also where its length
 * says. */
static void add_next(const struct effects *fx, struct fact_set *set, const struct packet_place *in,
		     enum packet_proto proto)
{
	struct anchor after = in->header;

	after.offset += packet_proto_bytes_min(in->proto);
	add_header(fx, set, after, proto);
	add_fact(fx, set, (struct header_fact){.at = in->header, .proto = proto, .next = true});
}

static bool is_type_field(enum packet_field_id id)
{
	switch (id) {
	case PACKET_FIELD_ETH_TYPE:
	case PACKET_FIELD_VLAN_TYPE:
	case PACKET_FIELD_GRE_TYPE:
	case PACKET_FIELD_IPV4_PROTOCOL:
	case PACKET_FIELD_IPV6_NEXTHDR:
	case PACKET_FIELD_HOPOPTS_NEXTHDR:
	case PACKET_FIELD_ROUTING_NEXTHDR:
	case PACKET_FIELD_FRAGMENT_NEXTHDR:
	case PACKET_FIELD_DSTOPTS_NEXTHDR:
	case PACKET_FIELD_AH_NEXTHDR:
	case PACKET_FIELD_UDP_DPORT:
	case PACKET_FIELD_UDP_SPORT:
		return true;
	default:
		return false;
	}
}

/* A value that is just such a field, widened or brought to host order. */
struct type_field {
	LLVMValueRef load;
	struct packet_place place;
	unsigned bits;
	bool swapped;
};

static LLVMValueRef strip_casts(LLVMValueRef value, bool *swapped)
{
	*swapped = false;
	while (LLVMIsAInstruction(value)) {
		if (LLVMIsAZExtInst(value) || LLVMIsAFreezeInst(value)) {
			value = LLVMGetOperand(value, 0);
		} else if (effects_is_intrinsic(value, "llvm.bswap.i16")) {
			value = LLVMGetOperand(value, 0);
			*swapped = !*swapped;
		} else {
			break;
		}
	}
	return value;
}

static bool read_type_field(const struct effects *fx, LLVMValueRef load, struct type_field *out)
{
	if (!LLVMIsALoadInst(load) || LLVMGetTypeKind(LLVMTypeOf(load)) != LLVMIntegerTypeKind)
		return false;
	uint64_t size = effects_type_bytes(fx, LLVMTypeOf(load));
	struct packet_place place = size > 2
					? (struct packet_place){0}
					: effects_place(fx, load, LLVMGetOperand(load, 0), size);
	if (!place.named)
		return false;
	const struct packet_field *field =
	    packet_field_find(place.proto, (uint32_t)place.offset, (uint32_t)size);

	if (!field || !is_type_field(field->id) || field->bits != size * 8)
		return false;
	*out = (struct type_field){.load = load, .place = place, .bits = field->bits};
	return true;
}

static uint32_t host_key(const struct type_field *field, uint64_t constant)
{
	uint32_t key = (uint32_t)constant & (field->bits == 8 ? 0xff : 0xffff);

	if (field->bits == 16 && !field->swapped)
		key = (key >> 8 | key << 8) & 0xffff;
	return key;
}

/*
 * One way into a block of phis: where the next header starts and what it is, for a phi of type
 * fields. false when that is not known.
 */
static bool read_choice(const struct effects *fx, LLVMValueRef phi, unsigned way, bool swapped,
			uint64_t constant, struct header_fact *out)
{
	struct type_field field;
	bool inner;
	LLVMValueRef load = strip_casts(LLVMGetIncomingValue(phi, way), &inner);

	if (!read_type_field(fx, load, &field))
		return false;
	field.swapped = inner != swapped;
	out->at = field.place.header;
	out->at.offset += packet_proto_bytes_min(field.place.proto);
	out->proto = packet_proto_next(field.place.proto, host_key(&field, constant));
	return out->proto != PACKET_PROTO_COUNT;
}

/* A pointer that is chosen with a phi: the phi itself, or a start moved by a phi of constants. */
struct chosen {
	LLVMValueRef pointer, phi;
	struct anchor start; /* with a base: phi is a number that is added to it */
};

static bool pointer_of_choice(const struct effects *fx, const struct chosen *chosen, unsigned way,
			      struct anchor *at)
{
	LLVMValueRef value = LLVMGetIncomingValue(chosen->phi, way);

	if (!chosen->start.base) {
		*at = effects_anchor(fx, value);
		return true;
	}
	if (!LLVMIsAConstantInt(value))
		return false;
	*at = chosen->start;
	at->offset += LLVMConstIntGetSExtValue(value);
	return true;
}

/* The next header starts at one distance from the pointer, whichever way the packet came. */
static void learn_chosen(const struct effects *fx, struct fact_set *set, LLVMValueRef types,
			 bool swapped, uint64_t constant, struct chosen chosen)
{
	struct header_fact all = {0}, one = {0};
	struct anchor at;
	int64_t distance = 0;

	for (unsigned i = 0; i < LLVMCountIncoming(types); i++) {
		if (!read_choice(fx, types, i, swapped, constant, &one) ||
		    !pointer_of_choice(fx, &chosen, i, &at) || at.base != one.at.base)
			return;
		if (i && (one.proto != all.proto || one.at.offset - at.offset != distance))
			return;
		distance = one.at.offset - at.offset;
		all = one;
	}
	add_header(fx, set, (struct anchor){chosen.pointer, distance}, all.proto);
}

/* The pointers that are chosen together with the field, in its block. */
static void learn_phi(const struct effects *fx, struct fact_set *set, LLVMValueRef types,
		      bool swapped, uint64_t constant)
{
	LLVMBasicBlockRef block = LLVMGetInstructionParent(types);

	for (LLVMValueRef p = LLVMGetFirstInstruction(block); p && LLVMIsAPHINode(p);
	     p = LLVMGetNextInstruction(p)) {
		struct chosen chosen = {.pointer = p, .phi = p};

		if (LLVMGetTypeKind(LLVMTypeOf(p)) == LLVMPointerTypeKind) {
			learn_chosen(fx, set, types, swapped, constant, chosen);
			continue;
		}
		for (LLVMUseRef use = LLVMGetFirstUse(p); use; use = LLVMGetNextUse(use)) {
			LLVMValueRef gep = LLVMGetUser(use);

			if (!LLVMIsAGetElementPtrInst(gep) || LLVMGetNumOperands(gep) != 2 ||
			    effects_type_bytes(fx, LLVMGetGEPSourceElementType(gep)) != 1)
				continue;
			chosen.pointer = gep;
			chosen.start = effects_anchor(fx, LLVMGetOperand(gep, 0));
			learn_chosen(fx, set, types, swapped, constant, chosen);
		}
	}
}

/* What `value == constant` says. */
static void learn_equal(const struct effects *fx, struct fact_set *set, LLVMValueRef value,
			LLVMValueRef constant)
{
	struct type_field field;
	uint64_t number;
	bool swapped;

	if (!effects_const(constant, &number))
		return;
	value = strip_casts(value, &swapped);
	if (LLVMIsAPHINode(value)) {
		learn_phi(fx, set, value, swapped, number);
		return;
	}
	if (!read_type_field(fx, value, &field))
		return;
	field.swapped = swapped;
	enum packet_proto next = packet_proto_next(field.place.proto, host_key(&field, number));

	if (next != PACKET_PROTO_COUNT)
		add_next(fx, set, &field.place, next);
}

/* The parts of `a && b` (truth) or `a || b` (!truth), or false. clang writes them as and/or or as
 * selects. */
static bool split_condition(LLVMValueRef condition, bool truth, LLVMValueRef parts[2])
{
	uint64_t constant;

	if (LLVMIsASelectInst(condition)) {
		LLVMValueRef fixed = LLVMGetOperand(condition, truth ? 2 : 1);

		if (!effects_const(fixed, &constant) || (constant != 0) == truth)
			return false;
		parts[0] = LLVMGetOperand(condition, 0);
		parts[1] = LLVMGetOperand(condition, truth ? 1 : 2);
		return true;
	}
	if (!LLVMIsABinaryOperator(condition) ||
	    LLVMGetInstructionOpcode(condition) != (truth ? LLVMAnd : LLVMOr))
		return false;
	parts[0] = LLVMGetOperand(condition, 0);
	parts[1] = LLVMGetOperand(condition, 1);
	return true;
}

static void learn_condition(const struct effects *fx, struct fact_set *set, LLVMValueRef condition,
			    bool truth, unsigned depth)
{
	LLVMValueRef parts[2];

	if (depth > CONDITION_DEPTH_MAX)
		return;
	condition = llvm_bare_value(condition);
	if (LLVMIsAICmpInst(condition)) {
		if (LLVMGetICmpPredicate(condition) == (truth ? LLVMIntEQ : LLVMIntNE))
			learn_equal(fx, set, LLVMGetOperand(condition, 0),
				    LLVMGetOperand(condition, 1));
		return;
	}
	if (!split_condition(condition, truth, parts))
		return;
	learn_condition(fx, set, parts[0], truth, depth + 1);
	learn_condition(fx, set, parts[1], truth, depth + 1);
}

/* A block's facts with what taking the edge adds. */
static struct fact_set facts_along(const struct effects *fx, const struct ir_edge *edge)
{
	const struct ir_program *p = fx->program;
	const struct fact_set *from = &fx->facts[edge->from];
	LLVMValueRef end = LLVMGetBasicBlockTerminator(p->blocks[edge->from].value);
	struct fact_set set = {.count = from->count, .capacity = from->count};

	set.facts = arena_grow(p->arena, from->facts, from->count, from->count, sizeof *set.facts);
	if (LLVMIsASwitchInst(end) && edge->successor > 0)
		learn_equal(fx, &set, LLVMGetOperand(end, 0),
			    LLVMGetOperand(end, 2 * (unsigned)edge->successor));
	else if (LLVMIsABranchInst(end) && LLVMIsConditional(end))
		learn_condition(fx, &set, LLVMGetCondition(end), edge->successor == 0, 0);
	return set;
}

static void keep_common(struct fact_set *set, const struct fact_set *other)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++)
		if (has_fact(other, &set->facts[i]))
			set->facts[kept++] = set->facts[i];
	set->count = kept;
}

void effects_compute_facts(struct effects *fx)
{
	const struct ir_program *p = fx->program;

	fx->facts = arena_array(p->arena, p->block_count, sizeof *fx->facts);
	if (fx->data)
		add_header(fx, &fx->facts[0], (struct anchor){.base = fx->data}, PACKET_ETH);
	for (size_t b = 1; b < p->block_count; b++) {
		bool first = true;

		for (size_t i = 0; i < p->blocks[b].in_count; i++) {
			const struct ir_edge *edge = &p->edges[p->blocks[b].in[i]];

			if (edge->from == IR_NONE || edge->from >= (int)b)
				continue;
			struct fact_set along = facts_along(fx, edge);

			if (first)
				fx->facts[b] = along;
			else
				keep_common(&fx->facts[b], &along);
			first = false;
		}
	}
}
