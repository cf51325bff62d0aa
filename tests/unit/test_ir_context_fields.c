/* Fields of contexts, kinds of sections, and helpers that one kind of program may call. */
#include "ir/context_fields.h"
#include "ir/helpers.h"

#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_fields(void **state)
{
	const struct ir_context_field *f =
	    ir_context_field_at(IR_PROGRAM_TC, offsetof(struct __sk_buff, cb[2]) + 2, 2);
	bool writes;

	assert_string_equal(f->name, "cb2");
	assert_ptr_equal(ir_context_field_of(IR_PROGRAM_TC, "cleave.skb.set.cb2", &writes), f);
	assert_true(writes);
	assert_ptr_equal(ir_context_field_of(IR_PROGRAM_TC, "cleave.skb.cb2", &writes), f);
	assert_false(writes);
	assert_int_equal(ir_context_field_of(IR_PROGRAM_TC, "cleave.skb.tstamp", &writes)->bytes,
			 8);
	assert_null(ir_context_field_of(IR_PROGRAM_TC, "cleave.skb.set.len", &writes));
	assert_null(ir_context_field_of(IR_PROGRAM_XDP, "cleave.skb.mark", &writes));
	assert_non_null(ir_context_field_of(IR_PROGRAM_XDP, "cleave.pkt.data_end", &writes));
	assert_null(ir_context_field_at(IR_PROGRAM_XDP, sizeof(struct xdp_md), 4));
	/* two fields at once */
	assert_null(ir_context_field_at(IR_PROGRAM_TC, offsetof(struct __sk_buff, cb), 8));
}

static void test_sections(void **state)
{
	static const char *const tc[] = {"tc",         "tc/ingress", "tcx/egress",
					 "classifier", "action",     "classifier/nat"};
	enum ir_program_kind kind;

	for (size_t i = 0; i < sizeof tc / sizeof *tc; i++) {
		assert_true(ir_section_kind(tc[i], &kind));
		assert_int_equal(kind, IR_PROGRAM_TC);
	}
	assert_true(ir_section_kind("xdp.frags", &kind));
	assert_int_equal(kind, IR_PROGRAM_XDP);
	assert_false(ir_section_kind("xdp/devmap", &kind));
	assert_false(ir_section_kind("tcp_congestion", &kind));
	assert_false(ir_section_kind("socket", &kind));
	assert_false(ir_section_kind(NULL, &kind));
}

static void expect_helper(long number, bool xdp, bool tc)
{
	const struct ir_helper *helper = ir_helper_by_number(number);

	assert_int_equal(ir_helper_allows(helper, IR_PROGRAM_XDP), xdp);
	assert_int_equal(ir_helper_allows(helper, IR_PROGRAM_TC), tc);
	assert_int_equal(ir_foreign_helper_name(IR_PROGRAM_XDP, number) == NULL, xdp);
	assert_int_equal(ir_foreign_helper_name(IR_PROGRAM_TC, number) == NULL, tc);
}

static void test_helpers(void **state)
{
	expect_helper(BPF_FUNC_map_lookup_elem, true, true);
	expect_helper(BPF_FUNC_redirect, true, true);
	expect_helper(BPF_FUNC_redirect_map, true, false);
	expect_helper(BPF_FUNC_xdp_adjust_head, true, false);
	expect_helper(BPF_FUNC_skb_store_bytes, false, true);
	expect_helper(BPF_FUNC_skb_set_tstamp, false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_sections),
	    cmocka_unit_test(test_helpers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
