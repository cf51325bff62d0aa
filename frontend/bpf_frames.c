/*
 * How stack frames are used. A slot that only the function whose frame it is loads and stores, at
 * known offsets, is apart from all other memory: it becomes a pair of variables like a register's,
 * so that a pointer that was kept there and numbers that were, before or later, never meet. All
 * other bytes stay one object.
 */
#include "frontend/bpf_analysis.h"

#include <linux/bpf.h>
#include <string.h>

#include "ir/helpers.h"
#include "support/arena.h"

enum { HELD_DEPTH = 4 };

static void expose(struct bpf_analysis *a, struct bpf_value base, int64_t from, int64_t bytes)
{
	struct bpf_instance *i;

	if (base.kind != BPF_VALUE_FRAME)
		return;
	if (base.index < 0 || !bpf_value_is_near(base)) {
		a->frames_lost = true;
		return;
	}
	i = &a->instances[base.index];
	bytes += base.span;
	if (from < i->lowest)
		i->lowest = from;
	for (int64_t slot = 0; slot < BPF_SLOTS; slot++)
		if (-8 * slot > from && -8 * (slot + 1) < from + bytes)
			i->exposed[slot] = true;
}

/* From the address to its frame's end; addresses that nobody computes on purpose are far away. */
static int64_t bytes_behind(struct bpf_value address)
{
	int64_t n = address.number;

	return n >= 0 ? 0 : n < -INT32_MAX ? INT32_MAX : -n;
}

/*
 * Bytes go to who knows what to do, and with them the addresses that are kept there: who has those
 * may follow them, up to the end of their frame. Addresses that lie in a circle reach all.
 */
static void let_go(struct bpf_analysis *a, int instance, struct bpf_state *state,
		   struct bpf_value base, int64_t bytes, unsigned depth)
{
	struct bpf_value at = base, *slots;

	at.known = bpf_value_is_near(base);
	slots = bpf_frame_slots(a, instance, state, at);
	expose(a, base, base.number, bytes);
	bytes += base.span;
	for (int64_t slot = 0; slots && slot < BPF_SLOTS; slot++) {
		struct bpf_value held = bpf_value_in_frames(slots[slot]);

		if (-8 * slot <= base.number || -8 * (slot + 1) >= base.number + bytes)
			continue;
		if (held.kind >= BPF_VALUE_POINTER || (held.kind == BPF_VALUE_FRAME && !depth))
			a->frames_lost = true;
		else if (held.kind == BPF_VALUE_FRAME)
			let_go(a, instance, state, held, bytes_behind(held), depth - 1);
	}
}

/* From there to the frame's end. */
static void expose_behind(struct bpf_analysis *a, int instance, struct bpf_state *state,
			  struct bpf_value pointer)
{
	struct bpf_value base = bpf_value_in_frames(pointer);

	if (base.kind >= BPF_VALUE_POINTER)
		a->frames_lost = true;
	if (base.kind == BPF_VALUE_FRAME)
		let_go(a, instance, state, base, bytes_behind(base), HELD_DEPTH);
}

static bool plain_memory(const struct bpf_instruction *i)
{
	return BPF_MODE(i->code) == BPF_MEM;
}

/* The slot of the instance's own frame that an access stays in, or -1. */
static int own_slot(int instance, struct bpf_value base, const struct bpf_instruction *i)
{
	int64_t at, slot;

	if (base.kind != BPF_VALUE_FRAME || !base.known || base.index != instance ||
	    !plain_memory(i))
		return -1;
	at = bpf_access_at(base, i);
	slot = (-1 - at) / 8;
	if (at < -8 * BPF_SLOTS || at >= 0 || at + bpf_access_bytes(i) > -8 * slot)
		return -1;
	return (int)slot;
}

static void see_access(struct bpf_analysis *a, int instance, struct bpf_value base,
		       struct bpf_value loaded, const struct bpf_instruction *i)
{
	struct bpf_instance *info = &a->instances[instance];
	int slot = own_slot(instance, base, i);

	if (slot < 0) {
		base = bpf_value_in_frames(base);
		/* Which memory it is, only the register at run time says. */
		a->frames_lost |= base.kind >= BPF_VALUE_POINTER;
		expose(a, base, bpf_access_at(base, i), bpf_access_bytes(i));
		return;
	}
	info->used[slot] = true;
	info->mixed[slot] |= loaded.kind == BPF_VALUE_MIXED;
	if (bpf_access_at(base, i) < info->lowest)
		info->lowest = bpf_access_at(base, i);
}

static void see_helper(struct bpf_analysis *a, int instance, struct bpf_state *state,
		       const struct bpf_instruction *i)
{
	for (unsigned n = 0; n < IR_HELPER_ARGUMENTS_MAX; n++) {
		struct bpf_argument argument = bpf_argument_of(a, state, i, n);
		struct bpf_value pointer = bpf_value_in_frames(state->reg[n + 1]);

		if (!argument.used)
			continue;
		a->frames_lost |= pointer.kind >= BPF_VALUE_POINTER;
		if (argument.bytes >= 0)
			let_go(a, instance, state, pointer, argument.bytes, HELD_DEPTH);
		else
			expose_behind(a, instance, state, pointer);
	}
}

/* Is what a store writes seen again by who loads it? */
static bool keeps_address(const struct bpf_analysis *a, int instance, struct bpf_state *state,
			  const struct bpf_instruction *i)
{
	struct bpf_value to = state->reg[i->dst], stored = state->reg[i->src];

	if (bpf_value_in_frames(stored).kind == BPF_VALUE_NONE)
		return true;
	return bpf_frame_slots(a, instance, state, to) && plain_memory(i) &&
	       bpf_access_bytes(i) == 8 && bpf_access_at(to, i) % 8 == 0;
}

static void see(struct bpf_analysis *a, int instance, struct bpf_state *state, uint32_t at,
		void *unused)
{
	const struct bpf_instruction *i = bpf_at(a, instance, at);

	if (i->second || i->dst >= BPF_REGISTERS || i->src >= BPF_REGISTERS)
		return;
	switch (BPF_CLASS(i->code)) {
	case BPF_LDX:
		see_access(a, instance, state->reg[i->src], bpf_loaded_value(a, instance, state, i),
			   i);
		break;
	case BPF_STX:
		if (!keeps_address(a, instance, state, i)) /* the address leaves */
			expose_behind(a, instance, state, state->reg[i->src]);
		/* fallthrough */
	case BPF_ST:
		see_access(a, instance, state->reg[i->dst], BPF_ANY_NUMBER, i);
		break;
	case BPF_ALU:
	case BPF_ALU64:
		/* An address that becomes a number is out of sight. */
		if (BPF_SRC(i->code) == BPF_X && i->code != (BPF_ALU64 | BPF_MOV | BPF_X) &&
		    state->reg[i->src].kind == BPF_VALUE_FRAME)
			expose_behind(a, instance, state, state->reg[i->src]);
		break;
	default:
		if (i->code == (BPF_JMP | BPF_CALL) && !bpf_enters_function(i))
			see_helper(a, instance, state, i);
	}
}

void bpf_find_frames(struct bpf_analysis *a)
{
	for (int n = 0; n < (int)a->instance_count; n++)
		bpf_each_instruction(a, n, see, NULL);
}

int bpf_private_slot(const struct bpf_analysis *a, int instance, struct bpf_value base,
		     const struct bpf_instruction *i)
{
	int slot = own_slot(instance, base, i);

	return slot < 0 || a->frames_lost || a->instances[instance].exposed[slot] ? -1 : slot;
}
