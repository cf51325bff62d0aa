/*
 * Pointers that a function keeps in slots of its frame which are not apart: a compiler gives one
 * place to a map's key and, elsewhere in the program, to a register that it spills. What the
 * interpretation says of a load is true whatever else lies there at other times: a load that yields
 * a pointer yields the last one that the function stored there. So beside the memory each such slot
 * has a variable for its pointers, and the memory has them only if somebody reads it as bytes.
 *
 * Not so where another function writes a pointer there, or a write at a computed place may have hit
 * the slot between: those go by the memory.
 */
#include "frontend/bpf_analysis.h"

#include <linux/bpf.h>

#include "ir/helpers.h"
#include "support/arena.h"

struct frame {
	struct bpf_instance *instance;
	struct bpf_value *slots;
};

static struct frame frame_at(struct bpf_analysis *a, int at, struct bpf_state *state)
{
	return (struct frame){&a->instances[at], state->slots[a->instances[at].depth]};
}

static int whole_slot(int instance, struct bpf_value base, const struct bpf_instruction *i)
{
	int64_t at = bpf_access_at(base, i);

	if (base.kind != BPF_VALUE_FRAME || !base.known || base.index != instance ||
	    BPF_MODE(i->code) != BPF_MEM || bpf_access_bytes(i) != 8 || at % 8 || at >= 0 ||
	    at < -8 * BPF_SLOTS)
		return -1;
	return (int)(-at / 8 - 1);
}

int bpf_spill_slot(const struct bpf_analysis *a, int instance, struct bpf_value base,
		   const struct bpf_instruction *i)
{
	int slot = whole_slot(instance, base, i);

	return slot < 0 || !a->instances[instance].spilled[slot] ? -1 : slot;
}

/*
 * Bytes [from, to) of a frame are read: pointers among them must be there. True: addresses of the
 * stack are, so that the reader may go on to other places.
 */
static bool read_frame(struct frame f, int64_t from, int64_t to)
{
	bool addresses = false;

	for (int64_t slot = 0; slot < BPF_SLOTS; slot++) {
		uint8_t kind = f.slots[slot].kind;

		if (-8 * slot <= from || -8 * (slot + 1) >= to || kind <= BPF_VALUE_NUMBER)
			continue;
		f.instance->pointers[slot] = true;
		addresses |= bpf_value_in_frames(f.slots[slot]).kind != BPF_VALUE_NONE;
	}
	return addresses;
}

/* Bytes are read (-1: who knows how many) from where `base` points to. True: as above. */
static bool read_memory(struct bpf_analysis *a, int instance, struct bpf_state *state,
			struct bpf_value pointer, int64_t from, int64_t bytes)
{
	struct bpf_value base = bpf_value_in_frames(pointer);
	bool addresses = false;

	if (base.kind != BPF_VALUE_FRAME && base.kind < BPF_VALUE_POINTER)
		return false;
	for (int at = instance; at >= 0; at = a->instances[at].parent) {
		bool here = base.kind == BPF_VALUE_FRAME && base.index == at;

		if (here && bpf_value_is_near(base))
			addresses |= read_frame(frame_at(a, at, state), from,
						bytes < 0 ? 0 : from + base.span + bytes);
		else if (here || base.kind != BPF_VALUE_FRAME || base.index < 0)
			addresses |= read_frame(frame_at(a, at, state), -8 * BPF_SLOTS, 0);
	}
	return addresses;
}

static void see_helper(struct bpf_analysis *a, int instance, struct bpf_state *state,
		       const struct bpf_instruction *i)
{
	const struct bpf_value anywhere = {.kind = BPF_VALUE_POINTER};

	for (unsigned n = 0; n < IR_HELPER_ARGUMENTS_MAX; n++) {
		struct bpf_argument argument = bpf_argument_of(a, state, i, n);
		struct bpf_value pointer = state->reg[n + 1];

		if (argument.reads &&
		    read_memory(a, instance, state, pointer, pointer.number, argument.bytes))
			read_memory(a, instance, state, anywhere, 0, -1);
	}
}

static void see_load(struct bpf_analysis *a, int instance, struct bpf_state *state,
		     const struct bpf_instruction *i)
{
	struct bpf_value base = state->reg[i->src];
	struct bpf_value loaded = bpf_loaded_value(a, instance, state, i);
	int slot = whole_slot(instance, base, i);

	if (slot >= 0 && bpf_value_is_pointer(loaded) && !loaded.blurred)
		a->instances[instance].spilled[slot] = true;
	else
		read_memory(a, instance, state, base, bpf_access_at(base, i), bpf_access_bytes(i));
}

/* Another function's store of what may come back as a pointer. */
static void see_store(struct bpf_analysis *a, int instance, struct bpf_state *state,
		      const struct bpf_instruction *i, bool *others)
{
	struct bpf_value base = state->reg[i->dst];
	int slot = base.kind == BPF_VALUE_FRAME && base.index != instance
		       ? whole_slot(base.index, base, i)
		       : -1;

	if (slot >= 0)
		others[(size_t)base.index * BPF_SLOTS + (size_t)slot] = true;
}

static void see(struct bpf_analysis *a, int instance, struct bpf_state *state, uint32_t at,
		void *argument)
{
	const struct bpf_instruction *i = bpf_at(a, instance, at);

	if (i->second || i->dst >= BPF_REGISTERS || i->src >= BPF_REGISTERS)
		return;
	switch (BPF_CLASS(i->code)) {
	case BPF_LDX:
		see_load(a, instance, state, i);
		break;
	case BPF_ST:
	case BPF_STX:
		see_store(a, instance, state, i, argument);
		if (BPF_MODE(i->code) != BPF_MEM)
			read_memory(a, instance, state, state->reg[i->dst],
				    bpf_access_at(state->reg[i->dst], i), bpf_access_bytes(i));
		break;
	default:
		if (i->code == (BPF_JMP | BPF_CALL) && !bpf_enters_function(i))
			see_helper(a, instance, state, i);
	}
}

void bpf_find_spills(struct bpf_analysis *a)
{
	bool *others = arena_array(a->object->arena, a->instance_count * BPF_SLOTS, sizeof *others);

	for (int n = 0; n < (int)a->instance_count; n++)
		bpf_each_instruction(a, n, see, others);
	for (size_t n = 0; n < a->instance_count; n++)
		for (size_t s = 0; s < BPF_SLOTS; s++)
			if (others[n * BPF_SLOTS + s]) {
				a->instances[n].pointers[s] |= a->instances[n].spilled[s];
				a->instances[n].spilled[s] = false;
			}
}
