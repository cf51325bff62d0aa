/* What becomes of a kernel part that the kernel's verifier refuses. */
#include "fake_cleaved.h"

#include <errno.h>

static const char source[] =
    "#include <linux/bpf.h>\n"
    "#include <bpf/bpf_helpers.h>\n"
    "struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4);\n"
    "  __type(key, __u32); __type(value, __u64); } first SEC(\".maps\"), second SEC(\".maps\");\n"
    "SEC(\"xdp\") int nf(struct xdp_md *ctx)\n"
    "{\n"
    "	__u32 key = 1;\n"
    "	__u64 *value = bpf_map_lookup_elem(&first, &key);\n" /* 8 */
    "	if (!value)\n"
    "		return XDP_DROP;\n"
    "	*value += 1;\n"                                /* 11 */
    "	value = bpf_map_lookup_elem(&second, &key);\n" /* 12 */
    "	if (!value)\n"
    "		return XDP_ABORTED;\n"
    "	return *value > 7 ? XDP_PASS : XDP_TX;\n"
    "}\n"
    "char _license[] SEC(\"license\") = \"GPL\";\n";

static bool has_user_part(const struct fake_build *b)
{
	return bundle_find(b->c.bundle, BUNDLE_MEMBER_USER) != NULL;
}

static void build(struct fake_build *b, enum split_kind split)
{
	fake_source(b, source);
	b->c.split.kind = split;
	fake_run(b);
}

static void accepted_stays_as_it_is(void **state)
{
	struct fake_build b;

	build(&b, SPLIT_AUTO);
	assert_int_equal(b.err, 0);
	assert_int_equal(b.c.remedies, 0);
	assert_false(has_user_part(&b));
	assert_int_equal(fake_asked(), 1);
	fake_close(&b);
}

static void refused_moves_to_user(void **state)
{
	struct fake_build b;
	const struct ir_op *op;

	fake_answer("1", "nf.bpf.c\t12\tR1 is not what it seems");
	build(&b, SPLIT_AUTO);
	assert_int_equal(b.err, 0);
	assert_int_equal(b.c.remedies, 1);
	assert_int_equal(fake_asked(), 2); /* the remedy is asked about too */
	op = fake_op(&b, 12);
	assert_false(op->legal & 1 << IR_LAYER_KERNEL);
	assert_int_equal(op->missing[IR_LAYER_KERNEL].reason, IR_REASON_VERIFIER);
	assert_string_equal(op->missing[IR_LAYER_KERNEL].detail, "R1 is not what it seems");
	assert_true(fake_op(&b, 8)->legal & 1 << IR_LAYER_KERNEL);
	assert_true(has_user_part(&b));
	assert_true(b.c.bundle->cut_count > 0);
	/* what the verifier says of a part says nothing of the source */
	assert_true(b.c.bundle->kernel_can_run_source);
	fake_close(&b);
}

static void refused_again_and_again(void **state)
{
	struct fake_build b;

	fake_answer("1", "nf.bpf.c\t12\tno");
	fake_answer("1", "nf.bpf.c\t8\tnor this");
	build(&b, SPLIT_AUTO);
	assert_int_equal(b.err, 0);
	assert_int_equal(b.c.remedies, 2);
	assert_false(fake_op(&b, 8)->legal & 1 << IR_LAYER_KERNEL);
	assert_int_equal(fake_asked(), 3);
	fake_close(&b);
	/* the same line for ever: what comes before it, and then there is nothing left */
	for (int i = 0; i < 10; i++)
		fake_answer("1", "nf.bpf.c\t12\tstill no");
	build(&b, SPLIT_AUTO);
	assert_int_equal(b.err, -EINVAL);
	fake_expect(b.said,
		    "nf.bpf.c:12: error: the kernel's verifier refuses the kernel part here: "
		    "still no");
	assert_null(b.c.bundle);
	assert_false(fake_op(&b, 11)->legal & 1 << IR_LAYER_KERNEL);
	assert_false(fake_op(&b, 12)->legal & 1 << IR_LAYER_KERNEL);
	assert_in_range(fake_asked(), 2, 7);
	fake_close(&b);
}

/* Places that are none of the program's: the source as it is, for either CPU, and then user. */
static void user_where_the_place_is_unknown(void **state)
{
	static const char *const places[] = {"other.c\t12\tno", "f.bpf.c\t12\tno",
					     "nf.bpf.c\t3\tno", "\t0\tno"};
	struct fake_build b;

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		fake_answer("1", places[i]);
		fake_answer("1", "nf.bpf.c\t8\tnor that"); /* the same for another CPU */
		build(&b, SPLIT_AUTO);
		assert_int_equal(b.err, 0);
		assert_int_equal(b.c.remedies, 1);
		assert_true(has_user_part(&b));
		for (size_t o = 0; o < b.c.front.program->op_count; o++)
			assert_false(b.c.front.program->ops[o].legal & 1 << IR_LAYER_KERNEL);
		assert_int_equal(fake_asked(), 3);
		fake_close(&b);
		fake_answer("1", places[i]);
		fake_answer("1", places[i]);
		build(&b, SPLIT_KERNEL);
		assert_int_equal(b.err, -EINVAL);
		fake_expect(b.said, "the kernel's verifier refuses the kernel part here: no");
		fake_asked();
		fake_close(&b);
	}
}

/* Where nothing can move, the source as it is has another chance: as code for the CPU v1. */
static void refused_for_one_cpu(void **state)
{
	struct fake_build b;

	fake_answer("1", "other.c\t12\ttoo large");
	build(&b, SPLIT_AUTO);
	assert_int_equal(b.err, 0);
	assert_true(b.c.first_cpu);
	assert_int_equal(b.c.plan->cut_count, 0);
	assert_int_equal(fake_asked(), 2);
	fake_close(&b);
}

static void all_in_the_kernel_is_meant(void **state)
{
	struct fake_build b;

	fake_answer("1", "nf.bpf.c\t12\tno");
	fake_answer("1", "nf.bpf.c\t12\tno");
	build(&b, SPLIT_KERNEL);
	assert_int_equal(b.err, -EINVAL);
	fake_expect(b.said, "nf.bpf.c:12: error: ");
	assert_true(fake_op(&b, 12)->legal & 1 << IR_LAYER_KERNEL);
	fake_asked();
	fake_close(&b);
}

/* Two objects on the stack, each of which the kernel has room for. */
static const char stack_source[] =
    "#include <linux/bpf.h>\n"
    "#include <bpf/bpf_helpers.h>\n"
    "SEC(\"xdp\") int nf(struct xdp_md *ctx)\n"
    "{\n"
    "	unsigned char first[300], second[300], *p = (void *)(long)ctx->data;\n"
    "	int sum = 0;\n"
    "	if (p + 14 > (unsigned char *)(long)ctx->data_end)\n"
    "		return XDP_DROP;\n"
    "#pragma clang loop unroll(disable)\n"
    "	for (int i = 0; i < 300; i++)\n"
    "		first[i] = i ^ p[i & 7];\n"
    "#pragma clang loop unroll(disable)\n"
    "	for (int i = 0; i < 300; i++)\n"
    "		second[i] = first[i * 7 % 300];\n" /* 14 */
    "#pragma clang loop unroll(disable)\n"
    "	for (int i = 0; i < 300; i += 3)\n"
    "		sum += second[i] ^ first[299 - i];\n"
    "	return sum & 1 ? XDP_PASS : XDP_TX;\n"
    "}\n"
    "char _license[] SEC(\"license\") = \"GPL\";\n";

static void too_much_stack_without_asking(void **state)
{
	struct fake_build b;
	bool big = false;

	fake_source(&b, stack_source);
	b.c.no_verify = true;
	fake_run(&b);
	assert_int_equal(b.err, 0);
	assert_int_equal(fake_asked(), 0);
	assert_true(b.c.remedies > 0);
	assert_true(has_user_part(&b));
	assert_false(b.c.parts[0].over_stack);
	for (size_t o = 0; o < b.c.front.program->op_count; o++)
		big |= b.c.front.program->ops[o].missing[IR_LAYER_KERNEL].reason ==
		       IR_REASON_BIG_STACK;
	assert_true(big);
	fake_close(&b);
	fake_source(&b, stack_source);
	b.c.no_verify = true;
	b.c.split.kind = SPLIT_KERNEL;
	fake_run(&b);
	assert_int_equal(b.err, -EINVAL);
	fake_expect(b.said, "error: the stack needs more than 512 bytes; a BPF program has 512");
	fake_close(&b);
}

static void the_kernel_knows_better_about_stacks(void **state)
{
	struct fake_build b;

	fake_source(&b, stack_source);
	fake_run(&b); /* accepted */
	assert_int_equal(b.err, 0);
	assert_int_equal(b.c.remedies, 0);
	assert_int_equal(fake_asked(), 1);
	assert_false(has_user_part(&b));
	fake_close(&b);
}

static void nobody_to_ask(void **state)
{
	static const char *const answers[][2] = {
	    {"3", "cleaved verify: error: run as root"}, /* no privilege */
	    {"1", "no tabs: not a refusal"},
	    {"70", "nf.bpf.c\t12\tno"}, /* a bug is no answer */
	    {"1", ""}};
	struct fake_build b;

	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		fake_answer(answers[i][0], answers[i][1]);
		build(&b, SPLIT_AUTO);
		assert_int_equal(b.err, 0);
		assert_int_equal(b.c.remedies, 0);
		assert_int_equal(fake_asked(), 1);
		assert_false(has_user_part(&b));
		fake_close(&b);
	}
	fake_answer("1", "nf.bpf.c\t12\tno");
	fake_source(&b, source);
	b.c.no_verify = true;
	fake_run(&b);
	assert_int_equal(b.err, 0);
	assert_int_equal(fake_asked(), 0);
	fake_close(&b);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(accepted_stays_as_it_is),
	    cmocka_unit_test(refused_moves_to_user),
	    cmocka_unit_test(refused_again_and_again),
	    cmocka_unit_test(user_where_the_place_is_unknown),
	    cmocka_unit_test(refused_for_one_cpu),
	    cmocka_unit_test(all_in_the_kernel_is_meant),
	    cmocka_unit_test(too_much_stack_without_asking),
	    cmocka_unit_test(the_kernel_knows_better_about_stacks),
	    cmocka_unit_test(nobody_to_ask),
	};

	fake_begin(argv);
	return fake_end(cmocka_run_group_tests_name("driver/verify_part", tests, NULL, NULL));
}
