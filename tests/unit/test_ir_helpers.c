/* The helper table by number, by name and by the intrinsic that stands for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/bpf.h>

#include "ir/helpers.h"
#include "support/arena.h"

static void test_by_number(void **state)
{
	const struct ir_helper *helper = ir_helper_by_number(BPF_FUNC_fib_lookup);

	assert_string_equal(helper->name, "fib_lookup");
	assert_int_equal(helper->layers, 1 << IR_LAYER_KERNEL | 1 << IR_LAYER_USER);
	assert_true(helper->supported);
	assert_int_equal(helper->since, 4 << 8 | 18);
	assert_null(ir_helper_by_number(0));
	assert_null(ir_helper_by_number(-1));
	assert_null(ir_helper_by_number(100000));
}

static void test_by_name(void **state)
{
	assert_int_equal(ir_helper_by_name("csum_diff")->number, BPF_FUNC_csum_diff);
	assert_null(ir_helper_by_name("csum_dif"));
	assert_null(ir_helper_by_name("bpf_csum_diff"));
	assert_false(ir_helper_by_name("kptr_xchg")->supported);
}

/* Every helper is found again by its intrinsic, with and without a suffix for another type. */
static void test_by_intrinsic(void **state)
{
	struct arena *arena = arena_new();
	unsigned count = 0;

	for (int number = 0; number < 1000; number++) {
		const struct ir_helper *helper = ir_helper_by_number(number);
		const char *name;

		if (!helper)
			continue;
		count++;
		name = ir_helper_intrinsic(arena, helper);
		assert_ptr_equal(ir_helper_by_intrinsic(name), helper);
		assert_ptr_equal(ir_helper_by_name(helper->name), helper);
		if (helper->number > 3)
			assert_ptr_equal(ir_helper_by_intrinsic(arena_printf(arena, "%s.2", name)),
					 helper);
		assert_true(helper->layers & 1 << IR_LAYER_KERNEL);
	}
	assert_true(count > 70);
	assert_string_equal(ir_helper_intrinsic(arena, ir_helper_by_number(1)),
			    "cleave.map.lookup");
	assert_null(ir_helper_by_intrinsic("cleave.pkt.data"));
	assert_null(ir_helper_by_intrinsic("cleave.help."));
	assert_null(ir_helper_by_intrinsic("strlen"));
	arena_free(&arena);
}

/* Arguments by kind; sizes are numbers, or where to find one. */
static void test_signatures(void **state)
{
	const struct ir_helper *check = ir_helper_by_name("check_mtu");
	const struct ir_helper *load = ir_helper_by_name("xdp_load_bytes");
	struct ir_argument_memory memory = ir_argument_memory(check->arguments[2]);

	assert_int_equal(check->returns, IR_RETURNS_NUMBER);
	assert_int_equal(check->arguments[0], IR_ARGUMENT_CTX);
	assert_true(memory.reads && memory.writes);
	assert_int_equal(memory.bytes, 4);
	memory = ir_argument_memory(load->arguments[2]);
	assert_true(memory.writes && !memory.reads);
	assert_int_equal(memory.bytes, IR_EXTENT_NEXT);
	assert_int_equal(load->arguments[3], IR_ARGUMENT_SIZE);
	assert_int_equal(load->arguments[4], IR_ARGUMENT_NO);
	memory = ir_argument_memory(IR_ARGUMENT_SIZE);
	assert_false(memory.reads || memory.writes);
	assert_int_equal(ir_helper_by_name("sk_lookup_udp")->returns, IR_RETURNS_SOCKET);
}

/* "The next argument" is one that says a size. */
static void test_sizes_follow(void **state)
{
	const struct ir_helper *helper;

	for (size_t i = 0; (helper = ir_helper_row(i)); i++)
		for (int a = 0; a < IR_HELPER_ARGUMENTS_MAX; a++) {
			bool next =
			    ir_argument_memory(helper->arguments[a]).bytes == IR_EXTENT_NEXT;

			if (next)
				assert_true(a + 1 < IR_HELPER_ARGUMENTS_MAX &&
					    helper->arguments[a + 1] == IR_ARGUMENT_SIZE);
		}
}

static void test_foreign(void **state)
{
	assert_string_equal(ir_foreign_helper_name(IR_PROGRAM_XDP, BPF_FUNC_skb_store_bytes),
			    "skb_store_bytes");
	assert_null(ir_foreign_helper_name(IR_PROGRAM_XDP, BPF_FUNC_fib_lookup));
	assert_null(ir_foreign_helper_name(IR_PROGRAM_XDP, 0));
	assert_null(ir_foreign_helper_name(IR_PROGRAM_XDP, -1));
	assert_null(ir_foreign_helper_name(IR_PROGRAM_XDP, 9999));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_by_number),    cmocka_unit_test(test_by_name),
	    cmocka_unit_test(test_by_intrinsic), cmocka_unit_test(test_signatures),
	    cmocka_unit_test(test_sizes_follow), cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
