#include "frontend/bpf_values.h"

#include <linux/bpf.h>
#include <string.h>

size_t bpf_state_bytes(unsigned depth)
{
	return sizeof(struct bpf_state) + (depth + 1) * sizeof(struct bpf_value[BPF_SLOTS]);
}

static bool same(struct bpf_value a, struct bpf_value b)
{
	return a.kind == b.kind && a.known == b.known && a.null == b.null &&
	       a.blurred == b.blurred && a.index == b.index && a.span == b.span &&
	       a.bounded == b.bounded && a.most == b.most && a.frame == b.frame &&
	       (!bpf_value_is_near(a) || a.number == b.number);
}

static bool is_null(struct bpf_value v)
{
	return bpf_value_is_constant(v) && v.number == 0;
}

static struct bpf_value join_numbers(struct bpf_value a, struct bpf_value b)
{
	uint32_t bound_a = bpf_value_bound(a), bound_b = bpf_value_bound(b);
	uint32_t most = bound_a > bound_b ? bound_a : bound_b;
	unsigned grown = (a.grown > b.grown ? a.grown : b.grown) + 1u;
	struct bpf_value joined;

	if (a.bounded && most == bound_a)
		return a;
	joined = bpf_value_up_to(grown > BPF_GROWTH_MAX ? BPF_NO_BOUND : most);
	joined.grown = joined.bounded ? (uint8_t)grown : 0;
	return joined;
}

/* Offsets into one frame: from the least to the greatest. */
static void join_offsets(struct bpf_value *joined, struct bpf_value a, struct bpf_value b)
{
	int64_t least = a.number < b.number ? a.number : b.number;
	int64_t last_a = a.number + a.span, last_b = b.number + b.span;
	int64_t last = last_a > last_b ? last_a : last_b;
	unsigned grown = (a.grown > b.grown ? a.grown : b.grown) + 1u;

	if (!bpf_value_is_near(a) || !bpf_value_is_near(b) || last - least > 8 * BPF_SLOTS)
		return;
	if (a.span && least == a.number && last == last_a)
		grown = a.grown;
	if (grown > BPF_GROWTH_MAX)
		return;
	joined->grown = (uint8_t)grown;
	joined->number = least;
	joined->span = (uint16_t)(last - least);
}

static struct bpf_value join_pointers(struct bpf_value a, struct bpf_value b);

struct bpf_value bpf_value_in_frames(struct bpf_value v)
{
	if (v.kind == BPF_VALUE_POINTER && v.frame == BPF_IN_ONE_FRAME)
		v.kind = BPF_VALUE_FRAME;
	else if (v.kind == BPF_VALUE_POINTER && v.frame == BPF_IN_NO_FRAME)
		v.kind = BPF_VALUE_NONE;
	else if (v.kind != BPF_VALUE_FRAME && v.kind < BPF_VALUE_POINTER)
		v.kind = BPF_VALUE_NONE;
	return v;
}

/* Into different memories. */
static struct bpf_value join_memories(struct bpf_value a, struct bpf_value b)
{
	struct bpf_value part_a = bpf_value_in_frames(a), part_b = bpf_value_in_frames(b), joined;
	bool anywhere = part_a.kind >= BPF_VALUE_POINTER || part_b.kind >= BPF_VALUE_POINTER;

	joined = part_a.kind == BPF_VALUE_NONE   ? part_b
		 : part_b.kind == BPF_VALUE_NONE ? part_a
		 : anywhere                      ? part_a
						 : join_pointers(part_a, part_b);
	anywhere |=
	    joined.kind == BPF_VALUE_FRAME && (joined.index < 0 || !bpf_value_is_near(joined));
	if (anywhere || joined.kind == BPF_VALUE_NONE)
		joined = (struct bpf_value){.frame = anywhere ? BPF_IN_ANY_FRAME : BPF_IN_NO_FRAME};
	else
		joined.frame = BPF_IN_ONE_FRAME;
	joined.kind = BPF_VALUE_POINTER;
	joined.null = a.null || b.null;
	joined.blurred = a.blurred || b.blurred;
	return joined;
}

static struct bpf_value join_pointers(struct bpf_value a, struct bpf_value b)
{
	struct bpf_value joined = {.kind = a.kind, .null = a.null || b.null, .index = a.index};

	if (a.kind != b.kind || a.kind == BPF_VALUE_POINTER)
		return join_memories(a, b);
	joined.blurred = a.blurred || b.blurred;
	if (a.index != b.index)
		joined.index = -1;
	else if (a.known && b.known && a.number == b.number)
		joined.known = true, joined.number = a.number;
	else if (a.kind == BPF_VALUE_FRAME)
		join_offsets(&joined, a, b);
	return joined;
}

static struct bpf_value join(struct bpf_value a, struct bpf_value b)
{
	if (a.kind == BPF_VALUE_NONE || same(a, b))
		return b;
	if (b.kind == BPF_VALUE_NONE)
		return a;
	if (a.kind == BPF_VALUE_NUMBER && b.kind == BPF_VALUE_NUMBER)
		return join_numbers(a, b);
	if (bpf_value_is_pointer(a) && bpf_value_is_pointer(b))
		return join_pointers(a, b);
	if (bpf_value_is_pointer(a) && is_null(b)) {
		a.null = true;
		return a;
	}
	if (bpf_value_is_pointer(b) && is_null(a)) {
		b.null = true;
		return b;
	}
	return (struct bpf_value){.kind = BPF_VALUE_MIXED};
}

bool bpf_value_join(struct bpf_value *into, struct bpf_value from)
{
	struct bpf_value joined = join(*into, from);
	bool changed = !same(joined, *into);

	*into = joined;
	return changed;
}

bool bpf_state_join(struct bpf_state *into, const struct bpf_state *from, unsigned depth)
{
	bool changed = false;

	for (size_t r = 0; r < BPF_REGISTERS; r++)
		changed |= bpf_value_join(&into->reg[r], from->reg[r]);
	for (unsigned d = 0; d <= depth; d++)
		for (size_t s = 0; s < BPF_SLOTS; s++)
			changed |= bpf_value_join(&into->slots[d][s], from->slots[d][s]);
	return changed;
}

/* On constants; false: not worked out. */
static bool compute_constant(uint8_t operation, uint64_t a, uint64_t b, unsigned bits,
			     uint64_t *result)
{
	switch (operation) {
	case BPF_ADD:
		*result = a + b;
		return true;
	case BPF_SUB:
		*result = a - b;
		return true;
	case BPF_MUL:
		*result = a * b;
		return true;
	case BPF_AND:
		*result = a & b;
		return true;
	case BPF_OR:
		*result = a | b;
		return true;
	case BPF_XOR:
		*result = a ^ b;
		return true;
	case BPF_LSH:
		*result = a << (b & (bits - 1));
		return true;
	case BPF_RSH:
		*result = (bits == 32 ? (uint32_t)a : a) >> (b & (bits - 1));
		return true;
	default:
		return false;
	}
}

static struct bpf_value compute_pointer(uint8_t operation, struct bpf_value pointer,
					struct bpf_value number)
{
	struct bpf_value result = pointer;

	int64_t distance =
	    operation == BPF_ADD ? number.number : (int64_t)(0 - (uint64_t)number.number);

	if (!number.known && operation == BPF_ADD &&
	    (pointer.kind == BPF_VALUE_FRAME || pointer.frame == BPF_IN_ONE_FRAME) &&
	    bpf_value_is_near(pointer) && pointer.span <= 8 * BPF_SLOTS &&
	    bpf_value_bound(number) <= 8u * BPF_SLOTS) {
		result.known = false;
		result.span = (uint16_t)(pointer.span + number.most);
		return result;
	}
	if (!number.known || !bpf_value_is_near(pointer) ||
	    __builtin_add_overflow(pointer.number, distance, &result.number) ||
	    result.number <= -BPF_OFFSET_MAX || result.number >= BPF_OFFSET_MAX) {
		result.known = false;
		result.span = 0;
		result.number = 0;
		if (result.frame == BPF_IN_ONE_FRAME) {
			result.frame = BPF_IN_ANY_FRAME;
			result.index = 0;
		}
	}
	return result;
}

struct bpf_value bpf_value_compute(uint8_t operation, bool wide, struct bpf_value left,
				   struct bpf_value right)
{
	struct bpf_value result = BPF_ANY_NUMBER;
	uint64_t number;

	if (operation == BPF_MOV) {
		if (wide)
			return right;
		if (bpf_value_is_constant(right))
			right.number = (uint32_t)right.number;
		else
			right = bpf_value_up_to(bpf_value_bound(right));
		return right;
	}
	if (wide && (operation == BPF_ADD || operation == BPF_SUB) &&
	    right.kind == BPF_VALUE_NUMBER && bpf_value_is_pointer(left))
		return compute_pointer(operation, left, right);
	if (wide && operation == BPF_ADD && left.kind == BPF_VALUE_NUMBER &&
	    bpf_value_is_pointer(right))
		return compute_pointer(operation, right, left);
	if (bpf_value_is_constant(left) && bpf_value_is_constant(right) &&
	    compute_constant(operation, (uint64_t)left.number, (uint64_t)right.number,
			     wide ? 64 : 32, &number)) {
		result.known = true;
		result.number = (int64_t)(wide ? number : (uint32_t)number);
		return result;
	}
	return bpf_value_compute_bound(operation, wide, left, right);
}

static bool holds(uint8_t operation, uint64_t a, uint64_t b, int64_t sa, int64_t sb)
{
	switch (operation) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return (a & b) != 0;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	default:
		return sa <= sb; /* BPF_JSLE */
	}
}

int bpf_value_compare(uint8_t operation, bool wide, struct bpf_value left, struct bpf_value right)
{
	uint64_t a = (uint64_t)left.number, b = (uint64_t)right.number;

	if (!bpf_value_is_constant(left) || !bpf_value_is_constant(right))
		return -1;
	if (wide)
		return holds(operation, a, b, (int64_t)a, (int64_t)b);
	return holds(operation, (uint32_t)a, (uint32_t)b, (int32_t)a, (int32_t)b);
}
