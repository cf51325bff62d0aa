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
	    cmocka_unit_test(test_join),
	    cmocka_unit_test(test_compute),
	    cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
