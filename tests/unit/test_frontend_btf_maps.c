/* Map definitions and globals. */
#include <linux/bpf.h>

#include "frontend_case.h"

#define NF "SEC(\"xdp\") int nf(struct xdp_md *ctx)\n"
#define MAP(type, name)                                                                            \
	"struct { __uint(type, BPF_MAP_TYPE_" type "); __uint(max_entries, 64);\n"                 \
	"__type(key, __u32); __type(value, __u64); } " name " SEC(\".maps\");\n"
#define LOOKUP(name) "{ __u32 k = 0; return !bpf_map_lookup_elem(&" name ", &k); }\n"

static void test_definition(void **state)
{
	struct frontend_case c =
	    case_of("struct key { __u32 a, b, c; };\n"
		    "struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 1000);\n"
		    "  __uint(key_size, 12); __uint(value_size, 24);\n"
		    "  __uint(map_flags, BPF_F_NO_COMMON_LRU); }\n"
		    "flows SEC(\".maps\");\n" NF
		    "{ struct key k = {}; return !bpf_map_lookup_elem(&flows, &k); }\n");
	struct ir_map *map;

	case_expect_ok(&c);
	assert_int_equal(c.output.program->map_count, 1);
	map = &c.output.program->maps[0];
	assert_string_equal(map->name, "flows");
	assert_int_equal(map->type, BPF_MAP_TYPE_LRU_HASH);
	assert_int_equal(map->key_size, 12);
	assert_int_equal(map->value_size, 24);
	assert_int_equal(map->max_entries, 1000);
	assert_int_equal(map->flags, BPF_F_NO_COMMON_LRU);
	assert_int_equal(map->loc.line, PROLOGUE_LINES + 5);
	assert_string_equal(map->loc.file, "nf.bpf.c");
	assert_non_null(map->value);
	case_close(&c);
}

/* In source order; a map that only another program touches is none of this one's. */
static void test_only_touched_maps(void **state)
{
	struct frontend_case c = case_open();

	case_write("nf.bpf.c", PROLOGUE MAP("HASH", "a") MAP("ARRAY", "b") MAP("PROG_ARRAY", "p") NF
		   "{ __u32 k = 0; return !bpf_map_lookup_elem(&b, &k) +\n"
		   "!bpf_map_lookup_elem(&a, &k); }\n"
		   "SEC(\"xdp\") int other(struct xdp_md *ctx)\n"
		   "{ bpf_tail_call(ctx, &p, 0); return 1; }\n");
	c.input.program = "nf";
	case_run(&c);
	case_expect_ok(&c);
	assert_int_equal(c.output.program->map_count, 2);
	assert_string_equal(c.output.program->maps[0].name, "a");
	assert_string_equal(c.output.program->maps[1].name, "b");
	assert_int_equal(c.output.program->maps[1].type, BPF_MAP_TYPE_ARRAY);
	case_close(&c);
}

static void test_globals(void **state)
{
	struct frontend_case c =
	    case_of("int zero; int table[5] = {1, 2}; const volatile int limit = 7;\n"
		    "static const int fixed[] = {5, 6, 7, 9};\n" NF
		    "{ zero++; table[ctx->rx_queue_index & 3] = limit;\n"
		    "return fixed[ctx->ingress_ifindex & 3] + table[zero & 3]; }\n");
	static const struct {
		const char *name, *section;
		uint32_t size;
		bool constant;
	} want[] = {{"zero", ".bss", 4, false},
		    {"table", ".data", 20, false},
		    {"limit", ".rodata", 4, true},
		    {"fixed", ".rodata", 16, true}};

	case_expect_ok(&c);
	assert_int_equal(c.output.program->global_count, 4);
	for (size_t i = 0; i < 4; i++) {
		struct ir_global *found = NULL;

		for (size_t g = 0; g < 4; g++)
			if (!strcmp(c.output.program->globals[g].name, want[i].name))
				found = &c.output.program->globals[g];
		assert_non_null(found);
		assert_string_equal(found->section, want[i].section);
		assert_int_equal(found->size, want[i].size);
		assert_int_equal(found->constant, want[i].constant);
	}
	case_close(&c);
}

/* A definition of the old kind is read by clang's object, if there is one. */
static void test_old(void **state)
{
	static const char map[] =
	    "struct { int type, key, value, n; }\nold SEC(\"maps\") = {2, 4, 8, 9};\n" NF;
	struct frontend_case c = case_open();
	const struct ir_map *m;

	case_write("nf.bpf.c", arena_printf(c.arena, PROLOGUE "%s" LOOKUP("old"), map));
	case_run(&c);
	case_expect_ok(&c);
	m = &c.output.program->maps[0];
	assert_string_equal(m->name, "old");
	assert_int_equal(m->type, BPF_MAP_TYPE_ARRAY);
	assert_int_equal(m->value_size, 8);
	assert_int_equal(m->max_entries, 9);
	case_close(&c);
}

/* What the program's loader would set. */
static void test_completed(void **state)
{
	struct frontend_case c = case_open();

	case_write("nf.bpf.c",
		   PROLOGUE "struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int);\n"
			    "__type(value, int); } h SEC(\".maps\");\n" NF LOOKUP("h"));
	case_run(&c);
	case_expect_ok(&c);
	case_expect(c.messages, "map h has no max_entries, which its loader must have set: 1024");
	assert_int_equal(c.output.program->maps[0].max_entries, 1024);
	case_forget(&c);
	c.input.maps.entries = "g=1,h=7";
	case_run(&c);
	case_expect_ok(&c);
	case_expect(c.messages, "--map-entries or --map-inner names g");
	case_expect_not(c.messages, "has no max_entries");
	assert_int_equal(c.output.program->maps[0].max_entries, 7);
	assert_true(c.output.program->maps[0].completed);
	case_close(&c);
}

static void test_refusals(void **state)
{
	case_refused("struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 64);\n"
		     "__type(value, int); } q SEC(\".maps\");\n" NF LOOKUP("q"),
		     4, "map_lookup_elem takes no queue (map q)");
	case_refused(MAP("STACK_TRACE", "s") NF LOOKUP("s"), 2,
		     "map s: no kernel lets an XDP program use a map of type stack_trace");
	case_refused("struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(nonsense, 1); }\n"
		     "n SEC(\".maps\");\n" NF LOOKUP("n"),
		     2, "nonsense");
	case_refused(
	    "extern int CONFIG_NONE __attribute__((section(\".kconfig\")));\n" NF
	    "{ return CONFIG_NONE; }\n",
	    3, "the external variable CONFIG_NONE is not supported: the kernel here does not");
	case_refused("struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);\n"
		     "__type(key, int); __type(value, int); } one SEC(\".maps\");\n"
		     "struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 1);\n"
		     "__type(key, int); __array(values, struct inner); }\n"
		     "outer SEC(\".maps\");\n" NF
		     "{ __u32 k = 0; return bpf_map_update_elem(&outer, &k, &k, 0); }\n",
		     7, "map_update_elem takes no array of maps (map outer)");
}

static void test_pinning_is_noted(void **state)
{
	struct frontend_case c =
	    case_of("struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64);\n"
		    "__type(key, int); __type(value, int); __uint(pinning, LIBBPF_PIN_BY_NAME); }\n"
		    "kept SEC(\".maps\");\n" NF LOOKUP("kept"));

	case_expect_ok(&c);
	assert_true(c.output.program->maps[0].is_pinned);
	case_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_definition),       cmocka_unit_test(test_only_touched_maps),
	    cmocka_unit_test(test_globals),          cmocka_unit_test(test_old),
	    cmocka_unit_test(test_refusals),         cmocka_unit_test(test_completed),
	    cmocka_unit_test(test_pinning_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
