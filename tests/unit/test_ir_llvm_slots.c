/* What a pointer that was stored on the stack points to when it comes back. */
#include "ir_effects_case.h"

#include "ir/llvm_slots.h"

/* The look-up of a place: which memory the pointer shows that `consume_pointer` gets. */
#define NF(body)                                                                                   \
	"struct kept { u8 *p; u8 bytes[8]; u64 number; };\n"                                       \
	"int prog(void *c) { u8 *p = data(c), *end = data_end(c); u32 n = ifindex(c), k = 0;\n"    \
	"u64 *v = lookup(hash, &k); (void)p; (void)end; (void)n; (void)k; (void)v;\n" body         \
	"\nreturn 2; }"

static const char *memory_text(enum llvm_memory memory)
{
	static const char *const text[] = {
	    "unknown", "packet", "end",    "context", "stack", "map",
	    "inner",   "self",   "global", "kernel",  "null",  "mixed",
	};

	return text[memory];
}

static LLVMValueRef argument_of(const struct ir_program *program, const char *name)
{
	size_t length;

	for (size_t b = 0; b < program->block_count; b++)
		for (LLVMValueRef i = LLVMGetFirstInstruction(program->blocks[b].value); i;
		     i = LLVMGetNextInstruction(i))
			if (LLVMIsACallInst(i) &&
			    !strcmp(LLVMGetValueName2(LLVMGetCalledValue(i), &length), name))
				return LLVMGetOperand(i, 0);
	fail_msg("no call of %s", name);
	return NULL;
}

static void expect_shown(const char *body, const char *wanted)
{
	struct effects_case *c = case_open(body, "-g0");
	LLVMValueRef pointer = argument_of(&c->program, "consume_pointer");
	const char *found = memory_text(llvm_pointer_region(&c->program, pointer).memory);

	if (strcmp(found, wanted))
		fail_msg("`%s`, not `%s`: %s", found, wanted, body);
	case_close(c);
}

static void what_was_stored_comes_back(void **state)
{
	expect_shown(NF("u8 *volatile q = p; consume_pointer(q);"), "packet");
	expect_shown(NF("u64 *volatile q = v; consume_pointer(q);"), "map");
	expect_shown(NF("u64 *volatile q = v; if (n) q = 0; consume_pointer(q);"), "map");
	expect_shown(NF("u8 *volatile q = p; if (n) q = (u8 *)v; consume_pointer(q);"), "mixed");
	expect_shown(NF("u8 *volatile q = p; for (; n; n--) q = q + 4; consume_pointer(q);"),
		     "packet");
}

/* An index of any size still keeps to the words. */
static void words_of_an_array_are_met_whole(void **state)
{
	expect_shown(NF("u64 *volatile q[4] = {}; q[n] = v; consume_pointer(q[1]);"), "map");
	expect_shown(NF("u64 *volatile q[4] = {}; q[1] = v; consume_pointer(q[n]);"), "map");
	expect_shown(NF("volatile struct kept a[2]; a[0].p = p; a[n].p = p;"
			"consume_pointer(a[0].p);"),
		     "packet");
	expect_shown(NF("volatile struct kept a[2]; a[0].p = p; a[n].bytes[n] = 1;"
			"consume_pointer(a[0].p);"),
		     "mixed");
}

static void copies_carry_it(void **state)
{
	expect_shown(NF("u8 *volatile q = p; volatile u64 w = *(volatile u64 *)&q;"
			"consume_pointer((void *)w);"),
		     "packet");
	expect_shown(NF("volatile struct kept a, b; a.p = p; a.number = n; b = a;"
			"consume_pointer(b.p);"),
		     "packet");
	expect_shown(NF("volatile struct kept a[2], b[2]; a[0].p = a[1].p = p; b[n & 1].p = p;"
			"*(volatile u32 *)&a[n & 1] = n; b[0] = a[0]; consume_pointer(b[0].p);"),
		     "mixed");
}

static void what_may_hit_it_blurs_it(void **state)
{
	expect_shown(NF("volatile struct kept a; a.p = p; a.bytes[n & 7] = 1;"
			"consume_pointer(a.p);"),
		     "packet");
	expect_shown(NF("volatile struct kept a; a.p = p; if (n < 8) a.bytes[n] = 1;"
			"consume_pointer(a.p);"),
		     "packet");
	expect_shown(NF("volatile struct kept a; a.p = p; a.bytes[n & 63] = 1;"
			"consume_pointer(a.p);"),
		     "mixed");
	expect_shown(NF("volatile struct kept a; a.p = p; *(volatile u32 *)&a = n;"
			"consume_pointer(a.p);"),
		     "mixed");
	/* half of one pointer and half of another */
	expect_shown(NF("volatile struct kept a; a.p = p;"
			"*(u8 *volatile __attribute__((aligned(4))) *)(a.bytes - 4) = p;"
			"consume_pointer(a.p);"),
		     "mixed");
	/* through a pointer that comes from outside: what has been given away may be hit */
	expect_shown(NF("volatile struct kept a; a.p = p; volatile u8 *volatile r = (u8 *)&a;"
			"(void)r; *(volatile u32 *)v[0] = 1; consume_pointer(a.p);"),
		     "mixed");
	expect_shown(NF("volatile struct kept a; a.p = p; *(volatile u32 *)v[0] = 1;"
			"consume_pointer(a.p);"),
		     "packet");
}

/* A function that is called finds what lies behind an address that was kept. */
static void whoever_is_called_may_hit_it(void **state)
{
	expect_shown(NF("u8 *volatile q = p; u8 *volatile *volatile r = &q;"
			"consume_pointer(*r);"),
		     "mixed");
}

static void numbers_are_no_pointers(void **state)
{
	expect_shown(NF("volatile struct kept a; a.p = p; a.number = n * 5ull;"
			"consume_pointer((void *)a.number);"),
		     "unknown");
}

static void a_write_anywhere_is_an_op_for_each(void **state)
{
	struct effects_case *c = case_open(NF("*(volatile u32 *)v[0] = 1;"), "-g0");

	assert_non_null(case_op(c, IR_OP_PKT_WRITE, 0));
	assert_non_null(case_op(c, IR_OP_MAP_WRITE, 0));
	case_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_stored_comes_back),
	    cmocka_unit_test(words_of_an_array_are_met_whole),
	    cmocka_unit_test(copies_carry_it),
	    cmocka_unit_test(what_may_hit_it_blurs_it),
	    cmocka_unit_test(whoever_is_called_may_hit_it),
	    cmocka_unit_test(numbers_are_no_pointers),
	    cmocka_unit_test(a_write_anywhere_is_an_op_for_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
