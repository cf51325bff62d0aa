/*
 * Upper bounds of numbers, as far as a register's last instruction and the branches on it say: what
 * the length of a helper's buffer and the index into an array on the stack are known by. A number
 * without a bound is never wrong.
 */
#include <linux/bpf.h>

#include "frontend/bpf_values.h"

uint32_t bpf_value_bound(struct bpf_value v)
{
	if (v.kind != BPF_VALUE_NUMBER)
		return BPF_NO_BOUND;
	if (v.known)
		return v.number >= 0 && v.number < BPF_NO_BOUND ? (uint32_t)v.number : BPF_NO_BOUND;
	return v.bounded ? v.most : BPF_NO_BOUND;
}

struct bpf_value bpf_value_up_to(uint64_t most)
{
	struct bpf_value v = BPF_ANY_NUMBER;

	v.bounded = most < BPF_NO_BOUND;
	v.most = v.bounded ? (uint32_t)most : 0;
	return v;
}

static uint64_t bits_up_to(uint32_t most)
{
	uint64_t all = 0;

	while (all < most)
		all = all << 1 | 1;
	return all;
}

/* By a constant of any size. */
static struct bpf_value by_constant(uint8_t operation, uint64_t a, uint64_t n, unsigned bits)
{
	switch (operation) {
	case BPF_RSH:
		return bpf_value_up_to(a >> (n & (bits - 1)));
	case BPF_LSH:
		n &= bits - 1;
		return bpf_value_up_to(n < 32 ? a << n : UINT64_MAX);
	case BPF_DIV:
		return bpf_value_up_to(n ? a / n : 0);
	case BPF_MOD:
		return bpf_value_up_to(n && n - 1 < a ? n - 1 : a);
	default:
		return BPF_ANY_NUMBER;
	}
}

struct bpf_value bpf_value_compute_bound(uint8_t operation, bool wide, struct bpf_value left,
					 struct bpf_value right)
{
	uint32_t a = bpf_value_bound(left), b = bpf_value_bound(right);
	unsigned bits = wide ? 64 : 32;
	uint64_t all = wide ? UINT64_MAX : UINT32_MAX;
	bool both = a != BPF_NO_BOUND && b != BPF_NO_BOUND;

	if (left.kind != BPF_VALUE_NUMBER || right.kind != BPF_VALUE_NUMBER)
		return BPF_ANY_NUMBER;
	switch (operation) {
	case BPF_AND:
		return bpf_value_up_to(a < b ? a : b);
	case BPF_ADD:
		return bpf_value_up_to(both ? (uint64_t)a + b : UINT64_MAX);
	case BPF_MUL:
		return bpf_value_up_to(both ? (uint64_t)a * b : UINT64_MAX);
	case BPF_OR:
	case BPF_XOR:
		return bpf_value_up_to(both ? bits_up_to(a > b ? a : b) : UINT64_MAX);
	default:
		if (!bpf_value_is_constant(right) || right.number < 0)
			return BPF_ANY_NUMBER;
		return by_constant(operation, a == BPF_NO_BOUND ? all : a, (uint64_t)right.number,
				   bits);
	}
}

/* What a number is at most where `value op right` holds, or BPF_NO_BOUND. */
static uint32_t bound_if(uint8_t operation, uint32_t right)
{
	switch (operation) {
	case BPF_JLT:
		return right ? right - 1 : 0;
	case BPF_JLE:
	case BPF_JEQ:
		return right;
	default:
		return BPF_NO_BOUND;
	}
}

static uint8_t opposite(uint8_t operation)
{
	switch (operation) {
	case BPF_JGT:
		return BPF_JLE;
	case BPF_JGE:
		return BPF_JLT;
	case BPF_JNE:
		return BPF_JEQ;
	default:
		return BPF_JA;
	}
}

/* A comparison of the lower halves says nothing of a number that may be larger. */
uint32_t bpf_value_bound_behind(uint8_t operation, bool wide, bool holds, struct bpf_value left,
				struct bpf_value right)
{
	uint32_t now = bpf_value_bound(left), bound;

	if (left.kind != BPF_VALUE_NUMBER || left.known || bpf_value_bound(right) == BPF_NO_BOUND ||
	    (!wide && now == BPF_NO_BOUND))
		return BPF_NO_BOUND;
	bound = bound_if(holds ? operation : opposite(operation), bpf_value_bound(right));
	return bound < now ? bound : BPF_NO_BOUND;
}
