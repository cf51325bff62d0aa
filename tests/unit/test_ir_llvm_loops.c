/* Which loops end in sight of the kernel's verifier. */
#include "ir_effects_case.h"

/* The program's only loop: its trips, 0 for one without a bound, -1 where clang left no loop. */
static int64_t trips(const char *body)
{
	struct effects_case *c = case_open(body, "-g0");
	int64_t found = -1;

	for (size_t o = 0; o < c->program.op_count; o++)
		if (c->program.ops[o].kind == IR_OP_LOOP)
			found = c->program.ops[o].loop_bounded
				    ? (int64_t)c->program.ops[o].loop_trips
				    : 0;
	case_close(c);
	return found;
}

#define LOOP(loop)                                                                                 \
	"int prog(void *c) { u8 *p = data(c), *end = data_end(c); u32 n = ifindex(c), i = 0;\n"    \
	"int s = 0; (void)end; (void)i; (void)s;\n" loop " return 2; }"

static void expect_between(const char *body, int64_t least, int64_t most)
{
	int64_t found = trips(body);

	if (found < least || found > most)
		fail_msg("%d trips, not %d to %d: %s", (int)found, (int)least, (int)most, body);
}

static void counts_to_constants(void **state)
{
	expect_between(LOOP("for (i = 0; i < 100; i++) consume(i);"), 100, 102);
	expect_between(LOOP("for (i = 0; i < 1000; i += 7) consume(i);"), 142, 145);
	expect_between(LOOP("for (i = 100; i > 0; i--) consume(i);"), 100, 102);
	expect_between(LOOP("for (s = -50; s < 50; s++) consume(s);"), 100, 102);
	expect_between(LOOP("for (s = 50; s > -50; s -= 2) consume(s);"), 50, 53);
}

static void counts_by_uneven_steps(void **state)
{
	expect_between(LOOP("for (i = 0; i < 100; i++) { consume(i); if (p[i] == 3) i += 3; }"),
		       100, 102);
	expect_between(LOOP("for (i = 0; i < 100; i += p[i] == 3 ? 4 : 2) consume(i);"), 50, 53);
	expect_between(LOOP("for (s = 50; s > 0; s -= p[s] == 3 ? 2 : 5) consume(s);"), 25, 28);
	/* up and down, and past the only number that ends it */
	expect_between(LOOP("for (i = 0; i < 100; i++) { consume(i); if (p[i] == 3) i -= 3; }"), 0,
		       0);
	expect_between(LOOP("for (i = 0; i != 100; i += p[i] == 3 ? 3 : 2) consume(i);"), 0, 0);
}

static void counts_to_values_in_range(void **state)
{
	expect_between(LOOP("for (i = 0; i < (n & 15); i++) consume(i);"), 15, 17);
	expect_between(LOOP("n &= 31; for (i = n; i > 4; i--) consume(i);"), 27, 34);
	expect_between(LOOP("if (n > 20) return 1; for (i = 0; i < n; i++) consume(i);"), 20, 22);
}

static void knows_what_has_no_end(void **state)
{
	expect_between(LOOP("while (p + 1 <= end) consume(*p++);"), 0, 0);
	expect_between(LOOP("for (i = 0; i < n; i++) consume(i);"), 0, 0);
	expect_between(LOOP("for (i = 0; i < 100000000; i++) consume(i);"), 0, 0);
	/* the count is no reason to leave, only one of two that it takes */
	expect_between(LOOP("for (i = 0; i < 16 || p + i < end; i++) consume(i);"), 0, 0);
	/* leaves when it is below the limit, from where it only grows */
	expect_between(LOOP("for (i = n; i > 16; i++) consume(i);"), 0, 0);
}

static void folds_of_two_tests(void **state)
{
	expect_between(LOOP("for (i = 0; i < 16 && p + 1 <= end; i++) consume(*p++);"), 16, 18);
	expect_between(LOOP("for (i = 0; p + 1 <= end && i < 16; i++) consume(*p++);"), 16, 18);
	expect_between(LOOP("for (i = 0; i < 160 && p + 1 <= end && *p; i++) { consume(i); p++; }"),
		       160, 162);
	expect_between(LOOP("for (i = 0; i < 16 || i < 40; i++) consume(i);"), 16, 42);
	expect_between(LOOP("do { if (p + 1 > end) break; n += *p; } while (*p++ && ++i < 20);\n"
			    "consume(n);"),
		       20, 22);
	expect_between(LOOP("do { consume(i); } while (!((++i >= 30) | (n == i)));"), 30, 32);
	expect_between(LOOP("for (i = 0; !(i >= 16) & !!ifindex(c); i++) consume(i);"), 16, 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_to_constants),       cmocka_unit_test(counts_by_uneven_steps),
	    cmocka_unit_test(counts_to_values_in_range), cmocka_unit_test(knows_what_has_no_end),
	    cmocka_unit_test(folds_of_two_tests),
	};

	return cmocka_run_group_tests_name("ir/llvm_loops", tests, NULL, NULL);
}
