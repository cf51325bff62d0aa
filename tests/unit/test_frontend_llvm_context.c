/* Context loads become intrinsics, whatever clang made of them. */
#include "frontend_case.h"

#define NF "SEC(\"xdp\") int nf(struct xdp_md *ctx)\n"

static void test_pointers(void **state)
{
	struct frontend_case c = case_of(NF "{ char *d = DATA; void *e = END;\n"
					    "return d + 1 > (char *)e ? 1 : *d; }\n");

	case_expect_ok(&c);
	assert_int_equal(case_occurrences(c.text, "call ptr @cleave.pkt.data("), 1);
	assert_int_equal(case_occurrences(c.text, "call ptr @cleave.pkt.data_end("), 1);
	case_expect_not(c.text, "inttoptr");
	case_expect_not(c.text, "ptrtoint");
	case_close(&c);
}

/* The 32-bit difference of data_end and data, as programs take the packet's length. */
static void test_length(void **state)
{
	struct frontend_case c = case_of(NF "{ return ctx->data_end - ctx->data; }\n");

	case_expect_ok(&c);
	assert_int_equal(case_occurrences(c.text, "ptrtoint ptr"), 2);
	assert_int_equal(case_occurrences(c.text, "trunc i64"), 2);
	case_close(&c);
}

static void test_every_field(void **state)
{
	struct frontend_case c =
	    case_of(NF "{ void *m = (void *)(long)ctx->data_meta; return (m > DATA) +\n"
		       "ctx->ingress_ifindex + ctx->rx_queue_index * 3 + ctx->egress_ifindex; }\n");

	case_expect_ok(&c);
	case_expect(c.text, "call ptr @cleave.pkt.data_meta(ptr %ctx)");
	case_expect(c.text, "call i32 @cleave.ctx.ingress_ifindex(ptr %ctx)");
	case_expect(c.text, "call i32 @cleave.ctx.rx_queue_index(ptr %ctx)");
	case_expect(c.text, "call i32 @cleave.ctx.egress_ifindex(ptr %ctx)");
	case_close(&c);
}

/* One call for each load: the second pair follows the change of the packet's head. */
static void test_reload_after_adjust(void **state)
{
	struct frontend_case c =
	    case_of(NF "{ if (DATA + 14 > END || bpf_xdp_adjust_head(ctx, 4)) return 1;\n"
		       "char *d = DATA; return d + 10 > (char *)END ? 1 : *d; }\n");
	const char *adjust;

	case_expect_ok(&c);
	adjust = strstr(c.text, "@cleave.help.xdp_adjust_head(ptr %ctx");
	assert_non_null(adjust);
	assert_int_equal(case_occurrences(c.text, "call ptr @cleave.pkt.data("), 2);
	case_expect(adjust, "call ptr @cleave.pkt.data(");
	case_close(&c);
}

static void test_part_of_field(void **state)
{
	struct frontend_case c = case_of(NF "{ return *((volatile unsigned char *)ctx + 13); }\n");

	case_expect_ok(&c);
	case_expect(c.text, "@cleave.ctx.ingress_ifindex");
	case_expect(c.text, "lshr i32");
	case_close(&c);
}

static void test_select_of_fields(void **state)
{
	struct frontend_case c = case_of(
	    NF "{ int q = bpf_get_prandom_u32() & 1;\n"
	       "__u32 *p = q ? &ctx->ingress_ifindex : &ctx->rx_queue_index; return *p; }\n");

	case_expect_ok(&c);
	case_expect(c.text, "@cleave.ctx.ingress_ifindex(ptr %ctx)");
	case_expect(c.text, "@cleave.ctx.rx_queue_index(ptr %ctx)");
	case_close(&c);
}

static void test_context_in_struct(void **state)
{
	struct frontend_case c =
	    case_of("struct s { struct xdp_md *ctx; void *p; };\n"
		    "static __attribute__((noinline)) int f(struct s *s)\n"
		    "{ struct xdp_md *ctx = s->ctx; s->p = DATA; return s->p + 9 > END; }\n" NF
		    "{ struct s s = {ctx, 0}; int r = f(&s); return r + (s.p == END); }\n");

	case_expect_ok(&c);
	case_expect(c.text, "@cleave.pkt.data(ptr %ctx)");
	case_expect_not(c.text, "store ptr %ctx");
	case_close(&c);
}

static void test_null_check(void **state)
{
	char *flags[] = {"-O0"};
	struct frontend_case c = case_open();

	case_write("nf.bpf.c", PROLOGUE NF "{ return ctx ? ctx->ingress_ifindex : 7; }\n");
	c.input.flags = flags;
	c.input.flag_count = 1;
	case_run(&c);
	case_expect_ok(&c);
	case_expect_not(c.text, "icmp");
	case_expect(c.text, "br i1 true");
	case_expect(c.text, "@cleave.ctx.ingress_ifindex(ptr %ctx)");
	case_close(&c);
}

/* vmlinux.h marks every struct so: fields would be relocated when the program is loaded. */
static void test_core_offsets(void **state)
{
	struct frontend_case c = case_open();

	case_write("nf.bpf.c",
		   "typedef unsigned int u32;\n"
		   "#define K __attribute__((preserve_access_index))\n"
		   "struct xdp_md { u32 data, data_end, data_meta, ingress_ifindex; } K;\n"
		   "struct iphdr { char a[8]; unsigned char ttl; } K;\n"
		   "__attribute__((section(\"xdp\"), used)) int nf(struct xdp_md *ctx) {\n"
		   "struct iphdr *ip = (void *)(long)ctx->data;\n"
		   "if ((void *)(ip + 1) > (void *)(long)ctx->data_end) return 2;\n"
		   "return ip->ttl > 3; }\n");
	case_run(&c);
	case_expect_ok(&c);
	case_expect(c.text, "@cleave.pkt.data(ptr %ctx)");
	case_expect(c.text, "@cleave.pkt.data_end(ptr %ctx)");
	case_expect_not(c.text, "call ptr @llvm.bpf.passthrough");
	case_expect_not(c.text, "@\"llvm.");
	case_close(&c);
}

/* No kernel has this struct: nobody can say the size of a field, but it does not exist. */
static void test_core_other(void **state)
{
	struct frontend_case c;

	case_refused("struct s_none { int a; } __attribute__((preserve_access_index));\n" NF
		     "{ struct s_none *s = DATA;\n"
		     "return __builtin_preserve_field_info(s->a, 1); }\n",
		     4, "the CO-RE relocation for the size of s_none.a (");
	c = case_open();
	case_write("nf.bpf.c",
		   PROLOGUE "struct s_none { int a; } __attribute__((preserve_access_index));\n" NF
			    "{ struct s_none *s = DATA;\n"
			    "if (__builtin_preserve_field_info(s->a, 2))\n"
			    "return __builtin_preserve_field_info(s->a, 1); return 2; }\n");
	case_run(&c);
	case_expect_ok(&c);
	case_expect(c.text, "ret i32 2");
	case_close(&c);
}

static void test_static_offset(void **state)
{
	struct frontend_case c = case_open();

	case_write("nf.bpf.c",
		   "struct xdp_md { unsigned data, data_end, data_meta, ingress_ifindex, rx; }\n"
		   "__attribute__((preserve_static_offset));\n"
		   "__attribute__((section(\"xdp\"), used)) int nf(struct xdp_md *ctx) {\n"
		   "return ctx->ingress_ifindex * 3 + ctx->rx; }\n");
	case_run(&c);
	case_expect_ok(&c);
	case_expect(c.text, "@cleave.ctx.ingress_ifindex(ptr %ctx)");
	case_expect(c.text, "@cleave.ctx.rx_queue_index(ptr %ctx)");
	case_close(&c);
}

static void test_refusals(void **state)
{
	case_refused(NF "{\n*(volatile __u32 *)&ctx->rx_queue_index = 3; return 1; }\n", 3,
		     "writing to the context is not supported");
	case_refused("int library(struct xdp_md *ctx);\n" NF "{\nreturn library(ctx); }\n", 4,
		     "handing the context to library is not supported");
	case_refused(NF "{\nreturn *((volatile __u64 *)ctx + 1); }\n", 3, "of the context");
	case_refused(NF "{ return ((volatile __u32 *)ctx)\n[bpf_get_prandom_u32() & 3]; }\n", 2,
		     "reading the context at a computed offset is not supported");
	case_refused("SEC(\"xdp\") int nf(struct xdp_md *ctx, int more) { return 1; }\n", 1,
		     "an XDP program is int nf(struct xdp_md *ctx)");
}

/* Two readings of an address joined as numbers, as clang leaves them where it moves a reading. */
static void test_joined_addresses(void **state)
{
	struct frontend_case c = case_of(NF "{ unsigned start = ctx->data, end = ctx->data_end;\n"
					    "unsigned char *p = (void *)(long)start;\n"
					    "if (p + 14 > (unsigned char *)(long)end) return 1;\n"
					    "if (p[11] & 1) {\n"
					    "if (((long (*)(void *, int))44)(ctx, -4)) return 0;\n"
					    "start = ctx->data; end = ctx->data_end; }\n"
					    "p = (void *)(long)start;\n"
					    "if (p + 14 > (unsigned char *)(long)end) return 1;\n"
					    "return *p + (end - start); }\n");

	case_expect_ok(&c);
	case_expect_not(c.text, "inttoptr");
	assert_int_equal(case_occurrences(c.text, "phi ptr"), 2);
	case_close(&c);
	case_refused(NF "{ unsigned char *p =\n"
			"(void *)(long)(ctx->data + ctx->rx_queue_index);\nreturn *p; }\n",
		     3, "an address made of a 32-bit number is not supported");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_joined_addresses),
	    cmocka_unit_test(test_pointers),
	    cmocka_unit_test(test_length),
	    cmocka_unit_test(test_every_field),
	    cmocka_unit_test(test_reload_after_adjust),
	    cmocka_unit_test(test_part_of_field),
	    cmocka_unit_test(test_select_of_fields),
	    cmocka_unit_test(test_context_in_struct),
	    cmocka_unit_test(test_null_check),
	    cmocka_unit_test(test_core_offsets),
	    cmocka_unit_test(test_core_other),
	    cmocka_unit_test(test_static_offset),
	    cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
