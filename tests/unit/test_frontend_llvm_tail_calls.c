/* Programs that call each other: which are joined, what their arrays are known to hold. */
#include "tests/unit/frontend_case.h"

#define ARRAY(values)                                                                              \
	"int one(struct xdp_md *ctx); int two(struct xdp_md *ctx);\n"                              \
	"struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4);\n"                \
	"__uint(key_size, 4); __array(values, int(struct xdp_md *)); } a SEC(\".maps\")" values    \
	";\n"
#define PROGRAM(name, body) "SEC(\"xdp\") int " name "(struct xdp_md *ctx) { " body " }\n"
#define CALL(index)         "bpf_tail_call(ctx, &a, " index "); "

static struct frontend_case run(const char *text, const char *program, const char *calls)
{
	struct frontend_case c = case_open();

	case_write("nf.bpf.c", text);
	c.input.program = program;
	c.input.tail_calls = calls;
	case_run(&c);
	return c;
}

/* Without --program: the one that no array holds. */
static void test_values_say_who_calls_whom(void **unused)
{
	struct frontend_case c =
	    run(PROLOGUE ARRAY(" = {.values = {[2] = (void *)&two}}")
		    PROGRAM("one", CALL("2") "return 1;") PROGRAM("two", "return 2;"),
		NULL, NULL);
	const struct ir_program *p = c.output.program;

	case_expect_ok(&c);
	assert_int_equal(p->program_count, 2);
	assert_string_equal(p->name, "one");
	assert_string_equal(p->programs[1].name, "two");
	assert_false(p->programs[0].is_called);
	assert_true(p->programs[1].is_called);
	assert_int_equal(p->maps[0].call_count, 1);
	assert_int_equal(p->maps[0].calls[0].index, 2);
	assert_int_equal(p->maps[0].calls[0].program, 1);
	case_expect(c.text, "call i32 @cleave.help.tail_call(ptr %0, ptr @a, i32 2, i32 0)");
	case_expect_not(c.text, "cleave.tail.start"); /* no circle: nobody counts */
	case_close(&c);
}

static void test_unknown_contents_may_be_anything(void **unused)
{
	static const char text[] = PROLOGUE ARRAY("")
	    PROGRAM("one", CALL("ctx->rx_queue_index") "return 1;") PROGRAM("two", "return 2;");
	struct frontend_case c = run(text, "one", NULL);

	case_expect_ok(&c);
	assert_true(c.output.program->programs[0].is_called); /* it may call itself */
	assert_true(c.output.program->programs[1].is_called);
	assert_int_equal(c.output.program->maps[0].call_count, 0);
	case_expect(c.text, "cleave.tail.start");
	case_close(&c);

	c = run(text, NULL, "a[0]=two,a[3]=two");
	case_expect_ok(&c);
	assert_string_equal(c.output.program->name, "one");
	assert_false(c.output.program->programs[0].is_called);
	assert_int_equal(c.output.program->maps[0].call_count, 2);
	case_expect_not(c.text, "cleave.tail.start");
	case_close(&c);
}

static void test_wrong_contents(void **unused)
{
	static const char *const wrong[][2] = {
	    {"a", "MAP[INDEX]=PROGRAM"},     {"a[x]=two", "MAP[INDEX]=PROGRAM"},
	    {"b[1]=two", "there is no map"}, {"a[1]=three", "there is no XDP program three"},
	    {"a[4]=two", "a has 4 entries"},
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct frontend_case c =
		    run(PROLOGUE ARRAY("") PROGRAM("one", CALL("1") "return 1;")
			    PROGRAM("two", "return 2;"),
			"one", wrong[i][0]);

		assert_int_equal(c.err, -EINVAL);
		case_expect(c.messages, wrong[i][1]);
		case_close(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values_say_who_calls_whom),
	    cmocka_unit_test(test_unknown_contents_may_be_anything),
	    cmocka_unit_test(test_wrong_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
