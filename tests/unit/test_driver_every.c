/* A bundle for each legal cut; what one variant is refused does not reach the next. */
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
    "	value = bpf_map_lookup_elem(&second, &key);\n" /* 11 */
    "	return value && *value > 7 ? XDP_PASS : XDP_TX;\n"
    "}\n"
    "char _license[] SEC(\"license\") = \"GPL\";\n";

struct kept {
	unsigned count, with_user;
	int edges[64];
	int fail_at; /* the n-th is not taken; -1: all are */
};

static int keep(void *context, struct bundle *bundle, const char *name, struct diag *diag)
{
	struct kept *k = context;

	if ((int)k->count == k->fail_at)
		return -ENOSPC;
	assert_int_equal(sscanf(name, "edge-%d", &k->edges[k->count]), 1);
	assert_int_equal(atoi(bundle->split + strlen("edge:")), k->edges[k->count]);
	k->count++;
	k->with_user += bundle_find(bundle, BUNDLE_MEMBER_USER) != NULL;
	return 0;
}

static void begin(struct fake_build *b)
{
	fake_source(b, source);
	b->c.stop_after = "legal";
	fake_run(b);
	b->c.stop_after = NULL;
	assert_int_equal(b->err, 0);
}

static size_t count_cuts(struct fake_build *b)
{
	int *edges;

	return partitioner_legal_cuts(b->c.front.program, &b->c.target, &edges);
}

static void one_bundle_for_each_cut(void **state)
{
	struct kept k = {.fail_at = -1};
	struct fake_build b;

	begin(&b);
	b.c.no_verify = true;
	assert_int_equal(pipeline_every(&b.c, keep, &k), 0);
	assert_int_equal(k.count, count_cuts(&b));
	assert_true(k.count > 3);
	assert_int_equal(k.with_user, k.count);
	assert_int_equal(k.edges[0], 0); /* everything in user */
	for (unsigned i = 1; i < k.count; i++)
		assert_true(k.edges[i] > k.edges[i - 1]);
	fake_close(&b);
}

static void some_cuts_spread_evenly(void **state)
{
	struct kept k = {.fail_at = -1};
	struct fake_build b;
	int *edges;
	size_t legal;

	begin(&b);
	b.c.no_verify = true;
	legal = partitioner_legal_cuts(b.c.front.program, &b.c.target, &edges);
	b.c.cuts_max = 2;
	assert_int_equal(pipeline_every(&b.c, keep, &k), 0);
	assert_int_equal(k.count, 2);
	assert_int_equal(k.edges[0], edges[legal / 4]);
	assert_int_equal(k.edges[1], edges[3 * legal / 4]);
	fflush(b.diag.out);
	fake_expect(b.said, " 2 tried, 2 variants, ");
	fake_close(&b);
}

static void a_refusal_is_forgotten(void **state)
{
	struct kept k = {.fail_at = -1};
	struct fake_build b;
	size_t cuts;

	/* Of the first variant's kernel part; it is there as long as that variant is built. */
	fake_answer("1", "nf.bpf.c\t11\tno");
	begin(&b);
	cuts = count_cuts(&b);
	assert_int_equal(pipeline_every(&b.c, keep, &k), 0);
	assert_int_equal(b.c.remedies, 1);
	assert_true(fake_op(&b, 11)->legal & 1 << IR_LAYER_KERNEL);
	assert_int_equal(count_cuts(&b), cuts);
	assert_true(fake_asked() >= cuts);
	fake_close(&b);
}

static void what_cannot_be_kept_ends_it(void **state)
{
	struct kept k = {.fail_at = 2};
	struct fake_build b;

	begin(&b);
	b.c.no_verify = true;
	assert_int_equal(pipeline_every(&b.c, keep, &k), -ENOSPC);
	assert_int_equal(k.count, 2);
	fake_close(&b);
}

/* A cut for which there is no kernel part is told, and is no error. */
static void a_variant_without_a_kernel_part(void **state)
{
	struct kept k = {.fail_at = -1};
	struct fake_build b;
	size_t cuts;

	fake_answer("1", "other.c\t1\tnot this one");
	begin(&b);
	cuts = count_cuts(&b);
	assert_int_equal(pipeline_every(&b.c, keep, &k), 0);
	assert_int_equal(k.count, cuts - 1);
	fflush(b.diag.out);
	fake_expect(b.said, "no variant: ");
	fake_expect(b.said, "not this one");
	fake_expect(b.said, ", 1 without, 0 remedies");
	fake_asked();
	fake_close(&b);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_bundle_for_each_cut),
	    cmocka_unit_test(some_cuts_spread_evenly),
	    cmocka_unit_test(a_refusal_is_forgotten),
	    cmocka_unit_test(what_cannot_be_kept_ends_it),
	    cmocka_unit_test(a_variant_without_a_kernel_part),
	};

	fake_begin(argv);
	return fake_end(cmocka_run_group_tests_name("driver/every", tests, NULL, NULL));
}
