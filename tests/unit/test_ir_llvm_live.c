/* What travels across an edge, and where no packet can be handed over. */
#include "ir_effects_case.h"

/* The edge that is looked at is the one into CUT. */
#define CUT "consume(cpu());"
#define NF(body)                                                                                   \
	"int prog(void *c) { u8 *p = data(c), *end = data_end(c); u32 n = ifindex(c), k = 0;\n"    \
	"u64 *v; (void)p; (void)end; (void)n; (void)k; (void)v;\n" body "\nreturn 2; }"

static const char *kind_text(const struct ir_live *live)
{
	static const char *const text[] = {"scalar", "packet", "value", "stack", "bytes"};

	return text[live->kind];
}

/* "scalar 4; packet 4", and why there can be no cut. */
static char *live_before(struct effects_case *c, const struct ir_op *op)
{
	const struct ir_block *block = &c->program.blocks[op->block];
	const struct ir_edge *edge = &c->program.edges[block->in[0]];
	char *all = arena_strdup(c->arena, "");

	assert_int_equal(block->in_count, 1);
	for (size_t i = 0; i < edge->live_count; i++)
		all = arena_printf(c->arena, "%s%s%s %u", all, i ? "; " : "",
				   kind_text(&edge->live[i]), edge->live[i].size);
	if (edge->cut.reason != IR_REASON_NONE)
		all = arena_printf(c->arena, "%s%s%s", all, *all ? "; " : "",
				   ir_reason_text(edge->cut.reason));
	return all;
}

static void expect_live(const char *body, const char *wanted)
{
	struct effects_case *c = case_open(body, "-g0");
	struct diag diag = {.out = stderr, .prog = "test"};
	const char *found;

	assert_int_equal(ir_compute_live(&c->program, &diag), 0);
	found = live_before(c, case_op(c, IR_OP_CLOCK, 0));
	if (strcmp(found, wanted))
		fail_msg("`%s`, not `%s`: %s", found, wanted, body);
	case_close(c);
}

static void scalars_in_their_width(void **state)
{
	expect_live(NF("if (p + 8 > end) return 1; u8 x = *p;" CUT "consume(x);"), "scalar 1");
	expect_live(NF("if (p + 8 > end) return 1; u16 x = *(u16 *)p;" CUT "consume(x);"),
		    "scalar 2");
	expect_live(NF("if (p + 8 > end) return 1; u64 x = *(u64 *)p;" CUT "consume(x);"),
		    "scalar 8");
	/* what was computed, not what it was computed from; and once */
	expect_live(NF("if (p + 8 > end) return 1; u32 x = *(u32 *)p * 7 + p[4];" CUT
		       "consume(x); consume(x); consume(x + 1);"),
		    "scalar 4");
	expect_live(NF("if (p + 8 > end) return 1; u8 x = *p;" CUT "consume(1);"), "");
	/* the narrow value where both are there */
	expect_live(NF("if (p + 8 > end) return 1; u64 x = *p; consume(x);" CUT "consume(x);"),
		    "scalar 1");
}

static void what_every_packet_has_is_free(void **state)
{
	expect_live(NF(CUT "consume(n); consume_pointer(p); consume_pointer(end);"), "");
	expect_live(NF("if (p + 20 > end) return 1;" CUT "consume(p[19]);"), "");
}

static void pointers_into_the_packet(void **state)
{
	expect_live(NF("if (p + 1 > end) return 1; u8 *q = p + *p;" CUT "consume_pointer(q);"),
		    "packet 4");
	expect_live(NF("u8 *q = p; while (q + 1 <= end && *q) q++;" CUT "consume_pointer(q);"),
		    "packet 4");
	expect_live(
	    NF("u8 *q = p; while (q + 1 <= end && *q) q++;" CUT "if (q + 9 <= end) consume(q[8]);"),
	    "packet 4");
}

static void map_values_once(void **state)
{
	expect_live(NF("v = lookup(array, &k); if (!v) return 1;" CUT "v[0] = 1; v[1] = 2;"),
		    "value 4");
	expect_live(NF("v = lookup(array, &k);" CUT "if (v) v[1] = 2;"), "value 4");
	expect_live(NF("v = lookup(array, &k); if (!v) return 1;" CUT "consume(3);"), "");
}

static void bytes_of_objects_that_are_read(void **state)
{
	/* the key's eight, not those behind them, nor those that are yet to be written */
	expect_live(NF("u32 key[4]; key[0] = n; key[1] = 5; key[2] = 9; key[3] = 1;\n"
		       "consume_pointer(key);" CUT "v = lookup(hash, key); if (v) *v = 1;"),
		    "stack 8");
	expect_live(NF("u64 key;" CUT "key = n; v = lookup(hash, &key); if (v) *v = 1;"), "");
	expect_live(NF("u64 key = 0; consume_pointer(&key);" CUT "consume(2);"), "");
}

static void edges_that_cannot_be_cut(void **state)
{
	/* a pointer from before the packet's start moved; a new one is as good as any */
	expect_live(NF("if (adjust_head(c, 4)) return 1;" CUT "consume_pointer(p);"),
		    "live-pointer");
	expect_live(NF("if (adjust_head(c, 4)) return 1; p = data(c);" CUT "consume_pointer(p);"),
		    "");
	/* the stack or the packet */
	expect_live(NF("u64 s = n; consume_pointer(&s); u8 *q = p; if (n > 4) { consume(7);\n"
		       "q = (u8 *)&s; }" CUT "consume_pointer(q);"),
		    "stack 8; live-mixed");
	expect_live(NF("long r = redirect_map(array, n, 0);" CUT "return r;"),
		    "scalar 8; redirect-chosen");
}

/* The most that there can be, in words; refused where that cannot be told. */
static void expect_own(const char *body, uint32_t bytes, enum ir_reason reason)
{
	struct effects_case *c = case_open(body, "-g0");
	struct diag diag = {.out = stderr, .prog = "test"};
	const struct ir_block *block;

	assert_int_equal(ir_compute_live(&c->program, &diag), 0);
	block = &c->program.blocks[case_op(c, IR_OP_CLOCK, 0)->block];
	for (size_t i = 0; i < block->in_count; i++) {
		const struct ir_edge *edge = &c->program.edges[block->in[i]];

		if (edge->own_metadata != bytes || edge->cut.reason != reason)
			fail_msg("%u bytes, %s: %s", edge->own_metadata,
				 ir_reason_text(edge->cut.reason), body);
	}
	case_close(c);
}

static void own_metadata_has_a_bound(void **state)
{
	expect_own(NF(CUT), 0, IR_REASON_NONE);
	expect_own(NF("if (adjust_meta(c, -8)) return 1;" CUT), 8, IR_REASON_NONE);
	expect_own(NF("if (n & 1) adjust_meta(c, -8); else adjust_meta(c, -20);" CUT), 20,
		   IR_REASON_NONE);
	expect_own(NF("adjust_meta(c, -8); adjust_meta(c, 4); adjust_meta(c, -6);" CUT), 12,
		   IR_REASON_NONE);
	expect_own(NF("adjust_meta(c, -(int)(n & 6));" CUT), 4, IR_REASON_NONE);
	expect_own(NF("adjust_meta(c, n & 7);" CUT), 0, IR_REASON_NONE);
	/* a loop, and a number that varies */
	expect_own(NF("for (k = 0; k < n; k++) adjust_meta(c, -4);" CUT), 252,
		   IR_REASON_OWN_METADATA);
	expect_own(NF("adjust_meta(c, (int)n);" CUT), 252, IR_REASON_OWN_METADATA);
	/* a pointer to it travels as one into the packet, and the nearest is free */
	expect_live(NF("adjust_meta(c, -8); u8 *m = data_meta(c);" CUT "consume_pointer(m + 4);"),
		    "");
	expect_live(NF("adjust_meta(c, -8); u8 *m = (u8 *)data_meta(c) + (n & 3);" CUT
		       "consume_pointer(m);"),
		    "packet 4");
	expect_live(NF("u8 *m = data_meta(c); adjust_meta(c, -8);" CUT "consume_pointer(m);"),
		    "live-pointer");
}

static void the_start_is_an_edge_of_nothing(void **state)
{
	struct effects_case *c = case_open(NF("consume(n);"), "-g0");
	struct diag diag = {.out = stderr, .prog = "test"};

	assert_int_equal(ir_compute_live(&c->program, &diag), 0);
	assert_int_equal(c->program.edges[0].live_count, 0);
	assert_int_equal(c->program.edges[0].restored_count, 0);
	assert_int_equal(c->program.edges[0].cut.reason, IR_REASON_NONE);
	case_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(scalars_in_their_width),
	    cmocka_unit_test(what_every_packet_has_is_free),
	    cmocka_unit_test(pointers_into_the_packet),
	    cmocka_unit_test(map_values_once),
	    cmocka_unit_test(bytes_of_objects_that_are_read),
	    cmocka_unit_test(edges_that_cannot_be_cut),
	    cmocka_unit_test(own_metadata_has_a_bound),
	    cmocka_unit_test(the_start_is_an_edge_of_nothing),
	};

	return cmocka_run_group_tests_name("ir/llvm_live", tests, NULL, NULL);
}
