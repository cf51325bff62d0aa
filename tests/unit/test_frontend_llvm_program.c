/* Which program is taken, and that everything it reaches is inlined. */
#include "frontend_case.h"

#define XDP(name) "SEC(\"xdp\") int " name "(struct xdp_md *ctx)"

static void test_no_program(void **state)
{
	case_refused("SEC(\"lwt_in\") int cls(struct __sk_buff *s) { return 0; }\n", 0,
		     "there is no XDP or TC program in it (SEC(\"xdp\"), SEC(\"tc\"))");
}

static void test_many_programs(void **state)
{
	case_refused(XDP("one") "{ return 1; }\n" XDP("two") "{ return 2; }\n", 0,
		     "there are several programs (one, two); choose one with --program");
}

static void test_choose(void **state)
{
	struct frontend_case c = case_open();

	case_write("nf.bpf.c", PROLOGUE XDP("one") "{ return 1; }\n" XDP("two") "{ return 2; }\n");
	c.input.program = "two";
	case_run(&c);
	case_expect_ok(&c);
	assert_string_equal(c.output.program->name, "two");
	case_expect(c.text, "@two");
	case_expect_not(c.text, "define dso_local i32 @one");
	case_forget(&c);
	c.input.program = "three";
	case_run(&c);
	assert_int_equal(c.err, -EINVAL);
	case_expect(c.messages, "there is no XDP or TC program three in it; there is one, two");
	case_close(&c);
}

static void test_sections(void **state)
{
	struct frontend_case c =
	    case_of("SEC(\"xdp/devmap\") int dev(struct xdp_md *ctx) { return 1; }\n"
		    "SEC(\"xdp.frags\") int nf(struct xdp_md *ctx) { return 2; }\n");

	case_expect_ok(&c);
	assert_string_equal(c.output.program->section, "xdp.frags");
	case_close(&c);
}

/* What a function takes says what it is where its section does not. */
static void test_other_sections(void **state)
{
	static const struct {
		const char *source, *section, *program, *type;
	} cases[] = {
	    {"SEC(\"redirect_to_111\") int f(struct xdp_md *c) { return 1; }", "xdp", NULL, NULL},
	    {"SEC(\"2/1\") int f(struct __sk_buff *s) { return 0; }", "tc", NULL, NULL},
	    {"SEC(\"egress\") int f(struct __sk_buff *s) { return 0; }", "tc/egress", NULL, NULL},
	    {"typedef struct xdp_md C; SEC(\"f\") int f(C *const c) { return 1; }", "xdp", NULL,
	     NULL},
	    {"SEC(\"cgroup_skb/egress\") int g(struct __sk_buff *s) { return 0; }\n"
	     "SEC(\"helper\") int h(struct xdp_md *c, int n) { return n; }\n"
	     "SEC(\"a\") int f(struct xdp_md *c) { return 1; }",
	     "xdp", NULL, NULL},
	    {"SEC(\"a\") int g(struct xdp_md *c) { return 1; }\n"
	     "SEC(\"b\") int f(struct xdp_md *c) { return 1; }",
	     "xdp", "b", NULL},
	    {"SEC(\"odd\") int f(void *c) { return 1; }", "tc", NULL, "tc"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct frontend_case c = case_open();

		case_write("f.h", PROLOGUE);
		case_write("nf.bpf.c",
			   arena_printf(c.arena, "#include \"f.h\"\n%s", cases[i].source));
		c.input.program = cases[i].program;
		c.input.type = cases[i].type;
		case_run(&c);
		case_expect_ok(&c);
		assert_string_equal(c.output.program->name, "f");
		assert_string_equal(c.output.program->section, cases[i].section);
		case_close(&c);
	}
	case_refused("SEC(\"sk_msg\") int f(struct xdp_md *c) { return 1; }\n", 0,
		     "there is no XDP or TC program in it");
	case_refused("SEC(\"odd\") int f(void *c) { return 1; }\n", 0,
		     "there is no XDP or TC program in it");
}

static void test_inlines_everything(void **state)
{
	struct frontend_case c =
	    case_of("static __attribute__((noinline)) int inner(struct xdp_md *ctx, int n)\n"
		    "{ asm volatile(\"\"); return DATA + n > END; }\n"
		    "__attribute__((noinline)) int outer(struct xdp_md *ctx, int n)\n"
		    "{ asm volatile(\"\"); return inner(ctx, n) + inner(ctx, n + 1); }\n" XDP(
			"nf") "\n"
			      "{ return outer(ctx, 14); }\n");

	case_expect_ok(&c);
	assert_int_equal(case_occurrences(c.text, "define "), 1);
	case_expect_not(c.text, "alwaysinline");
	assert_int_equal(case_occurrences(c.text, "call ptr @cleave.pkt.data("), 2);
	assert_int_equal(case_occurrences(c.text, "call ptr @cleave.pkt.data_end("), 2);
	case_close(&c);
}

/* What was passed in memory only because of the call is in registers again. */
static void test_cleans_up_inlined(void **state)
{
	struct frontend_case c = case_of(
	    "struct s { int a, b; };\n"
	    "static __attribute__((noinline)) void fill(struct s *s, int n)\n"
	    "{ s->a = n; s->b = n * 5; }\n" XDP(
		"nf") "\n"
		      "{ struct s s; fill(&s, ctx->ingress_ifindex); return s.a ^ s.b; }\n");

	case_expect_ok(&c);
	case_expect_not(c.text, "alloca");
	case_close(&c);
}

/* Other functions of the object may replace a weak one; nothing does here. */
static void test_weak_and_hidden(void **state)
{
	struct frontend_case c = case_of(
	    "__weak int replaceable(int n) { return n + 1; }\n"
	    "__attribute__((visibility(\"hidden\"), noinline)) int own(int n)\n"
	    "{ return replaceable(n) * 3; }\n" XDP("nf") "\n"
							 "{ return own(ctx->ingress_ifindex); }\n");

	case_expect_ok(&c);
	assert_int_equal(case_occurrences(c.text, "define "), 1);
	case_expect_not(c.text, "@replaceable");
	case_close(&c);
}

/* clang's original stays as it came. */
static void test_original_untouched(void **state)
{
	struct frontend_case c = case_of(XDP("nf") "{ return bpf_ktime_get_ns() & 1; }\n");
	char *text;

	case_expect_ok(&c);
	text = LLVMPrintModuleToString(c.output.program->llvm->original);
	case_expect(text, "inttoptr (i64 5 to ptr)");
	case_expect_not(text, "cleave.");
	case_expect_not(c.text, "inttoptr");
	case_expect_not(c.text, "i32 range");
	LLVMDisposeMessage(text);
	case_close(&c);
}

static void test_recursion(void **state)
{
	case_refused("__attribute__((noinline)) int down(int n)\n"
		     "{ asm volatile(\"\"); return n < 1 ? 1 :\n"
		     "  n * down(n - 1) + down(n - 2); }\n" XDP(
			 "nf") "\n"
			       "{ return down(ctx->ingress_ifindex); }\n",
		     3, "down calls itself; everything reachable has to be inlined");
}

static void test_clang_noopt(void **state)
{
	char *flags[] = {"-O0"};
	struct frontend_case c = case_open();

	case_write("nf.bpf.c", PROLOGUE
		   "static int longer(struct xdp_md *ctx, int n) { return DATA + n <= END; }\n" XDP(
		       "nf") "{ return longer(ctx, 14) ? XDP_PASS : XDP_DROP; }\n");
	c.input.flags = flags;
	c.input.flag_count = 1;
	case_run(&c);
	case_expect_ok(&c);
	case_expect(c.text, "call ptr @cleave.pkt.data_end(ptr %ctx)");
	case_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_program),
	    cmocka_unit_test(test_many_programs),
	    cmocka_unit_test(test_choose),
	    cmocka_unit_test(test_sections),
	    cmocka_unit_test(test_other_sections),
	    cmocka_unit_test(test_inlines_everything),
	    cmocka_unit_test(test_cleans_up_inlined),
	    cmocka_unit_test(test_weak_and_hidden),
	    cmocka_unit_test(test_original_untouched),
	    cmocka_unit_test(test_recursion),
	    cmocka_unit_test(test_clang_noopt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
