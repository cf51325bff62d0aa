/* What one instruction does to the abstract state. */
#include "frontend/bpf_analysis.h"

#include <linux/bpf.h>
#include <string.h>

#include "frontend/bpf_kfuncs.h"
#include "ir/context_fields.h"
#include "ir/helpers.h"

#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif

static const struct bpf_value nothing = {.kind = BPF_VALUE_NONE};

unsigned bpf_access_bytes(const struct bpf_instruction *i)
{
	switch (BPF_SIZE(i->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

struct bpf_value bpf_operand(const struct bpf_instruction *i, const struct bpf_state *state)
{
	if (BPF_SRC(i->code) == BPF_X)
		return state->reg[i->src];
	return (struct bpf_value){.kind = BPF_VALUE_NUMBER, .known = true, .number = i->imm};
}

const struct ir_context_field *bpf_loaded_pointer(const struct bpf_analysis *a,
						  const struct bpf_instruction *i,
						  const struct bpf_state *state)
{
	struct bpf_value base = state->reg[i->src];
	const struct ir_context_field *field;

	if (BPF_CLASS(i->code) != BPF_LDX || BPF_MODE(i->code) != BPF_MEM ||
	    base.kind != BPF_VALUE_CONTEXT || !base.known)
		return NULL;
	field = ir_context_field_at(a->kind, bpf_access_at(base, i), bpf_access_bytes(i));
	return field && field->kind == IR_CONTEXT_POINTER &&
		       field->offset == bpf_access_at(base, i) &&
		       field->bytes == bpf_access_bytes(i)
		   ? field
		   : NULL;
}

static enum bpf_kind pointer_kind(const struct ir_context_field *field)
{
	static const struct {
		const char *name;
		enum bpf_kind kind;
	} kinds[] = {{"cleave.pkt.data", BPF_VALUE_PACKET},
		     {"cleave.pkt.data_meta", BPF_VALUE_PACKET_META},
		     {"cleave.pkt.data_end", BPF_VALUE_PACKET_END}};

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		if (!strcmp(field->read, kinds[k].name))
			return kinds[k].kind;
	return BPF_VALUE_KERNEL;
}

/* ---- the stack ---- */

struct bpf_value *bpf_frame_slots(const struct bpf_analysis *a, int instance,
				  struct bpf_state *state, struct bpf_value base)
{
	int at = instance;

	if (base.kind != BPF_VALUE_FRAME || !base.known || base.index < 0)
		return NULL;
	while (at >= 0 && at != base.index)
		at = a->instances[at].parent;
	return at < 0 ? NULL : state->slots[a->instances[at].depth];
}

static bool in_slots(int64_t from, int64_t bytes)
{
	return from >= -8 * BPF_SLOTS && bytes <= 8 * BPF_SLOTS && from + bytes <= 0;
}

static struct bpf_value any_of(unsigned bytes)
{
	return bytes < 4 ? bpf_value_up_to((1ull << 8 * bytes) - 1) : BPF_ANY_NUMBER;
}

static struct bpf_value load_slot(const struct bpf_value *slots, int64_t offset, unsigned bytes)
{
	if (bytes == 8 && offset % 8 == 0 && in_slots(offset, 8))
		return slots[-offset / 8 - 1];
	return any_of(bytes);
}

/* Bytes [from, from + bytes) hold numbers now. */
static void spoil_slots(struct bpf_value *slots, int64_t from, int64_t bytes)
{
	if (!in_slots(from, bytes))
		return;
	for (int64_t slot = (-from - 1) / 8; slot >= 0 && -8 * (slot + 1) < from + bytes; slot--)
		slots[slot] = BPF_ANY_NUMBER;
}

static void blur_slots(struct bpf_value *slots, int64_t from, int64_t to)
{
	for (int64_t s = 0; s < BPF_SLOTS; s++) {
		if (-8 * s <= from || -8 * (s + 1) >= to)
			continue;
		if (slots[s].kind <= BPF_VALUE_NUMBER)
			slots[s] = BPF_ANY_NUMBER;
		else
			slots[s].blurred = true;
	}
}

/*
 * Somebody may have written numbers somewhere in the memory that a pointer points into, as many
 * bytes from there on (-1: who knows). A slot with a pointer keeps it: the verifier lets nobody use
 * it as one that may have been overwritten.
 */
static void blur(const struct bpf_analysis *a, int instance, struct bpf_state *state,
		 struct bpf_value pointer, int16_t offset, int64_t bytes)
{
	struct bpf_value base = bpf_value_in_frames(pointer);
	bool one = base.kind == BPF_VALUE_FRAME && base.index >= 0;
	bool near = one && bpf_value_is_near(base);
	int64_t from = near ? base.number + offset : -8 * BPF_SLOTS;
	int64_t to = near && bytes >= 0 ? from + base.span + bytes : 0;

	if (base.kind != BPF_VALUE_FRAME && base.kind < BPF_VALUE_POINTER)
		return;
	for (int at = instance; at >= 0; at = a->instances[at].parent)
		if (!one || at == base.index)
			blur_slots(state->slots[a->instances[at].depth], from, to);
}

static void store(const struct bpf_analysis *a, int instance, struct bpf_state *state,
		  const struct bpf_instruction *i, struct bpf_value value)
{
	struct bpf_value base = state->reg[i->dst];
	struct bpf_value *slots = bpf_frame_slots(a, instance, state, base);
	int64_t at = bpf_access_at(base, i);
	unsigned bytes = bpf_access_bytes(i);

	if (!slots)
		blur(a, instance, state, base, i->offset, bytes);
	else if (bytes == 8 && at % 8 == 0 && in_slots(at, 8))
		slots[-at / 8 - 1] = value;
	else
		spoil_slots(slots, at, bytes);
}

struct bpf_value bpf_loaded_value(const struct bpf_analysis *a, int instance,
				  struct bpf_state *state, const struct bpf_instruction *i)
{
	struct bpf_value base = state->reg[i->src];
	const struct bpf_value *slots = bpf_frame_slots(a, instance, state, base);
	const struct ir_context_field *field = bpf_loaded_pointer(a, i, state);

	if (BPF_MODE(i->code) == BPF_MEMSX)
		return BPF_ANY_NUMBER;
	if (field)
		return (struct bpf_value){.kind = (uint8_t)pointer_kind(field), .known = true};
	return slots ? load_slot(slots, bpf_access_at(base, i), bpf_access_bytes(i))
		     : any_of(bpf_access_bytes(i));
}

/* ---- the classes of instructions ---- */

static void step_arithmetic(struct bpf_state *state, const struct bpf_instruction *i)
{
	bool wide = BPF_CLASS(i->code) == BPF_ALU64;
	struct bpf_value *dst = &state->reg[i->dst];

	switch (BPF_OP(i->code)) {
	case BPF_END:
	case BPF_NEG:
		*dst = BPF_ANY_NUMBER;
		break;
	case BPF_MOV:
	case BPF_DIV:
	case BPF_MOD:
		if (i->offset) { /* with sign extension, or of signed numbers */
			*dst = BPF_ANY_NUMBER;
			break;
		}
		/* fallthrough */
	default:
		*dst = bpf_value_compute(BPF_OP(i->code), wide, *dst, bpf_operand(i, state));
	}
}

static struct bpf_value load_wide(const struct bpf_analysis *a, const struct bpf_instruction *i)
{
	const struct bpf_reference *r = &i->reference;

	switch (r->kind) {
	case BPF_REFERENCE_MAP:
		return BPF_KNOWN(BPF_VALUE_MAP, r->index, 0);
	case BPF_REFERENCE_DATA:
		return BPF_KNOWN(BPF_VALUE_DATA, r->index, r->offset);
	case BPF_REFERENCE_EXTERN:
		return (struct bpf_value){.kind = BPF_VALUE_DATA, .index = -1};
	case BPF_REFERENCE_CODE:
		return BPF_KNOWN(BPF_VALUE_CODE, r->index, r->offset);
	default:
		return r->kind == BPF_REFERENCE_NONE ? BPF_KNOWN(BPF_VALUE_NUMBER, 0, i->wide)
						     : BPF_ANY_NUMBER;
	}
}

static void step_atomic(const struct bpf_analysis *a, int instance, struct bpf_state *state,
			const struct bpf_instruction *i)
{
	store(a, instance, state, i, BPF_ANY_NUMBER);
	if (i->imm == BPF_CMPXCHG)
		state->reg[0] = BPF_ANY_NUMBER;
	else if (i->imm & BPF_FETCH)
		state->reg[i->src] = BPF_ANY_NUMBER;
}

/*
 * The bytes of a key or value of the map that the helper works on, or -1. Of a map that was chosen
 * on the way, those of the largest that it may be.
 */
static int64_t map_bytes(const struct bpf_analysis *a, const struct bpf_state *state, bool of_key)
{
	const struct bpf_object *object = a->object;
	int64_t most = 0;
	unsigned r = 1;

	while (r <= IR_HELPER_ARGUMENTS_MAX && state->reg[r].kind != BPF_VALUE_MAP)
		r++;
	if (r > IR_HELPER_ARGUMENTS_MAX)
		return -1;
	for (size_t m = 0; m < object->map_count; m++) {
		const struct bpf_map_symbol *map = &object->maps[m];
		int64_t size = of_key ? map->key_size : map->value_size;

		if ((state->reg[r].index < 0 || state->reg[r].index == (int)m) && size > most)
			most = size;
	}
	return most ? most : -1;
}

static int64_t helper_bytes(const struct bpf_analysis *a, const struct bpf_state *state, int bytes,
			    uint32_t next)
{
	switch (bytes) {
	case IR_EXTENT_NEXT:
		return next < BPF_OFFSET_MAX ? (int64_t)next : -1;
	case IR_EXTENT_KEY:
		return map_bytes(a, state, true);
	case IR_EXTENT_VALUE:
		return map_bytes(a, state, false);
	default:
		return bytes > 0 ? bytes : -1;
	}
}

/* The type behind the pointer says how much, or the next argument does, or both mean something else
 * than it seems: the larger. */
static struct bpf_argument kfunc_argument(const struct bpf_types *types,
					  const struct btf_type *prototype, unsigned n,
					  uint32_t next)
{
	struct bpf_argument argument = {.used = n < bpf_kfunc_count(prototype), .bytes = -1};
	uint64_t bytes;

	if (!argument.used || !bpf_type_is_pointer(types, bpf_kfunc_argument(prototype, n)))
		return argument;
	argument.reads = argument.writes = true;
	bytes = bpf_type_pointee_bytes(types, bpf_kfunc_argument(prototype, n));
	if (n + 1 < bpf_kfunc_count(prototype) && next < BPF_OFFSET_MAX && next > bytes &&
	    !bpf_type_is_pointer(types, bpf_kfunc_argument(prototype, n + 1)))
		bytes = next;
	if (bytes && bytes < BPF_OFFSET_MAX)
		argument.bytes = (int64_t)bytes;
	return argument;
}

static const struct btf_type *called_kfunc(const struct bpf_analysis *a,
					   const struct bpf_instruction *i)
{
	return i->reference.kind == BPF_REFERENCE_EXTERN
		   ? bpf_kfunc_prototype(&a->object->types, i->reference.name)
		   : NULL;
}

struct bpf_argument bpf_argument_of(const struct bpf_analysis *a, const struct bpf_state *state,
				    const struct bpf_instruction *i, unsigned n)
{
	const struct ir_helper *helper = i->src ? NULL : ir_helper_by_number(i->imm);
	const struct btf_type *kfunc = called_kfunc(a, i);
	uint32_t next =
	    n + 1 < IR_HELPER_ARGUMENTS_MAX ? bpf_value_bound(state->reg[n + 2]) : BPF_NO_BOUND;
	struct ir_argument_memory memory;

	if (kfunc)
		return kfunc_argument(&a->object->types, kfunc, n, next);
	if (!helper)
		return (struct bpf_argument){true, true, true, -1};
	memory = ir_argument_memory(helper->arguments[n]);
	return (struct bpf_argument){helper->arguments[n] != IR_ARGUMENT_NO, memory.reads,
				     memory.writes, helper_bytes(a, state, memory.bytes, next)};
}

/* Numbers, where a helper writes into a frame. */
static void spoil_argument(const struct bpf_analysis *a, int instance, struct bpf_state *state,
			   const struct bpf_instruction *i, unsigned n)
{
	struct bpf_value pointer = state->reg[n + 1];
	struct bpf_value *slots = bpf_frame_slots(a, instance, state, pointer);
	struct bpf_argument argument = bpf_argument_of(a, state, i, n);

	if (!argument.writes)
		return;
	if (slots && argument.bytes >= 0 && in_slots(pointer.number, argument.bytes))
		spoil_slots(slots, pointer.number, argument.bytes);
	else
		blur(a, instance, state, pointer, 0, argument.bytes);
}

static struct bpf_value helper_result(const struct ir_helper *helper, struct bpf_value map)
{
	switch (helper ? helper->returns : IR_RETURNS_NUMBER) {
	case IR_RETURNS_VALUE:
		return BPF_KNOWN(BPF_VALUE_MAP_VALUE, map.kind == BPF_VALUE_MAP ? map.index : -1,
				 0);
	case IR_RETURNS_SOCKET:
	case IR_RETURNS_RECORD:
	case IR_RETURNS_KERNEL:
		return BPF_KNOWN(BPF_VALUE_KERNEL, 0, 0);
	case IR_RETURNS_NOTHING:
		return nothing;
	default:
		return BPF_ANY_NUMBER;
	}
}

static struct bpf_value kfunc_result(const struct bpf_types *types,
				     const struct btf_type *prototype)
{
	if (bpf_type_is_pointer(types, prototype->type))
		return BPF_KNOWN(BPF_VALUE_KERNEL, 0, 0);
	return prototype->type ? BPF_ANY_NUMBER : nothing;
}

static void step_helper(const struct bpf_analysis *a, int instance, struct bpf_state *state,
			const struct bpf_instruction *i)
{
	const struct ir_helper *helper = i->src ? NULL : ir_helper_by_number(i->imm);
	const struct btf_type *kfunc = called_kfunc(a, i);

	for (unsigned n = 0; n < IR_HELPER_ARGUMENTS_MAX; n++)
		spoil_argument(a, instance, state, i, n);
	state->reg[0] =
	    kfunc ? kfunc_result(&a->object->types, kfunc) : helper_result(helper, state->reg[1]);
	for (unsigned r = 1; r <= 5; r++)
		state->reg[r] = nothing;
}

static void step_load(struct bpf_analysis *a, int instance, struct bpf_state *state,
		      const struct bpf_instruction *i)
{
	if (i->code == (BPF_LD | BPF_DW | BPF_IMM)) {
		state->reg[i->dst] = load_wide(a, i);
	} else { /* of a socket buffer's bytes */
		state->reg[0] = BPF_ANY_NUMBER;
		for (unsigned r = 1; r <= 5; r++)
			state->reg[r] = nothing;
	}
}

static void step(struct bpf_analysis *a, int instance, struct bpf_state *state,
		 const struct bpf_instruction *i)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		step_arithmetic(state, i);
		break;
	case BPF_LD:
		step_load(a, instance, state, i);
		break;
	case BPF_LDX:
		state->reg[i->dst] = bpf_loaded_value(a, instance, state, i);
		state->reg[i->dst].blurred = false;
		break;
	case BPF_ST:
		store(a, instance, state, i, BPF_KNOWN(BPF_VALUE_NUMBER, 0, i->imm));
		break;
	case BPF_STX:
		if (BPF_MODE(i->code) == BPF_ATOMIC)
			step_atomic(a, instance, state, i);
		else
			store(a, instance, state, i, state->reg[i->src]);
		break;
	default:
		if (i->code == (BPF_JMP | BPF_CALL) && !bpf_enters_function(i))
			step_helper(a, instance, state, i);
	}
}

/* Whoever writes the frame pointer is refused when the function is made. */
void bpf_step(struct bpf_analysis *a, int instance, struct bpf_state *state, uint32_t at)
{
	const struct bpf_instruction *i = bpf_at(a, instance, at);
	struct bpf_value frame = state->reg[BPF_FRAME_REGISTER];

	if (i->second || i->dst >= BPF_REGISTERS || i->src >= BPF_REGISTERS)
		return;
	step(a, instance, state, i);
	state->reg[BPF_FRAME_REGISTER] = frame;
}
