/* Helper calls become intrinsics; calls that Cleave does not take are refused at their line. */
#include "frontend_case.h"

#include "ir/helpers.h"

#define NF "SEC(\"xdp\") int nf(struct xdp_md *ctx)\n"
#define MAP                                                                                        \
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 9);\n"                      \
	"__type(key, __u32); __type(value, __u64); } m SEC(\".maps\");\n"

static void test_map_helpers(void **state)
{
	struct frontend_case c =
	    case_of(MAP NF "{ __u32 k = 1; __u64 v = 2;\n"
			   "if (bpf_map_lookup_elem(&m, &k)) bpf_map_delete_elem(&m, &k);\n"
			   "return bpf_map_update_elem(&m, &k, &v, BPF_NOEXIST); }\n");

	case_expect_ok(&c);
	case_expect(c.text, "call ptr @cleave.map.lookup(ptr @m, ptr %");
	case_expect(c.text, "call i64 @cleave.map.delete(ptr @m, ptr %");
	case_expect(c.text, "call i64 @cleave.map.update(ptr @m, ptr %");
	case_expect_not(c.text, "inttoptr");
	case_close(&c);
}

/* Headers of older programs declare other types for the same helpers. */
static void test_old_declarations(void **state)
{
	struct frontend_case c = case_of(
	    MAP "static int (*old_update)(void *, void *, void *, int) = (void *)2;\n"
		"static unsigned (*old_time)(void) = (void *)5;\n" NF
		"{ __u32 k = 1; __u64 v = old_time() + bpf_ktime_get_ns();\n"
		"bpf_map_update_elem(&m, &k, &v, 0); return old_update(&m, &k, &v, 0); }\n");

	case_expect_ok(&c);
	assert_int_equal(case_occurrences(c.text, "call i64 @cleave.map.update("), 2);
	case_expect(c.text, "@cleave.help.ktime_get_ns.2()");
	assert_int_equal(ir_helper_by_intrinsic("cleave.help.ktime_get_ns.2")->number, 5);
	assert_true(c.output.program->uses_clock);
	case_close(&c);
}

static void test_printk(void **state)
{
	struct frontend_case c =
	    case_of(NF "{ bpf_printk(\"a %d\", 1); bpf_printk(\"b\"); return 1; }\n");

	case_expect_ok(&c);
	case_expect(c.text, "@cleave.help.trace_printk(ptr @nf.____fmt, i32 5, i32 1)");
	case_expect(c.text, "@cleave.help.trace_printk.2(ptr @nf.____fmt.1, i32 2)");
	assert_int_equal(c.output.program->global_count, 2);
	assert_string_equal(c.output.program->globals[0].section, ".rodata");
	case_close(&c);
}

static void test_library_and_barrier(void **state)
{
	struct frontend_case c =
	    case_of("unsigned long strlen(const char *);\n" NF
		    "{ int n = ctx->ingress_ifindex; asm volatile(\"\" : \"+r\"(n));\n"
		    "return n + strlen(\"x\" + n); }\n");

	case_expect_ok(&c);
	case_expect(c.text, "@strlen(");
	case_expect(c.text, "asm sideeffect \"\", \"=r,0\"");
	case_close(&c);
}

static void test_refusals(void **state)
{
	case_refused(NF "{\nbpf_loop(4, ctx, 0, 0); return 1; }\n", 3,
		     "bpf_loop whose callback is not known here is not supported");
	case_refused("static long (*h)(void) = (void *)9999;\n" NF "{\nreturn h(); }\n", 4,
		     "helper 9999 is not known");
	case_refused(NF "{ void (*f)(void) =\n"
			"(void *)(long)(ctx->data + ctx->rx_queue_index);\nf(); return 1; }\n",
		     4, "a call through a pointer cannot be inlined");
	case_refused(NF "{\nunsigned r; asm volatile(\"%0 = 3\" : \"=r\"(r));\n"
			"return (int)(r * 1.5); }\n",
		     3, "inline assembly is not supported");
	case_refused(NF "{\nasm goto(\"\" :::: out);\n"
			"return (int)(ctx->rx_queue_index * 1.5); out: return 2; }\n",
		     3, "asm goto is not supported");
	case_refused(NF "{ static void *to[] = {&&a, &&b};\ngoto *to[ctx->rx_queue_index & 1];\n"
			"a: return 1; b: return bpf_ktime_get_ns(); }\n",
		     1, "goto to a computed label is not supported");
	case_refused("extern int kf(int) __attribute__((section(\".ksyms\")));\n" NF
		     "{\nreturn kf(1); }\n",
		     4, "the kernel function kf is not supported");
}

/* BPF assembly means what the object's instructions do. */
static void test_assembly(void **state)
{
	struct frontend_case c =
	    case_of(NF "{ int n = ctx->ingress_ifindex; asm volatile(\"%0 *= 77\" : \"+r\"(n));\n"
		       "asm volatile goto(\"if %0 > 5 goto %l[out]\" : : \"r\"(n) : : out);\n"
		       "return n; out: return 2; }\n");

	case_expect_ok(&c);
	case_expect_not(c.text, "asm");
	case_expect(c.text, "mul i32 %1, 77");
	case_expect(c.text, "icmp ugt");
	case_close(&c);
}

/* All faults of one program in one go. */
static void test_every_fault_is_reported(void **state)
{
	struct frontend_case c = case_of(NF "{ bpf_get_hash_recalc((void *)ctx);\n"
					    "bpf_sk_fullsock(0); return 1; }\n");

	assert_int_equal(c.err, -EINVAL);
	assert_int_equal(c.diag.errors, 2);
	case_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_map_helpers),
	    cmocka_unit_test(test_old_declarations),
	    cmocka_unit_test(test_printk),
	    cmocka_unit_test(test_assembly),
	    cmocka_unit_test(test_library_and_barrier),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_every_fault_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
