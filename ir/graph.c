/* Dominators and frequencies. */
#include "ir/graph.h"
#include "support/arena.h"

#include <math.h>

static int common_dominator(const int *idom, int a, int b)
{
	while (a != b) {
		while (a > b)
			a = idom[a];
		while (b > a)
			b = idom[b];
	}
	return a;
}

/* Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm" (2001); blocks are in reverse
 * postorder. */
int *ir_compute_dominators(const struct ir_program *program)
{
	int *idom = arena_array(program->arena, program->block_count, sizeof(int));

	for (size_t b = 1; b < program->block_count; b++)
		idom[b] = IR_NONE;
	for (bool changed = true; changed;) {
		changed = false;
		for (size_t b = 1; b < program->block_count; b++) {
			const struct ir_block *block = &program->blocks[b];
			int now = IR_NONE;

			for (size_t i = 0; i < block->in_count; i++) {
				int from = program->edges[block->in[i]].from;

				if (from == IR_NONE || idom[from] == IR_NONE)
					continue;
				now = now == IR_NONE ? from : common_dominator(idom, now, from);
			}
			if (now != idom[b]) {
				idom[b] = now;
				changed = true;
			}
		}
	}
	return idom;
}

bool ir_dominates(const int *idom, int a, int b)
{
	while (b > a)
		b = idom[b];
	return a == b;
}

/* Gauss-Seidel on the flow equations; a loop's series converges as its exit probability is not 0.
 */
void ir_compute_frequencies(struct ir_program *program)
{
	enum { ROUNDS_MAX = 400 };
	double change = 1;

	for (size_t b = 0; b < program->block_count; b++)
		program->blocks[b].frequency = b == 0;
	for (int round = 0; round < ROUNDS_MAX && change > 1e-9; round++) {
		change = 0;
		for (size_t b = 0; b < program->block_count; b++) {
			struct ir_block *block = &program->blocks[b];
			double flow = 0;

			for (size_t i = 0; i < block->in_count; i++) {
				const struct ir_edge *e = &program->edges[block->in[i]];

				flow += e->from == IR_NONE
					    ? 1
					    : program->blocks[e->from].frequency * e->probability;
			}
			change = fmax(change, fabs(flow - block->frequency));
			block->frequency = flow;
		}
	}
}
