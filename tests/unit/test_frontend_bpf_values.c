/* The lattice of the abstract interpretation, its arithmetic and its comparisons. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frontend/bpf_values.h"

static const struct bpf_value none = {.kind = BPF_VALUE_NONE};
static const struct bpf_value zero = BPF_KNOWN(BPF_VALUE_NUMBER, 0, 0);
static const struct bpf_value five = BPF_KNOWN(BPF_VALUE_NUMBER, 0, 5);
static const struct bpf_value packet = BPF_KNOWN(BPF_VALUE_PACKET, 0, 14);
static const struct bpf_value value = BPF_KNOWN(BPF_VALUE_MAP_VALUE, 2, 0);

static struct bpf_value join(struct bpf_value a, struct bpf_value b)
{
	bpf_value_join(&a, b);
	return a;
}

static void test_join(void **state)
{
	struct bpf_value farther = packet, same = packet;

	farther.number = 34;
	assert_int_equal(join(none, packet).kind, BPF_VALUE_PACKET);
	assert_int_equal(join(packet, none).kind, BPF_VALUE_PACKET);
	assert_true(join(none, five).known);
	assert_false(join(zero, five).known);
	assert_int_equal(join(zero, value).kind, BPF_VALUE_MAP_VALUE); /* or NULL */
	assert_int_equal(join(value, zero).index, 2);
	assert_true(join(value, zero).null);
	assert_true(join(zero, packet).null);
	assert_true(join(join(zero, packet), value).null); /* whatever it points to */
	assert_false(join(packet, farther).null);
	assert_int_equal(join(five, value).kind, BPF_VALUE_MIXED);
	assert_int_equal(join(packet, value).kind, BPF_VALUE_POINTER);
	assert_int_equal(join(packet, farther).kind, BPF_VALUE_PACKET);
	assert_false(join(packet, farther).known);
	assert_false(bpf_value_join(&same, packet)); /* nothing changed */
}

static void test_compute(void **state)
{
	struct bpf_value minus = BPF_KNOWN(BPF_VALUE_NUMBER, 0, -1), r;

	r = bpf_value_compute(BPF_ADD, true, packet, five);
	assert_int_equal(r.kind, BPF_VALUE_PACKET);
	assert_int_equal(r.number, 19);
	r = bpf_value_compute(BPF_ADD, true, five, packet);
	assert_int_equal(r.kind, BPF_VALUE_PACKET);
	r = bpf_value_compute(BPF_SUB, true, packet, packet);
	assert_int_equal(r.kind, BPF_VALUE_NUMBER);
	r = bpf_value_compute(BPF_ADD, false, packet, five); /* half of a pointer is none */
	assert_int_equal(r.kind, BPF_VALUE_NUMBER);
	r = bpf_value_compute(BPF_ADD, true, packet, BPF_KNOWN(BPF_VALUE_NUMBER, 0, INT64_MAX));
	assert_int_equal(r.kind, BPF_VALUE_PACKET);
	assert_false(r.known); /* nor anything else so far away */
	r = bpf_value_compute(BPF_SUB, true, packet, BPF_KNOWN(BPF_VALUE_NUMBER, 0, INT64_MIN));
	assert_false(r.known);
	r = bpf_value_compute(BPF_MOV, false, zero, minus);
	assert_int_equal(r.number, 0xffffffff);
	r = bpf_value_compute(BPF_RSH, false, minus, five);
	assert_int_equal(r.number, 0x07ffffff);
}

static struct bpf_value compute(uint8_t operation, bool wide, struct bpf_value a, int64_t n)
{
	return bpf_value_compute(operation, wide, a, BPF_KNOWN(BPF_VALUE_NUMBER, 0, n));
}

static void test_bounds(void **state)
{
	struct bpf_value any = BPF_ANY_NUMBER, byte = bpf_value_up_to(255), grows = five;

	assert_int_equal(bpf_value_bound(any), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound(packet), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound(five), 5);
	assert_int_equal(bpf_value_bound(compute(BPF_MOV, true, any, -1)), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound(compute(BPF_AND, true, any, 7)), 7);
	assert_int_equal(bpf_value_bound(compute(BPF_AND, true, any, -8)), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound(compute(BPF_AND, true, byte, -8)), 255);
	assert_int_equal(bpf_value_bound(compute(BPF_ADD, true, byte, 1)), 256);
	assert_int_equal(bpf_value_bound(compute(BPF_ADD, true, byte, -1)), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound(compute(BPF_SUB, true, byte, 1)), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound(compute(BPF_LSH, true, byte, 4)), 4080);
	assert_int_equal(bpf_value_bound(compute(BPF_LSH, true, byte, 31)), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound(compute(BPF_LSH, true, any, 1)), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound(compute(BPF_RSH, false, any, 24)), 255);
	assert_int_equal(bpf_value_bound(compute(BPF_RSH, true, any, 24)), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound(compute(BPF_MOD, true, any, 10)), 9);
	assert_int_equal(bpf_value_bound(compute(BPF_MOD, true, byte, 0)), 255);
	assert_int_equal(bpf_value_bound(compute(BPF_OR, true, byte, 256)), 511);
	assert_int_equal(bpf_value_bound(compute(BPF_MUL, true, byte, 10)), 2550);
	for (int n = 6; n < 12; n++)
		bpf_value_join(&grows, BPF_KNOWN(BPF_VALUE_NUMBER, 0, n));
	assert_int_equal(bpf_value_bound(grows), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound(join(five, byte)), 255);
	assert_int_equal(bpf_value_bound(join(byte, any)), BPF_NO_BOUND);
}

static void test_bounds_behind(void **state)
{
	struct bpf_value any = BPF_ANY_NUMBER, byte = bpf_value_up_to(255);

	assert_int_equal(bpf_value_bound_behind(BPF_JLT, true, true, any, five), 4);
	assert_int_equal(bpf_value_bound_behind(BPF_JGT, true, false, any, five), 5);
	assert_int_equal(bpf_value_bound_behind(BPF_JGE, true, false, any, byte), 254);
	assert_int_equal(bpf_value_bound_behind(BPF_JGT, true, true, any, five), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound_behind(BPF_JLT, true, false, any, five), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound_behind(BPF_JSLT, true, true, any, five), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound_behind(BPF_JLT, false, true, any, five), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound_behind(BPF_JLT, false, true, byte, five), 4);
	assert_int_equal(bpf_value_bound_behind(BPF_JLE, true, true, byte, byte), BPF_NO_BOUND);
	assert_int_equal(bpf_value_bound_behind(BPF_JLE, true, true, packet, five), BPF_NO_BOUND);
}

/* Places in a frame: one, one of several, anywhere. */
static void test_spans(void **state)
{
	struct bpf_value low = BPF_KNOWN(BPF_VALUE_FRAME, 0, -32), high = low, r = low;

	high.number = -16;
	assert_int_equal(join(low, high).number, -32);
	assert_int_equal(join(low, high).span, 16);
	assert_int_equal(join(high, low).span, 16);
	r = bpf_value_compute(BPF_ADD, true, low, bpf_value_up_to(7));
	assert_false(r.known);
	assert_int_equal(r.number, -32);
	assert_int_equal(r.span, 7);
	assert_int_equal(compute(BPF_ADD, true, r, 8).number, -24);
	assert_int_equal(compute(BPF_ADD, true, r, 8).span, 7);
	assert_true(bpf_value_is_near(r));
	assert_false(bpf_value_is_near(bpf_value_compute(BPF_ADD, true, r, BPF_ANY_NUMBER)));
	assert_false(bpf_value_is_near(bpf_value_compute(BPF_SUB, true, r, bpf_value_up_to(7))));
	for (int n = -24; n < 0; n += 4) {
		high.number = n;
		bpf_value_join(&r, high);
	}
	assert_false(bpf_value_is_near(r));
}

/* A place in a frame, or something else. */
static void test_frame_parts(void **state)
{
	struct bpf_value low = BPF_KNOWN(BPF_VALUE_FRAME, 1, -32), high = low, other = low, r;

	high.number = -16;
	other.index = 2;
	assert_int_equal(bpf_value_in_frames(packet).kind, BPF_VALUE_NONE);
	assert_int_equal(bpf_value_in_frames(join(packet, value)).kind, BPF_VALUE_NONE);
	assert_int_equal(bpf_value_in_frames(join(five, value)).kind, BPF_VALUE_MIXED);
	r = join(low, value);
	assert_int_equal(r.kind, BPF_VALUE_POINTER);
	r = bpf_value_in_frames(join(r, packet));
	assert_int_equal(r.kind, BPF_VALUE_FRAME);
	assert_int_equal(r.index, 1);
	assert_int_equal(r.number, -32);
	r = bpf_value_in_frames(compute(BPF_ADD, true, join(packet, join(value, low)), 8));
	assert_int_equal(r.number, -24);
	r = bpf_value_in_frames(join(join(low, value), high));
	assert_int_equal(r.number, -32);
	assert_int_equal(r.span, 16);
	r = bpf_value_in_frames(join(join(low, value), other));
	assert_int_equal(r.kind, BPF_VALUE_POINTER); /* anywhere */
	r = bpf_value_compute(BPF_ADD, true, join(low, value), BPF_ANY_NUMBER);
	assert_int_equal(bpf_value_in_frames(r).kind, BPF_VALUE_POINTER);
	r = bpf_value_compute(BPF_ADD, true, join(packet, value), BPF_ANY_NUMBER);
	assert_int_equal(bpf_value_in_frames(r).kind, BPF_VALUE_NONE);
}

static void test_compare(void **state)
{
	struct bpf_value minus = BPF_KNOWN(BPF_VALUE_NUMBER, 0, -1);

	assert_int_equal(bpf_value_compare(BPF_JGT, true, minus, five), 1);
	assert_int_equal(bpf_value_compare(BPF_JSGT, true, minus, five), 0);
	assert_int_equal(bpf_value_compare(BPF_JSGT, false, minus, five), 0);
	assert_int_equal(bpf_value_compare(BPF_JSET, true, zero, five), 0);
	assert_int_equal(bpf_value_compare(BPF_JEQ, true, packet, zero), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_join),    cmocka_unit_test(test_compute),
	    cmocka_unit_test(test_bounds),  cmocka_unit_test(test_bounds_behind),
	    cmocka_unit_test(test_spans),   cmocka_unit_test(test_frame_parts),
	    cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
