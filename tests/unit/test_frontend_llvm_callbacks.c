/* Helpers that call back: which become loops, and which are refused with their line. */
#include "tests/unit/frontend_case.h"

#define LOOP(body, call)                                                                           \
	PROLOGUE "struct state { __u32 n; };\n"                                                    \
		 "static long each(__u32 i, struct state *s) { " body " }\n"                       \
		 "SEC(\"xdp\") int prog(struct xdp_md *ctx)\n"                                     \
		 "{ struct state s = {}; return " call "; }\n"

#define MAP(type)                                                                                  \
	PROLOGUE "struct bpf_map;\n"                                                               \
		 "struct { __uint(type, " #type "); __uint(max_entries, 7);\n"                     \
		 "__type(key, __u32); __type(value, __u32); } m SEC(\".maps\");\n"                 \
		 "static long each(struct bpf_map *map, __u32 *key, __u32 *value, __u32 *sum)\n"   \
		 "{ *sum += *value; return 0; }\n"                                                 \
		 "SEC(\"xdp\") int prog(struct xdp_md *ctx)\n"                                     \
		 "{ __u32 sum = 0; bpf_for_each_map_elem(&m, each, &sum, 0); return sum & 3; }\n"

static struct frontend_case run(const char *text)
{
	struct frontend_case c = case_open();

	case_write("nf.bpf.c", text);
	case_run(&c);
	return c;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void test_loop_is_inlined(void **unused)
{
	struct frontend_case c =
	    run(LOOP("s->n ^= bpf_get_prandom_u32(); return s->n & 1;",
		     "bpf_loop(ctx->ingress_ifindex, each, &s, 0) < 9 ? s.n & 3 : 0"));

	assert_int_equal(c.err, 0);
	assert_int_equal(count(c.text, "define "), 1);
	assert_int_equal(count(c.text, "call i32 @cleave.help.get_prandom_u32"), 1);
	assert_int_equal(count(c.text, "cleave.help.loop"), 0);
	assert_non_null(strstr(c.text, "icmp ugt i32"));
	assert_non_null(strstr(c.text, "8388608"));
	case_close(&c);
}

/* With flags that are not 0 nothing runs. */
static void test_loop_with_flags(void **unused)
{
	struct frontend_case c = run(LOOP("s->n += bpf_get_prandom_u32(); return 0;",
					  "bpf_loop(3, each, &s, 4) == -22 ? s.n + 2 : 1"));

	assert_int_equal(c.err, 0);
	assert_int_equal(count(c.text, "call i32 @cleave.help.get_prandom"), 0);
	assert_non_null(strstr(c.text, "ret i32 2"));
	case_close(&c);
}

static void test_loop_through_pointer_is_refused(void **unused)
{
	struct frontend_case c = run(PROLOGUE "long (*volatile chosen)(__u32 i, void *c);\n"
					      "SEC(\"xdp\") int prog(struct xdp_md *ctx)\n"
					      "{ return bpf_loop(3, chosen, 0, 0); }\n");

	assert_int_equal(c.err, -EINVAL);
	assert_non_null(strstr(c.messages, "nf.bpf.c:7:"));
	assert_non_null(strstr(c.messages, "bpf_loop whose callback is not known here"));
	case_close(&c);
}

static void test_callback_that_calls_itself_is_refused(void **unused)
{
	struct frontend_case c = run(PROLOGUE "static long each(__u32 i, void *c)\n"
					      "{ return bpf_loop(i, each, c, 0) > 3; }\n"
					      "SEC(\"xdp\") int prog(struct xdp_md *ctx)\n"
					      "{ return bpf_loop(3, each, ctx, 0); }\n");

	assert_int_equal(c.err, -EINVAL);
	assert_non_null(strstr(c.messages, "calls itself"));
	case_close(&c);
}

static void test_each_element_of_an_array(void **unused)
{
	struct frontend_case c = run(MAP(BPF_MAP_TYPE_PERCPU_ARRAY));

	assert_int_equal(c.err, 0);
	assert_int_equal(count(c.text, "call ptr @cleave.map.lookup"), 1);
	assert_int_equal(count(c.text, "@cleave.each"), 0);
	assert_non_null(strstr(c.text, ", 7"));
	case_close(&c);
}

/* The kernel walks over it, and calls a function that stays one: the map is the kernel's. */
static void test_each_element_of_a_hash_keeps_its_callback(void **unused)
{
	struct frontend_case c = run(MAP(BPF_MAP_TYPE_HASH));

	assert_int_equal(c.err, 0);
	assert_int_equal(count(c.text, "define "), 2);
	assert_int_equal(count(c.text, "@cleave.help.for_each_map_elem(ptr @m, ptr @each"), 1);
	assert_string_equal(c.output.program->maps[0].callback, "each");
	case_close(&c);
}

static void test_each_element_of_a_list_is_refused(void **unused)
{
	struct frontend_case c = run(MAP(BPF_MAP_TYPE_LPM_TRIE));

	assert_int_equal(c.err, -EINVAL);
	assert_non_null(strstr(c.messages, "for_each_map_elem takes no LPM trie"));
	case_close(&c);
}

#define TIMER(body)                                                                                \
	PROLOGUE "struct value { struct bpf_timer t; };\n"                                         \
		 "struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);\n"            \
		 "__type(key, __u32); __type(value, struct value); } m SEC(\".maps\");\n"          \
		 "struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);\n"            \
		 "__type(key, __u32); __type(value, __u32); } other SEC(\".maps\");\n"             \
		 "static __attribute__((noinline)) void *inner(void *key)\n"                       \
		 "{ return bpf_map_lookup_elem(&other, key); }\n"                                  \
		 "static int fired(void *map, __u32 *key, struct value *v) { " body " }\n"         \
		 "SEC(\"xdp\") int prog(struct xdp_md *ctx)\n"                                     \
		 "{ __u32 zero = 0; struct value *v = bpf_map_lookup_elem(&m, &zero);\n"           \
		 "return v ? bpf_timer_set_callback(&v->t, fired) & 1 : 2; }\n"

/* What a callback calls is inlined into it, and the maps that it knows are the kernel's. */
static void test_callback_of_a_timer(void **unused)
{
	struct frontend_case c = run(TIMER("return inner(key) ? 1 : 0;"));

	assert_int_equal(c.err, 0);
	assert_int_equal(count(c.text, "define "), 2);
	for (size_t m = 0; m < c.output.program->map_count; m++)
		if (!strcmp(c.output.program->maps[m].name, "other"))
			assert_string_equal(c.output.program->maps[m].callback, "fired");
		else
			assert_string_equal(c.output.program->maps[m].kernels_part, "bpf_timer");
	case_close(&c);
}

static void test_redirect_in_a_callback_is_refused(void **unused)
{
	struct frontend_case c = run(TIMER("return bpf_redirect(1, 0);"));

	assert_int_equal(c.err, -EINVAL);
	assert_non_null(strstr(c.messages, "bpf_redirect in the callback fired is not supported"));
	case_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_loop_is_inlined),
	    cmocka_unit_test(test_loop_with_flags),
	    cmocka_unit_test(test_loop_through_pointer_is_refused),
	    cmocka_unit_test(test_callback_that_calls_itself_is_refused),
	    cmocka_unit_test(test_each_element_of_an_array),
	    cmocka_unit_test(test_each_element_of_a_hash_keeps_its_callback),
	    cmocka_unit_test(test_each_element_of_a_list_is_refused),
	    cmocka_unit_test(test_callback_of_a_timer),
	    cmocka_unit_test(test_redirect_in_a_callback_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
