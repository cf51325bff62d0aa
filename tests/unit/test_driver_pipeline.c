/* The compiler as a library: stages by name, and nothing left behind by a compilation. */
#include "fake_cleaved.h"

#include <malloc.h>

static const char source[] =
    "#include <linux/bpf.h>\n"
    "#include <bpf/bpf_helpers.h>\n"
    "struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4);\n"
    "  __type(key, __u32); __type(value, __u64); } flows SEC(\".maps\");\n"
    "SEC(\"xdp\") int nf(struct xdp_md *ctx)\n"
    "{\n"
    "	unsigned char *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;\n"
    "	__u32 key = 0;\n"
    "	while (p + 1 <= end)\n"
    "		key += *p++;\n"
    "	return bpf_map_lookup_elem(&flows, &key) ? XDP_DROP : XDP_PASS;\n"
    "}\n"
    "char _license[] SEC(\"license\") = \"GPL\";\n";

static void compile(const char *text, const char *stop_after, int wanted)
{
	struct fake_build b;

	fake_source(&b, text);
	b.c.no_verify = true;
	b.c.replay = true;
	b.c.stop_after = stop_after;
	fake_run(&b);
	if (b.err != wanted)
		fail_msg("%d, not %d: %s", b.err, wanted, b.said);
	fake_close(&b);
}

static void stages_by_name(void **state)
{
	assert_int_equal(pipeline_find("compile"), 0);
	assert_true(pipeline_find("plan") > pipeline_find("live"));
	assert_int_equal(pipeline_find("nonsense"), -1);
	assert_int_equal(pipeline_find(""), -1);
}

static void stops_where_it_is_told(void **state)
{
	struct fake_build b;

	fake_source(&b, source);
	b.c.no_verify = true;
	b.c.stop_after = "plan";
	fake_run(&b);
	assert_int_equal(b.err, 0);
	assert_non_null(b.c.plan);
	assert_int_equal(b.c.parts[0].size, 0);
	assert_null(b.c.bundle);
	fake_close(&b);
}

/* One after the other, also those that fail and those that stop early, in one process. */
static void compilations_leave_nothing(void **state)
{
	size_t before = 0, after = 0;

	for (int round = 0; round < 6; round++) {
		compile(source, NULL, 0);
		compile(source, "live", 0);
		compile("int nf(void *ctx) { return 1; }\n", NULL, -22);
		compile("int nf(\n", NULL, -22);
		malloc_trim(0);
		after = mallinfo2().uordblks;
		if (round == 1) /* LLVM's tables of targets and options are made once */
			before = after;
	}
	if (after > before + 64 * 1024)
		fail_msg("%zu bytes were in use, %zu four rounds later", before, after);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stages_by_name),
	    cmocka_unit_test(stops_where_it_is_told),
	    cmocka_unit_test(compilations_leave_nothing),
	};

	fake_begin(argv);
	return fake_end(cmocka_run_group_tests_name("driver/pipeline", tests, NULL, NULL));
}
