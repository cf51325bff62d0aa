/* What a bundle says of the program it was made of, and of the host it needs. */
#include "fake_cleaved.h"

#include "verifier_model/verifier_model.h"

#define HEAD                                                                                       \
	"#include <linux/bpf.h>\n"                                                                 \
	"#include <bpf/bpf_helpers.h>\n"                                                           \
	"#define MAP(name, kind, n) struct { __uint(type, BPF_MAP_TYPE_##kind); "                  \
	"__uint(max_entries, n); __type(key, __u32); __type(value, __u64); } name "                \
	"SEC(\".maps\")\n"
#define TAIL "char _license[] SEC(\"license\") = \"GPL\";\n"

/* Line 7 is a loop over the packet; what it finds is counted on both sides of it. */
static const char loop[] =
    HEAD "MAP(flows, HASH, 100); __u32 limit = 9; const volatile char tag;\n" /* 4 */
	 "SEC(\"xdp\") int nf(struct xdp_md *ctx) { __u32 key = ctx->rx_queue_index;\n"
	 "  unsigned char *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;\n"
	 "  __u64 *v = bpf_map_lookup_elem(&flows, &key); if (v && *v > limit) return 1;\n" /* 7 */
	 "  while (p + 1 <= end && *p) p++;\n"                                              /* 8 */
	 "  key = p + 1 <= end; v = bpf_map_lookup_elem(&flows, &key); if (v) *v += 1;\n"
	 "  return tag ? 1 : 2; }\n" TAIL;
static const char plain[] = HEAD "MAP(table, ARRAY, 4);\n"
				 "SEC(\"xdp\") int nf(struct xdp_md *ctx) { __u32 key = 1;\n"
				 "  return bpf_map_lookup_elem(&table, &key) ? 2 : 1; }\n" TAIL;

static void build(struct fake_build *b, const char *text, enum split_kind split, bool relaxed)
{
	fake_source(b, text);
	b->c.no_verify = true;
	b->c.split.kind = split;
	b->c.relaxed = relaxed;
	fake_run(b);
	if (b->err)
		fail_msg("%s", b->said);
}

static bool needs(const struct bundle *b, const char *feature)
{
	for (size_t i = 0; i < b->kernel_feature_count; i++)
		if (!strcmp(b->kernel_features[i], feature))
			return true;
	return false;
}

static void a_program_of_the_kernel(void **state)
{
	struct fake_build f;
	const struct bundle *b;

	build(&f, plain, SPLIT_AUTO, false);
	b = f.c.bundle;
	assert_string_equal(b->program, "nf");
	assert_string_equal(b->section, "xdp");
	assert_string_equal(b->source, "nf.bpf.c");
	assert_int_equal(b->cut_count, 0);
	assert_true(b->kernel_can_run_source);
	assert_null(b->kernel_refusal);
	assert_non_null(bundle_find(b, BUNDLE_MEMBER_SOURCE));
	assert_non_null(bundle_find(b, BUNDLE_MEMBER_KERNEL));
	assert_non_null(bundle_find(b, BUNDLE_MEMBER_PLAN));
	assert_null(bundle_find(b, BUNDLE_MEMBER_USER));
	assert_null(bundle_find(b, BUNDLE_MEMBER_REPLAY));
	assert_true(needs(b, "xdp") && needs(b, "bpf_link"));
	assert_false(needs(b, "af_xdp"));
	assert_int_equal(b->min_kernel, VERIFIER_VERSION(5, 9)); /* of bpf_link */
	assert_int_equal(b->map_count, 1);
	assert_int_equal(b->maps[0].max_entries, 4);
	assert_int_equal(b->maps[0].slots, 0);
	fake_close(&f);
}

/* What it calls asks for more than how it is attached. */
static void a_program_of_a_young_kernel(void **state)
{
	static const char tai[] =
	    HEAD "SEC(\"xdp\") int nf(struct xdp_md *ctx)\n"
		 "{ return bpf_ktime_get_tai_ns() & 1 ? XDP_DROP : XDP_PASS; }\n" TAIL;
	struct fake_build f;

	build(&f, tai, SPLIT_KERNEL, false);
	assert_int_equal(f.c.bundle->min_kernel, VERIFIER_VERSION(6, 1));
	assert_true(needs(f.c.bundle, "bpf_ktime_get_tai_ns"));
	fake_close(&f);
}

/* It is the kernel's where the target's kernel knows the instruction, else user's. */
static void a_division_of_signed_numbers(void **state)
{
	static const char divides[] =
	    HEAD "__s64 by = -3;\n"
		 "SEC(\"xdp\") int nf(struct xdp_md *ctx)\n"
		 "{ return (__s32)ctx->rx_queue_index / by > 2 ? XDP_DROP : XDP_PASS; }\n" TAIL;
	static const char old[] = "{\"kernel\": \"6.5\"}";
	struct fake_build f;

	build(&f, divides, SPLIT_KERNEL, false);
	assert_int_equal(f.c.bundle->min_kernel, VERIFIER_VERSION(6, 6));
	assert_true(needs(f.c.bundle, "signed division"));
	fake_close(&f);

	assert_int_equal(file_write_atomic("answers", old, sizeof old - 1), 0);
	fake_source(&f, divides);
	f.c.no_verify = true;
	f.c.split.kind = SPLIT_KERNEL;
	f.c.target_path = "answers";
	fake_run(&f);
	assert_int_not_equal(f.err, 0);
	assert_non_null(strstr(f.said, "no division of signed numbers before its fourth version"));
	fake_close(&f);
}

static void a_program_of_both(void **state)
{
	struct fake_build f;
	const struct bundle *b;

	build(&f, loop, SPLIT_AUTO, false);
	b = f.c.bundle;
	assert_true(b->strict);
	assert_true(b->cut_count > 0);
	assert_non_null(bundle_find(b, BUNDLE_MEMBER_USER));
	assert_true(needs(b, "af_xdp"));
	assert_true(b->min_kernel >= VERIFIER_VERSION(5, 9));
	/* why the kernel cannot run it, at its place, without the folder */
	assert_false(b->kernel_can_run_source);
	assert_int_equal(strncmp(b->kernel_refusal, "nf.bpf.c:8: ", 12), 0);
	assert_int_equal(b->global_count, 2);
	for (size_t g = 0; g < b->global_count; g++) {
		bool constant = !strcmp(b->globals[g].name, "tag");

		assert_int_equal(b->globals[g].constant, constant);
		assert_string_equal(b->globals[g].section, constant ? ".rodata" : ".data");
		assert_int_equal(b->globals[g].size, constant ? 1 : 4);
	}
	/* twice the entries and a reserve, where a map has slots */
	assert_int_equal(b->maps[0].slots,
			 b->maps[0].home == MAP_HOME_SHARED_VALUES ? 2 * 100 + 1024 : 0);
	assert_int_equal(b->ordered_maps, f.c.plan->ordered_maps);
	fake_close(&f);
}

/* Lengths are those of the layout, entries those of the plan; all fit what the reader demands. */
static void cuts_that_the_reader_takes(void **state)
{
	struct fake_build f;
	const struct bundle *b;
	struct bundle *again = NULL;

	for (int relaxed = 0; relaxed < 2; relaxed++) {
		build(&f, loop, SPLIT_AUTO, relaxed);
		b = f.c.bundle;
		assert_int_equal(b->strict, !relaxed);
		for (size_t i = 0; i < b->cut_count; i++) {
			assert_int_equal(b->cuts[i].entry, f.c.plan->cuts[i].entry);
			assert_int_equal(b->cuts[i].length,
					 plan_handoff_bytes(f.c.plan, &f.c.plan->cuts[i]));
			assert_string_equal(b->cuts[i].file, "nf.bpf.c");
		}
		assert_int_equal(bundle_write(f.c.bundle, "answers", &f.diag), 0);
		assert_int_equal(bundle_read("answers", &again, &f.diag), 0);
		bundle_free(&again);
		fake_close(&f);
	}
}

static void everything_in_user(void **state)
{
	struct fake_build f;

	build(&f, plain, SPLIT_USER, true);
	assert_true(f.c.bundle->kernel_can_run_source); /* it could */
	assert_int_equal(f.c.bundle->cut_count, 1);
	assert_int_equal(f.c.bundle->cuts[0].entry, 0);
	assert_int_equal(f.c.bundle->cuts[0].length, 8);
	assert_int_equal(f.c.bundle->maps[0].home, MAP_HOME_USER);
	fake_close(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_program_of_the_kernel),
	    cmocka_unit_test(a_program_of_a_young_kernel),
	    cmocka_unit_test(a_division_of_signed_numbers),
	    cmocka_unit_test(a_program_of_both),
	    cmocka_unit_test(cuts_that_the_reader_takes),
	    cmocka_unit_test(everything_in_user),
	};

	fake_begin(argv);
	return fake_end(cmocka_run_group_tests_name("driver/make_bundle", tests, NULL, NULL));
}
