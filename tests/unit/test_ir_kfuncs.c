/* The kernel's own functions by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ir/kfuncs.h"

static void test_by_name(void **state)
{
	const struct ir_kfunc *slice = ir_kfunc_by_name("bpf_dynptr_slice");

	assert_non_null(slice);
	assert_string_equal(slice->name, "bpf_dynptr_slice");
	assert_int_equal(slice->since, 6 << 8 | 4);
	assert_null(slice->refusal);
	assert_non_null(ir_kfunc_by_name("bpf_xdp_metadata_rx_hash")->refusal);
	assert_null(ir_kfunc_by_name("bpf_dynptr_slic"));
	assert_null(ir_kfunc_by_name(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_name)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
