/* How often each block runs, guessed from the branches that lead there. */
#include "ir_effects_case.h"

#include <math.h>

#define NF(body)                                                                                   \
	"int prog(void *c) { u8 *p = data(c), *end = data_end(c); u32 n = ifindex(c), k = 0;\n"    \
	"u64 *v; (void)p; (void)end; (void)n; (void)k; (void)v;\n" body "\nreturn 2; }"

/* Of the n-th call of consume(), from 0, in program order. */
static void expect_frequency(const char *body, unsigned n, double wanted)
{
	struct effects_case *c = case_open(body, "-g0");
	const struct ir_op *op = case_op(c, IR_OP_LIBRARY, n);
	double found = c->program.blocks[op->block].frequency;

	if (fabs(found - wanted) > 0.005)
		fail_msg("%f, not %f: %s", found, wanted, body);
	case_close(c);
}

static void bounds_checks_pass(void **state)
{
	expect_frequency(NF("if (p + 14 > end) { consume(1); return 1; }"), 0, 0.02);
	expect_frequency(NF("if (end < p + 14) { consume(1); return 1; }"), 0, 0.02);
	expect_frequency(NF("if (p + 14 <= end) { consume(1); return 1; }"), 0, 0.98);
	/* nothing is known of a comparison of two lengths */
	expect_frequency(NF("if (n > 14) { consume(1); return 1; }"), 0, 0.5);
}

static void lookups_find_something(void **state)
{
	expect_frequency(NF("v = lookup(array, &k); if (!v) { consume(1); return 1; }"), 0, 0.25);
	expect_frequency(NF("v = lookup(array, &k); if (v) { consume(*v); return 1; }"), 0, 0.75);
}

static void the_source_knows_better(void **state)
{
	expect_frequency(NF("if (__builtin_expect(n == 7, 0)) { consume(1); return 1; }"), 0, 0);
	expect_frequency(NF("if (__builtin_expect(n == 7, 1)) { consume(1); return 1; }"), 0, 1);
	expect_frequency(NF("if (__builtin_expect_with_probability(p + 14 > end, 1, 0.7)) {\n"
			    "consume(1); return 1; }"),
			 0, 0.7);
}

static void loops_by_their_bound(void **state)
{
	/* ten rounds where nothing is known of the end, fewer where the bound says so */
	expect_frequency(NF("do { consume(*p); } while (n-- & *p++);"), 0, 10);
	expect_frequency(NF("do { consume(k); k++; consume(cpu()); } while (k < 100);"), 0, 10);
	expect_frequency(NF("if (n > 3) do { consume(k); k++; consume(cpu()); } while (k < 100);"),
			 0, 5);
}

static void branches_multiply(void **state)
{
	expect_frequency(NF("if (p + 14 > end) return 1;\n"
			    "v = lookup(array, &k); if (!v) return 0;\n"
			    "if (n > 3) { consume(cpu()); return 1; }"),
			 0, 0.98 * 0.75 * 0.5);
	/* where ways meet again all of them count */
	expect_frequency(NF("if (n > 3) k = cpu(); if (n & 1) k += cpu(); consume(k);"), 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bounds_checks_pass),      cmocka_unit_test(lookups_find_something),
	    cmocka_unit_test(the_source_knows_better), cmocka_unit_test(loops_by_their_bound),
	    cmocka_unit_test(branches_multiply),
	};

	return cmocka_run_group_tests_name("ir/llvm_frequency", tests, NULL, NULL);
}
