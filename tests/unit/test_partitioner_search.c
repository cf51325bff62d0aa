/*
 * The search is exact: on random graphs with maps, no set of cut edges whatever is cheaper than the
 * plan it finds, in strict and in relaxed order.
 */
#include <linux/bpf.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "partitioner/label_cut.h"
#include "partitioner/search.h"
#include "tests/unit/partitioner_graph.h"

static uint64_t seed = 7;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 11) % below;
}

enum { BLOCKS = 7, EDGES_MAX = 12, MAPS = 3 };

static struct ir_program *random_program(struct arena *a)
{
	static const uint32_t types[] = {BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH,
					 BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_LPM_TRIE};
	static const enum ir_op_kind kinds[] = {IR_OP_MAP_LOOKUP, IR_OP_MAP_LOOKUP,
						IR_OP_MAP_UPDATE, IR_OP_MAP_READ, IR_OP_MAP_ADD};
	struct ir_program *p = graph_new(a, BLOCKS);

	for (int b = 0; b + 1 < BLOCKS; b++) {
		bool two = p->edge_count < EDGES_MAX - BLOCKS + (size_t)b && draw(4);

		graph_edge(p, b, b + 1, two ? 0.5 : 1);
		if (two)
			graph_edge(p, b, 1 + (int)draw(BLOCKS - 1), 0.5);
	}
	for (int m = 0; m < MAPS; m++)
		graph_map(p, "m", types[draw(4)]);
	for (int b = 0; b < BLOCKS; b++) {
		p->blocks[b].instructions = draw(3000);
		if (draw(3)) {
			struct ir_op *op = graph_map_op(p, b, kinds[draw(5)], (int)draw(MAPS));

			op->add_only = op->kind == IR_OP_MAP_LOOKUP && draw(2);
		}
		if (b && !draw(12))
			graph_forbid(graph_op(p, b, IR_OP_FLOAT), IR_LAYER_KERNEL,
				     IR_REASON_FLOATING_POINT, NULL);
		if (!draw(25))
			graph_forbid(graph_op(p, b, IR_OP_HELPER), IR_LAYER_USER,
				     IR_REASON_HELPER_KERNEL_ONLY, "fib_lookup");
	}
	for (size_t e = 0; e < p->edge_count; e++) {
		if (!draw(5))
			p->edges[e].cut.reason = IR_REASON_LIVE_POINTER;
		if (!draw(5))
			graph_live(p, (int)e, IR_LIVE_MAP_VALUE, 4, (int)draw(MAPS), "v");
	}
	return p;
}

static double brute_force(struct search *search, size_t edges)
{
	double best = INFINITY;

	for (unsigned cuts = 0; cuts < 1u << edges; cuts++) {
		for (size_t e = 0; e < edges; e++)
			search->trial.cut[e] = cuts >> e & 1;
		best = fmin(best, search_evaluate(search, &search->trial));
	}
	return best;
}

static void finds_the_best(bool strict)
{
	int finite = 0, split = 0;

	for (int i = 0; i < 60; i++) {
		struct arena *a = arena_new();
		struct ir_program *p = random_program(a);
		struct target target;
		struct search search;

		assert_int_equal(target_read(a, NULL, &target, NULL), 0);
		search_new(&search, a, p, &target, strict);
		search_run(&search, NULL);
		double found = search.best_cost, best = brute_force(&search, p->edge_count);

		assert_true(search.exact);
		if (isinf(best)) {
			assert_true(isinf(found));
		} else {
			assert_true(fabs(found - best) <= 1e-6 * best);
			finite++;
			split += best < INFINITY && !search.best.cut[0];
		}
		arena_free(&a);
	}
	assert_true(finite > 20 && split > 10);
}

static void finds_the_best_strict(void **state)
{
	finds_the_best(true);
}

static void finds_the_best_relaxed(void **state)
{
	finds_the_best(false);
}

/* A chain: no block is worth a copy, so the label cut is the same optimum, map homes included. */
static void agrees_with_the_label_cut(void **state)
{
	int shared = 0;

	for (int i = 0; i < 100; i++) {
		struct arena *a = arena_new();
		struct ir_program *p = graph_new(a, 6);
		struct target target;
		struct search search;
		bool cut[16];
		int map = graph_map(p, "m", BPF_MAP_TYPE_HASH);

		for (int b = 0; b < 6; b++) {
			p->blocks[b].frequency = 1;
			p->blocks[b].instructions = draw(4000);
			if (b < 5)
				graph_edge(p, b, b + 1, 1);
			if (draw(2))
				graph_map_op(p, b, draw(2) ? IR_OP_MAP_LOOKUP : IR_OP_MAP_UPDATE,
					     map);
			if (b > 2 && !draw(4))
				graph_forbid(graph_op(p, b, IR_OP_FLOAT), IR_LAYER_KERNEL,
					     IR_REASON_FLOATING_POINT, NULL);
		}
		assert_int_equal(target_read(a, NULL, &target, NULL), 0);
		/* User costs more, so that it pays to stay below although a map is then shared. */
		target.instruction_ns[IR_LAYER_USER] = 0.6;
		for (int k = 0; k < 3; k++)
			target.shared_value_ns[k] = 50;
		search_new(&search, a, p, &target, false);
		search_run(&search, NULL);
		double label = label_cut(&search.pricing, cut);

		assert_true(fabs(label - search.best_cost) < 1e-6 * label);
		search_settle(&search, &search.best);
		shared += search.best.modes[map] == MODE_BOTH;
		arena_free(&a);
	}
	assert_true(shared > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_the_best_strict),
	    cmocka_unit_test(finds_the_best_relaxed),
	    cmocka_unit_test(agrees_with_the_label_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
