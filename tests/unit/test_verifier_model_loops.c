/* The loop nest of hand-built graphs, the instruction estimate, and what each kernel refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/arena.h"
#include "verifier_model/verifier_model.h"

struct arrow {
	int from, to;
};

/* A program of `blocks` blocks of 10 instructions with these edges; edges[0] enters block 0. */
static struct ir_program *graph(struct arena *a, size_t blocks, const struct arrow *arrows,
				size_t count)
{
	struct ir_program *p = arena_alloc(a, sizeof *p);

	p->arena = a;
	p->block_count = blocks;
	p->blocks = arena_array(a, blocks, sizeof *p->blocks);
	p->edge_count = count + 1;
	p->edges = arena_array(a, count + 1, sizeof *p->edges);
	p->edges[0] = (struct ir_edge){.from = IR_NONE, .to = 0, .probability = 1};
	for (size_t b = 0; b < blocks; b++) {
		p->blocks[b].instructions = 10;
		p->blocks[b].in = arena_array(a, count + 1, sizeof(int));
		p->blocks[b].out = arena_array(a, count + 1, sizeof(int));
	}
	for (size_t i = 0; i < count; i++) {
		struct ir_block *from = &p->blocks[arrows[i].from], *to = &p->blocks[arrows[i].to];

		p->edges[i + 1] = (struct ir_edge){.from = arrows[i].from, .to = arrows[i].to};
		from->out[from->out_count++] = (int)i + 1;
		to->in[to->in_count++] = (int)i + 1;
	}
	return p;
}

static void add_loop(struct ir_program *p, int block, bool bounded, uint64_t trips)
{
	struct ir_op *ops = arena_grow(p->arena, p->ops, p->op_count, p->op_count + 1, sizeof *ops);

	ops[p->op_count] = (struct ir_op){.kind = IR_OP_LOOP,
					  .block = block,
					  .map = IR_NONE,
					  .loop_bounded = bounded,
					  .loop_trips = trips,
					  .legal = IR_LAYERS_ALL};
	p->ops = ops;
	p->op_count++;
}

/* 0 -> 1 -> 2 -> 2, 2 -> 1, 1 -> 3: a loop in a loop. */
static const struct arrow nested[] = {{0, 1}, {1, 2}, {2, 2}, {2, 1}, {1, 3}};

static void finds_the_nest(void **state)
{
	struct arena *a = arena_new();
	struct ir_program *p = graph(a, 4, nested, 5);
	struct verifier_loop *loops;

	add_loop(p, 1, true, 100);
	add_loop(p, 2, true, 50);
	assert_int_equal(verifier_model_find_loops(a, p, &loops), 2);
	assert_int_equal(loops[0].block_count, 2);
	assert_int_equal(loops[0].parent, IR_NONE);
	assert_int_equal(loops[0].op, 0);
	assert_int_equal(loops[1].block_count, 1);
	assert_int_equal(loops[1].parent, 0);
	assert_int_equal(loops[1].op, 1);
	assert_true(loops[1].instructions == 500);
	assert_true(loops[0].instructions == 100 * (10 + 500));
	assert_true(verifier_model_instructions(p) == 20 + 51000);
	arena_free(&a);
}

/* An irreducible loop (two entries) and one that nothing reaches end the search too. */
static void survives_odd_graphs(void **state)
{
	static const struct arrow odd[] = {{0, 1}, {0, 2}, {1, 2}, {2, 1}, {2, 3}, {4, 5}, {5, 4}};
	struct arena *a = arena_new();
	struct ir_program *p = graph(a, 6, odd, 7);
	struct verifier_loop *loops;

	assert_int_equal(verifier_model_find_loops(a, p, &loops), 2);
	assert_int_equal(loops[0].block_count, 2);
	assert_int_equal(loops[1].block_count, 2);
	assert_true(verifier_model_instructions(p) == 60);
	arena_free(&a);
}

static void refuses_loops(void **state)
{
	struct arena *a = arena_new();
	struct ir_program *p = graph(a, 4, nested, 5);
	int op;

	add_loop(p, 1, true, 1000);
	add_loop(p, 2, true, 50);
	assert_int_equal(verifier_model_check(p, VERIFIER_VERSION(6, 18), &op).reason, 0);
	assert_int_equal(op, IR_NONE);
	assert_int_equal(verifier_model_check(p, VERIFIER_VERSION(5, 2), &op).reason,
			 IR_REASON_UNBOUNDED_LOOP);
	assert_int_equal(op, 0);
	p->ops[1].loop_trips = 1000;
	assert_int_equal(verifier_model_loops(p, VERIFIER_VERSION(6, 18)), 1);
	assert_int_equal(p->ops[0].missing[IR_LAYER_KERNEL].reason, IR_REASON_LOOP_TOO_LONG);
	assert_int_equal(p->ops[0].legal & 1 << IR_LAYER_KERNEL, 0);
	assert_int_not_equal(p->ops[1].legal & 1 << IR_LAYER_KERNEL, 0);
	p->ops[1].loop_bounded = false;
	assert_int_equal(verifier_model_loops(p, VERIFIER_VERSION(6, 18)), 1);
	assert_int_equal(p->ops[1].missing[IR_LAYER_KERNEL].reason, IR_REASON_UNBOUNDED_LOOP);
	arena_free(&a);
}

static void knows_kernels(void **state)
{
	struct arena *a = arena_new();
	struct ir_program *p = graph(a, 4, nested, 5);

	assert_int_equal(verifier_limits_get(VERIFIER_VERSION(4, 1))->complexity, 131072);
	assert_int_equal(verifier_limits_get(VERIFIER_VERSION(6, 2))->metadata_bytes, 32);
	assert_int_equal(verifier_limits_get(VERIFIER_VERSION(6, 18))->metadata_bytes, 216);
	assert_false(verifier_has(VERIFIER_VERSION(5, 2), VERIFIER_BOUNDED_LOOPS));
	assert_true(verifier_has(VERIFIER_VERSION(5, 3), VERIFIER_BOUNDED_LOOPS));
	assert_false(verifier_has(VERIFIER_VERSION(5, 11), VERIFIER_ATOMIC_FETCH));
	assert_string_equal(verifier_feature_text(VERIFIER_LOOP_HELPER), "bpf_loop");
	p->stack_bytes = 513;
	assert_int_equal(verifier_model_check(p, VERIFIER_VERSION(6, 18), NULL).reason,
			 IR_REASON_BIG_STACK);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_the_nest),
	    cmocka_unit_test(survives_odd_graphs),
	    cmocka_unit_test(refuses_loops),
	    cmocka_unit_test(knows_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
