/* What the picture leaves out: blocks without ops, parallel edges, bundles of arrows. */
#include "ir/picture.h"
#include "support/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { BLOCKS_MAX = 16, EDGES_MAX = 32 };

struct graph {
	struct ir_program p;
	struct ir_block blocks[BLOCKS_MAX];
	struct ir_edge edges[EDGES_MAX];
	struct ir_op ops[BLOCKS_MAX];
};

/* Blocks of which those whose letter is 'o' have an op; edges as pairs of digits, "01 12". */
static struct graph *graph_of(const char *blocks, const char *edges)
{
	struct arena *arena = arena_new();
	struct graph *g = arena_alloc(arena, sizeof *g);
	struct ir_program *p = &g->p;

	*p = (struct ir_program){
	    .arena = arena, .blocks = g->blocks, .edges = g->edges, .ops = g->ops, .edge_count = 1};
	g->edges[0] = (struct ir_edge){.from = IR_NONE, .probability = 1};
	for (; *blocks; blocks++) {
		struct ir_block *b = &g->blocks[p->block_count++];

		*b = (struct ir_block){.first_op = (int)p->op_count, .frequency = 1};
		b->in = arena_array(arena, EDGES_MAX, sizeof(int));
		b->out = arena_array(arena, EDGES_MAX, sizeof(int));
		if (*blocks == 'o') {
			b->op_count = 1;
			g->ops[p->op_count++] = (struct ir_op){.legal = IR_LAYERS_ALL};
		}
	}
	g->blocks[0].in[g->blocks[0].in_count++] = 0;
	for (; *edges; edges += edges[2] ? 3 : 2) {
		int e = (int)p->edge_count++;
		struct ir_block *from = &g->blocks[edges[0] - '0'],
				*to = &g->blocks[edges[1] - '0'];

		g->edges[e] = (struct ir_edge){
		    .from = edges[0] - '0', .to = edges[1] - '0', .probability = 0.5};
		from->out[from->out_count++] = e;
		to->in[to->in_count++] = e;
	}
	return g;
}

static void graph_free(struct graph *g)
{
	struct arena *arena = g->p.arena;

	arena_free(&arena);
}

static void test_a_straight_line_is_one_node(void **state)
{
	struct graph *g = graph_of("oonoo", "01 12 23 34");
	struct ir_picture_plan plan = {0};
	struct ir_picture picture = ir_picture_make(&g->p, &plan);

	assert_int_equal(picture.node_count, 1);
	assert_int_equal(picture.nodes[0].count, 5);
	assert_int_equal(picture.arrow_count, 1);
	graph_free(g);
}

/* Behind a branch stands what not every packet does. */
static void test_branches(void **state)
{
	/* 0 branches to 1 (ops) and 2 (none), which leads to 3 (ops); all meet in 4 */
	struct graph *g = graph_of("oonoo", "01 02 23 14 34");
	struct ir_picture_plan plan = {0};
	struct ir_picture picture = ir_picture_make(&g->p, &plan);

	assert_int_equal(picture.node_of[2], picture.node_of[0]);
	assert_int_not_equal(picture.node_of[1], picture.node_of[0]);
	assert_int_not_equal(picture.node_of[3], picture.node_of[0]);
	assert_int_equal(picture.node_count, 4);
	graph_free(g);
}

static void test_layers_and_cuts_divide(void **state)
{
	static const ir_layer_set layers[] = {2, 2, 4, 4};
	static const char *const cuts[] = {NULL, NULL, NULL, "cut"};
	struct graph *g = graph_of("oooo", "01 12 23");
	struct ir_picture_plan plan = {.block_layers = layers, .cuts = cuts};
	struct ir_picture picture = ir_picture_make(&g->p, &plan);

	assert_int_equal(picture.node_count, 3);
	assert_int_equal(picture.node_of[1], 0);
	assert_int_equal(picture.nodes[2].block, 3);
	assert_string_equal(picture.arrows[2].cut, "cut");
	graph_free(g);
}

/* Parallel edges are one arrow; a loop's way back stays; of many arrows one is drawn in full. */
static void test_arrows(void **state)
{
	struct graph *g = graph_of("ooooooo", "01 01 12 21 23 24 25 36 46 56 16 26 06");
	struct ir_picture_plan plan = {0};
	struct ir_picture picture = ir_picture_make(&g->p, &plan);
	unsigned to_first = 0, back = 0, full = 0, stubs = 0;

	for (size_t a = 0; a < picture.arrow_count; a++) {
		const struct ir_picture_arrow *arrow = &picture.arrows[a];

		to_first += arrow->from == 0 && arrow->to == 1;
		back += arrow->from == 2 && arrow->to == 1;
		full += arrow->to == 6 && !arrow->is_stub;
		stubs += arrow->to == 6 && arrow->is_stub;
	}
	assert_int_equal(picture.node_count, 7);
	assert_int_equal(to_first, 1);
	assert_int_equal(back, 1);
	assert_int_equal(full, 1);
	assert_int_equal(stubs, 5);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_straight_line_is_one_node),
	    cmocka_unit_test(test_branches),
	    cmocka_unit_test(test_layers_and_cuts_divide),
	    cmocka_unit_test(test_arrows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
