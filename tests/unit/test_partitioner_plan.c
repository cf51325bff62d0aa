/* Plans of hand-built NFs: where the cut falls, what the maps become, what is refused and how. */
#include <errno.h>
#include <linux/bpf.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "partitioner/plan.h"
#include "tests/unit/partitioner_graph.h"

enum { KERNEL = 1 << IR_LAYER_KERNEL, USER = 1 << IR_LAYER_USER };

struct setting {
	struct arena *arena;
	struct target target;
	struct diag diag;
	char *text; /* what was reported */
	size_t size;
};

static int set_up(void **state)
{
	struct setting *s = calloc(1, sizeof *s);

	s->arena = arena_new();
	s->diag = (struct diag){.out = open_memstream(&s->text, &s->size), .prog = "cleave"};
	*state = s;
	return target_read(s->arena, NULL, &s->target, &s->diag);
}

static int tear_down(void **state)
{
	struct setting *s = *state;

	fclose(s->diag.out);
	free(s->text);
	arena_free(&s->arena);
	free(s);
	return 0;
}

/*
 * A firewall: b0 parses, b1 looks up a flow; b2 (most packets) decides, b3 scans the payload in a
 * loop without a bound, b4 is the verdict of either.
 */
static struct ir_program *firewall(struct arena *a)
{
	struct ir_program *p = graph_new(a, 5);

	graph_map(p, "flows", BPF_MAP_TYPE_HASH);
	graph_edge(p, 0, 1, 0.9);
	graph_edge(p, 0, 4, 0.1);
	graph_edge(p, 1, 2, 0.95);
	graph_edge(p, 1, 3, 0.05);
	graph_edge(p, 2, 4, 1);
	graph_edge(p, 3, 3, 0.9);
	graph_edge(p, 3, 4, 0.1);
	graph_op(p, 0, IR_OP_PKT_READ);
	graph_map_op(p, 1, IR_OP_MAP_LOOKUP, 0);
	graph_op(p, 3, IR_OP_LOOP);
	graph_op(p, 4, IR_OP_VERDICT)->verdicts = "DROP|TX";
	graph_live(p, 4, IR_LIVE_PACKET, 4, IR_NONE, "data");
	graph_live(p, 4, IR_LIVE_SCALAR, 8, IR_NONE, "hash");
	return p;
}

static struct plan *plan_with(struct setting *s, struct ir_program *p, struct split split,
			      bool strict)
{
	struct plan *plan = NULL;

	assert_int_equal(partitioner_legal_layers(p, &s->target, &s->diag), 0);
	int err = partitioner_plan(p, &s->target, split, strict, &plan, &s->diag);

	assert_int_equal(err, plan ? 0 : -EINVAL);
	return plan;
}

static void cuts_before_the_loop(void **state)
{
	struct setting *s = *state;
	struct ir_program *p = firewall(s->arena);
	struct plan *plan = plan_with(s, p, (struct split){SPLIT_AUTO}, true);

	assert_non_null(plan);
	assert_int_equal(plan->cut_count, 1);
	assert_int_equal(plan->cuts[0].edge, 4);
	assert_int_equal(plan->cuts[0].entry, 1);
	assert_true(fabs(plan->cuts[0].frequency - 0.045) < 1e-9);
	/* 8 of header, 8 of value, 4 of offset */
	assert_int_equal(plan_handoff_bytes(plan, &plan->cuts[0]), 20);
	assert_int_equal(plan->cuts[0].live_bytes, 12);
	assert_int_equal(plan->blocks[1].layers, KERNEL);
	assert_int_equal(plan->blocks[3].layers, USER);
	assert_int_equal(plan->blocks[4].layers, KERNEL | USER);
	assert_true(fabs(plan->blocks[3].frequency[IR_LAYER_USER] - 0.45) < 1e-9);
	assert_int_equal(plan->maps[0].home, MAP_HOME_KERNEL);
	assert_true(isinf(plan->kernel_cost_ns));
	assert_true(plan->cost_ns < plan->user_cost_ns);
	assert_true(plan->exact);
}

static void refuses_all_kernel(void **state)
{
	struct setting *s = *state;
	struct plan *plan = plan_with(s, firewall(s->arena), (struct split){SPLIT_KERNEL}, true);

	assert_null(plan);
	fflush(s->diag.out);
	assert_non_null(strstr(s->text, "nf.bpf.c:40:2: error: this loop has no bound that the "
					"kernel's verifier can see"));
	assert_non_null(strstr(s->text, "so --split kernel is impossible"));
}

static void puts_all_in_user(void **state)
{
	struct setting *s = *state;
	struct plan *plan = plan_with(s, firewall(s->arena), (struct split){SPLIT_USER}, true);

	assert_int_equal(plan->cut_count, 1);
	assert_int_equal(plan->cuts[0].edge, 0);
	assert_int_equal(plan->cuts[0].entry, 0);
	assert_int_equal(plan->blocks[0].layers, USER);
	assert_int_equal(plan->maps[0].home, MAP_HOME_USER);
	assert_true(plan->cost_ns == plan->user_cost_ns);
}

/* At line 20 the edge into b1 is cut; b4, which the kernel also reaches, stays in both. */
static void cuts_at_a_line(void **state)
{
	struct setting *s = *state;
	struct plan *plan =
	    plan_with(s, firewall(s->arena), (struct split){SPLIT_AT_LINE, .line = 15}, true);

	assert_int_equal(plan->cut_count, 1);
	assert_int_equal(plan->cuts[0].edge, 1);
	assert_int_equal(plan->blocks[4].layers, KERNEL | USER);
	assert_null(
	    plan_with(s, firewall(s->arena), (struct split){SPLIT_AT_LINE, .line = 99}, true));
	fflush(s->diag.out);
	assert_non_null(strstr(s->text, "no code of the program begins in line 99"));
}

/* The edge that is asked for, and the loop's as well: nothing else. */
static void cuts_at_every_edge(void **state)
{
	struct setting *s = *state;
	struct ir_program *p = firewall(s->arena);
	int *edges;

	/* User is so cheap that everything would go there, were it not for the edge asked for. */
	s->target.handoff_ns = 0;
	s->target.instruction_ns[IR_LAYER_USER] = 0;
	assert_int_equal(partitioner_legal_layers(p, &s->target, &s->diag), 0);
	p->edges[5].cut = (struct ir_why){IR_REASON_LIVE_POINTER, "p"};
	size_t count = partitioner_legal_cuts(p, &s->target, &edges);

	assert_int_equal(count, 5);
	for (size_t i = 0; i < count; i++) {
		struct split split = {SPLIT_AT_EDGE, .edge = edges[i]};
		struct plan *plan = plan_with(s, p, split, true);
		bool found = false;

		assert_non_null(plan);
		for (size_t k = 0; k < plan->cut_count; k++)
			found |= plan->cuts[k].edge == edges[i];
		assert_true(found);
		assert_int_equal(plan->cut_count, edges[i] == 2 || edges[i] == 3 ? 2 : 1);
		assert_true(edges[i] != 5);
	}
}

/*
 * Here the map is looked up in the kernel and written in user. Strict order hands over a packet of
 * a held key just before the look-up, and the block of the look-up is then in both parts.
 */
static void orders_shared_maps(void **state)
{
	struct setting *s = *state;
	struct ir_program *p = graph_new(s->arena, 4);

	graph_map(p, "flows", BPF_MAP_TYPE_HASH);
	graph_edge(p, 0, 1, 1);
	graph_edge(p, 1, 2, 0.95);
	graph_edge(p, 1, 3, 0.05);
	graph_map_op(p, 1, IR_OP_MAP_LOOKUP, 0);
	graph_op(p, 2, IR_OP_VERDICT)->verdicts = "DROP";
	graph_op(p, 3, IR_OP_LOOP);
	graph_map_op(p, 3, IR_OP_MAP_UPDATE, 0);
	struct plan *plan = plan_with(s, p, (struct split){SPLIT_AUTO}, true);

	assert_non_null(plan);
	assert_int_equal(plan->ordered_maps, 1);
	assert_true(plan->maps[0].ordered);
	assert_int_equal(plan->maps[0].home, MAP_HOME_SHARED_VALUES);
	assert_int_equal(plan->cut_count, 2);
	assert_false(plan->cuts[0].held_only);
	assert_true(plan->cuts[1].held_only);
	assert_int_equal(plan->cuts[1].edge, 1);
	assert_int_equal(plan->cuts[1].entry, 2);
	assert_int_equal(plan->cuts[1].map, 0);
	assert_int_equal(plan->blocks[1].layers, KERNEL | USER);
	/* header 8, ticket 8 + 8 */
	assert_int_equal(plan_handoff_bytes(plan, &plan->cuts[1]), 24);
	plan = plan_with(s, p, (struct split){SPLIT_AUTO}, false);
	assert_int_equal(plan->cut_count, 1);
	assert_int_equal(plan->ordered_maps, 0);
	/* Where the held packet cannot be handed over, strict order must find another way: all
	 * user. */
	p->edges[1].cut.reason = IR_REASON_LIVE_MIXED;
	plan = plan_with(s, p, (struct split){SPLIT_AUTO}, true);
	assert_int_equal(plan->cuts[0].edge, 0);
}

/*
 * The same where the held packet cannot be handed over just before the look-up, but before that:
 * there its key is not known, so any packet in flight that touches the map holds it.
 */
static void holds_earlier(void **state)
{
	struct setting *s = *state;
	struct ir_program *p = graph_new(s->arena, 5);

	graph_map(p, "flows", BPF_MAP_TYPE_HASH);
	graph_map(p, "counts", BPF_MAP_TYPE_HASH);
	graph_edge(p, 0, 1, 0.5);
	graph_edge(p, 0, 2, 0.5);
	graph_edge(p, 1, 2, 1);
	graph_edge(p, 2, 3, 0.5);
	graph_edge(p, 2, 4, 0.5);
	graph_map_op(p, 1, IR_OP_MAP_UPDATE, 1);
	graph_map_op(p, 2, IR_OP_MAP_LOOKUP, 0);
	graph_op(p, 3, IR_OP_VERDICT)->verdicts = "DROP";
	graph_map_op(p, 4, IR_OP_MAP_UPDATE, 0);
	p->edges[3].cut.reason = IR_REASON_LIVE_MIXED; /* b1 -> b2 */
	struct plan *plan = plan_with(s, p, (struct split){.kind = SPLIT_AT_EDGE, .edge = 5}, true);

	assert_non_null(plan);
	assert_true(plan->maps[0].ordered && plan->maps[0].whole);
	/* user may touch it only behind the early one */
	assert_true(plan->maps[1].ordered && !plan->maps[1].whole);
	assert_int_equal(plan->cut_count, 3);
	assert_int_equal(plan->cuts[0].edge, 5);
	assert_int_equal(plan->cuts[1].edge, 1); /* before b1: its own op, and that of b2 */
	assert_true(plan->cuts[1].held_only);
	assert_int_equal(plan->cuts[1].map, 1);
	assert_int_equal(plan->cuts[1].early_count, 1);
	assert_int_equal(plan->cuts[1].early[0], 0);
	assert_int_equal(plan->cuts[2].edge, 2); /* straight before b2 */
	assert_int_equal(plan->cuts[2].map, 0);
	assert_int_equal(plan->cuts[2].early_count, 0);
	/* nowhere, not even at the start */
	p->edges[0].cut.reason = p->edges[1].cut.reason = IR_REASON_LIVE_MIXED;
	assert_null(plan_with(s, p, (struct split){.kind = SPLIT_AT_EDGE, .edge = 5}, true));
}

/* More ordered maps than a ticket tells apart are one; too many held cuts are one at the start. */
static void holds_many_as_one(void **state)
{
	enum { MAPS = 17, OPS = 100 };
	struct setting *s = *state;
	struct ir_program *p = graph_new(s->arena, OPS + 1);

	for (int m = 0; m < MAPS; m++)
		graph_map(p, arena_printf(s->arena, "m%d", m), BPF_MAP_TYPE_HASH);
	for (int b = 0; b < OPS; b++)
		graph_edge(p, b, b + 1, 1);
	for (int b = 0; b < OPS; b++)
		graph_map_op(p, b, IR_OP_MAP_UPDATE, b % MAPS);
	graph_op(p, OPS, IR_OP_VERDICT)->verdicts = "DROP";
	struct split middle = {.kind = SPLIT_AT_EDGE, .edge = 40};
	struct plan *plan = plan_with(s, p, middle, true);

	assert_non_null(plan);
	assert_true(plan->ordered_as_one);
	assert_int_equal(plan->ordered_maps, 1);
	assert_int_equal(plan->cut_count, 1 + 40);
	assert_true(plan->maps[0].whole && plan->maps[MAPS - 1].whole);
	middle.edge = OPS - 1;
	plan = plan_with(s, p, middle, true);
	assert_int_equal(plan->cut_count, 2);
	assert_true(plan->cuts[1].held_only);
	assert_int_equal(plan->cuts[1].edge, 0);
	assert_int_equal(plan->cuts[1].entry, 0);
}

static void keeps_counters_in_the_kernel(void **state)
{
	struct setting *s = *state;
	struct ir_program *p = firewall(s->arena);
	int lookup;

	graph_map(p, "counts", BPF_MAP_TYPE_PERCPU_ARRAY);
	lookup = (int)p->op_count;
	graph_map_op(p, 4, IR_OP_MAP_LOOKUP, 1)->add_only = true;
	graph_map_op(p, 4, IR_OP_MAP_ADD, 1)->lookup = lookup;
	struct plan *plan = plan_with(s, p, (struct split){SPLIT_AUTO}, true);

	assert_int_equal(plan->maps[1].home, MAP_HOME_KERNEL_BATCHED);
	assert_false(plan->maps[1].ordered);
	assert_int_equal(plan->cut_count, 1);
	assert_true(plan->maps[1].kernel_writes && plan->maps[1].user_writes);
}

/* All-kernel is the answer when it is best, and a kernel-only op behind an edge forbids to cut it.
 */
static void stays_in_the_kernel(void **state)
{
	struct setting *s = *state;
	struct ir_program *p = graph_new(s->arena, 3);

	graph_edge(p, 0, 1, 0.5);
	graph_edge(p, 0, 2, 0.5);
	graph_forbid(graph_op(p, 1, IR_OP_HELPER), IR_LAYER_USER, IR_REASON_HELPER_KERNEL_ONLY,
		     "fib_lookup");
	graph_op(p, 2, IR_OP_VERDICT)->verdicts = "PASS";
	struct plan *plan = plan_with(s, p, (struct split){SPLIT_AUTO}, true);

	assert_int_equal(plan->cut_count, 0);
	assert_true(plan->cost_ns == plan->kernel_cost_ns);
	assert_int_equal(p->edges[0].cut.reason, IR_REASON_USER_ILLEGAL);
	assert_int_equal(p->edges[1].cut.reason, IR_REASON_USER_ILLEGAL);
	assert_int_equal(p->edges[2].cut.reason, IR_REASON_NONE);
	assert_null(plan_with(s, p, (struct split){SPLIT_USER}, true));
	fflush(s->diag.out);
	assert_non_null(strstr(s->text, "only the kernel can answer fib_lookup"));
}

/* User only, then kernel only: no layer is left. */
static void reports_what_has_no_layer(void **state)
{
	struct setting *s = *state;
	struct ir_program *p = graph_new(s->arena, 2);

	graph_edge(p, 0, 1, 1);
	graph_forbid(graph_op(p, 0, IR_OP_FLOAT), IR_LAYER_KERNEL, IR_REASON_FLOATING_POINT, NULL);
	graph_forbid(graph_op(p, 1, IR_OP_HELPER), IR_LAYER_USER, IR_REASON_HELPER_KERNEL_ONLY,
		     "fib_lookup");
	assert_int_equal(partitioner_legal_layers(p, &s->target, &s->diag), -EINVAL);
	fflush(s->diag.out);
	assert_non_null(
	    strstr(s->text, "nf.bpf.c:10:2: error: float in line 10 can run in no layer"));
	assert_non_null(strstr(s->text, "helper in line 20, which comes later"));
}

static void spreads_legality(void **state)
{
	struct setting *s = *state;
	struct ir_program *p = firewall(s->arena);

	p->blocks[4].in_count = 0; /* only the scan reaches the verdict */
	p->blocks[2].out_count = 0;
	p->blocks[0].out_count = 1;
	plan_with(s, p, (struct split){SPLIT_AUTO}, true);
	assert_int_equal(p->ops[3].missing[IR_LAYER_KERNEL].reason, IR_REASON_AFTER_USER_OP);
	assert_string_equal(p->ops[3].missing[IR_LAYER_KERNEL].detail, "the loop in line 40");
	assert_int_equal(p->ops[1].missing[IR_LAYER_NIC].reason, IR_REASON_STATE_NIC);
	assert_int_equal(p->ops[0].missing[IR_LAYER_NIC].reason, IR_REASON_COMPUTE_NIC);
}

/* More live bytes than the metadata holds, and the kernel has left traces: cut earlier. */
static void cuts_elsewhere_when_too_big(void **state)
{
	struct setting *s = *state;
	struct ir_program *p = firewall(s->arena);

	p->ops[0].kind = IR_OP_PKT_WRITE;
	graph_live(p, 4, IR_LIVE_STACK, 300, IR_NONE, "buffer");
	struct plan *plan = plan_with(s, p, (struct split){SPLIT_AUTO}, false);

	assert_int_equal(p->edges[4].cut.reason, IR_REASON_LIVE_TOO_BIG);
	assert_string_equal(p->edges[4].cut.detail, "312");
	assert_int_equal(plan->cuts[0].edge, 1);
}

/* The same without traces: user starts over, and nothing travels. */
static void starts_over_when_too_big(void **state)
{
	struct setting *s = *state;
	struct ir_program *p = firewall(s->arena);
	struct plan *plan;

	graph_live(p, 4, IR_LIVE_STACK, 300, IR_NONE, "buffer");
	plan = plan_with(s, p, (struct split){.kind = SPLIT_AT_EDGE, .edge = 4}, false);
	assert_true(p->edges[4].restarts);
	assert_int_equal(p->edges[4].cut.reason, IR_REASON_NONE);
	for (size_t n = 0; n < plan->cut_count; n++)
		if (plan->cuts[n].edge == 4) {
			assert_int_equal(plan_handoff_bytes(plan, &plan->cuts[n]), 8);
			assert_int_equal(plan->cuts[n].live_bytes, 0);
		}
	for (size_t b = 0; b < p->block_count; b++)
		assert_true(plan->blocks[b].layers & 1 << IR_LAYER_USER);
}

static void explains(void **state)
{
	struct setting *s = *state;
	struct plan *plan = plan_with(s, firewall(s->arena), (struct split){SPLIT_AUTO}, true);
	char *text, *again;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	plan_print_text(out, plan);
	fclose(out);
	assert_non_null(strstr(text, "plan of nf (nf.bpf.c), split auto, strict order"));
	assert_non_null(strstr(text, "entry 1: b1 -> b3, nf nf.bpf.c:40"));
	assert_non_null(strstr(text, "this loop has no bound that the kernel's verifier can see"));
	assert_non_null(strstr(text, "hash               8  value"));
	assert_non_null(strstr(text, "flows            kernel (hash)"));
	assert_non_null(strstr(text, "all kernel  not possible"));
	out = open_memstream(&again, &size);
	plan_print_json(out, plan);
	fclose(out);
	assert_non_null(strstr(again, "\"kernel_cost_ns\": null"));
	assert_non_null(strstr(again, "\"home\": \"kernel\""));
	free(text);
	free(again);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(cuts_before_the_loop),
	    TEST(refuses_all_kernel),
	    TEST(puts_all_in_user),
	    TEST(cuts_at_a_line),
	    TEST(cuts_at_every_edge),
	    TEST(orders_shared_maps),
	    TEST(holds_earlier),
	    TEST(holds_many_as_one),
	    TEST(keeps_counters_in_the_kernel),
	    TEST(stays_in_the_kernel),
	    TEST(reports_what_has_no_layer),
	    TEST(spreads_legality),
	    TEST(starts_over_when_too_big),
	    TEST(cuts_elsewhere_when_too_big),
	    TEST(explains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
