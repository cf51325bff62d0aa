/* Verdicts of both kinds of programs in words and as cells. */
#include "runtime/verdict_text.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_xdp(void **state)
{
	assert_string_equal(verdict_text(false, XDP_TX), "XDP_TX");
	assert_string_equal(verdict_text(false, 5), "an unknown verdict");
	assert_int_equal(verdict_cell_of(false, 77), verdict_cell_count(false) - 1);
	assert_string_equal(verdict_cell_text(false, 5), "other");
	assert_true(verdict_redirects(false, XDP_REDIRECT));
	assert_true(verdict_goes_on(false, XDP_PASS));
	assert_false(verdict_goes_on(false, XDP_DROP));
}

static void test_tc(void **state)
{
	assert_string_equal(verdict_text(true, (uint32_t)TC_ACT_UNSPEC), "TC_ACT_UNSPEC");
	assert_string_equal(verdict_text(true, TC_ACT_SHOT), "TC_ACT_SHOT");
	assert_string_equal(verdict_text(true, TC_ACT_TRAP + 1), "an unknown verdict");
	assert_int_not_equal(verdict_cell_of(true, (uint32_t)TC_ACT_UNSPEC),
			     verdict_cell_of(true, TC_ACT_TRAP + 1));
	assert_true(verdict_redirects(true, TC_ACT_REDIRECT));
	assert_false(verdict_redirects(true, XDP_REDIRECT));
	assert_true(verdict_goes_on(true, (uint32_t)TC_ACT_UNSPEC));
	assert_false(verdict_goes_on(true, TC_ACT_STOLEN));
}

static void test_cells_are_distinct(void **state)
{
	for (unsigned kind = 0; kind < 2; kind++)
		for (unsigned a = 0; a < verdict_cell_count(kind); a++)
			for (unsigned b = 0; b < a; b++)
				assert_string_not_equal(verdict_cell_text(kind, a),
							verdict_cell_text(kind, b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_xdp),
	    cmocka_unit_test(test_tc),
	    cmocka_unit_test(test_cells_are_distinct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
