/*
 * The stopping solution against brute force: on random graphs, loops included, every set of choices
 * is evaluated by iteration, and the best of them must be what the solver finds.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "partitioner/linear.h"
#include "partitioner/min_cut.h"
#include "partitioner/stopping.h"
#include "support/arena.h"

static uint64_t seed = 1;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 11) % below;
}

enum { BLOCKS = 6, EDGES_MAX = 11 };

struct example {
	int from[EDGES_MAX], to[EDGES_MAX], behind[EDGES_MAX];
	double probability[EDGES_MAX];
	size_t edges;
	struct stopping *s;
};

/* A chain with extra edges, backward ones too; two layers. Who leaves may have to start over. */
static void make(struct example *x, struct arena *a)
{
	int outs[BLOCKS] = {0};

	x->edges = 0;
	x->from[x->edges] = -1;
	x->to[x->edges++] = 0;
	for (int b = 0; b + 1 < BLOCKS; b++) {
		x->from[x->edges] = b;
		x->to[x->edges++] = b + 1;
		outs[b]++;
		if (x->edges < EDGES_MAX && draw(3)) {
			x->from[x->edges] = b;
			x->to[x->edges++] = 1 + (int)draw(BLOCKS - 1);
			outs[b]++;
		}
	}
	x->probability[0] = 1;
	for (size_t e = 1; e < x->edges; e++)
		x->probability[e] = outs[x->from[e]] == 1 ? 1 : 0.5;
	for (size_t e = 0; e < x->edges; e++)
		x->behind[e] = draw(4) ? x->to[e] : 0;
	x->s = stopping_new(a, 2, BLOCKS, x->edges, x->from, x->to, x->behind, x->probability);
	for (size_t b = 0; b < BLOCKS; b++)
		for (size_t l = 0; l < 2; l++)
			x->s->block_cost[b * 2 + l] = draw(l ? 25 : 8) ? 1 + draw(100) : INFINITY;
	for (size_t e = 0; e < x->edges; e++)
		for (size_t i = 0; i < 2; i++)
			for (size_t k = 0; k < 2; k++)
				*stopping_edge_cost(x->s, e, i, k) = i == k ? 0
								     : i > k || !draw(4)
									 ? INFINITY
									 : 1 + draw(200);
}

/* Value of layer l by iteration, with these cut edges; INFINITY where something forbidden can
 * happen. */
static void iterate(const struct example *x, size_t l, unsigned cuts, const double *above,
		    double *value)
{
	struct stopping *s = x->s;
	bool never[BLOCKS];

	for (int b = 0; b < BLOCKS; b++)
		never[b] = isinf(s->block_cost[b * 2 + (int)l]);
	for (int round = 0; round < BLOCKS + 1; round++)
		for (size_t e = 1; e < x->edges; e++) {
			bool cut = l == 0 && cuts >> e & 1;
			double up = cut ? *stopping_edge_cost(s, e, 0, 1) + above[x->behind[e]] : 0;

			if (cut ? isinf(up) : never[x->to[e]])
				never[x->from[e]] = true;
		}
	for (int b = 0; b < BLOCKS; b++)
		value[b] = 0;
	for (int round = 0; round < 3000; round++)
		for (int b = BLOCKS; b-- > 0;) {
			if (never[b]) {
				value[b] = INFINITY;
				continue;
			}
			double sum = s->block_cost[b * 2 + (int)l];

			for (size_t e = 1; e < x->edges; e++)
				if (x->from[e] == b && l == 0 && cuts >> e & 1)
					sum +=
					    x->probability[e] *
					    (*stopping_edge_cost(s, e, 0, 1) + above[x->behind[e]]);
				else if (x->from[e] == b)
					sum += x->probability[e] * value[x->to[e]];
			value[b] = sum;
		}
}

static double brute_force(const struct example *x)
{
	double user[BLOCKS], kernel[BLOCKS], best;

	iterate(x, 1, 0, NULL, user);
	best = *stopping_edge_cost(x->s, 0, 0, 1) + user[0];
	for (unsigned cuts = 0; cuts < 1u << x->edges; cuts += 2) {
		iterate(x, 0, cuts, user, kernel);
		best = fmin(best, kernel[0]);
	}
	return best;
}

static void agrees_with_brute_force(void **state)
{
	int finite = 0;

	for (int i = 0; i < 60; i++) {
		struct arena *a = arena_new();
		struct example x;

		make(&x, a);
		stopping_solve(x.s);
		double best = brute_force(&x);

		if (isinf(best)) {
			assert_true(isinf(x.s->cost));
		} else {
			assert_true(fabs(best - x.s->cost) < 1e-6 * best);
			finite++;
		}
		arena_free(&a);
	}
	assert_true(finite > 20);
}

/* Costs times visits must add up to the value: the two linear systems are each other's transposes.
 */
static void visits_add_up(void **state)
{
	for (int i = 0; i < 60; i++) {
		struct arena *a = arena_new();
		struct example x;
		double sum = 0;

		make(&x, a);
		stopping_solve(x.s);
		if (isfinite(x.s->cost)) {
			stopping_measure(x.s);
			for (size_t n = 0; n < BLOCKS * 2; n++)
				if (x.s->visits[n] > 0)
					sum += x.s->visits[n] * x.s->block_cost[n];
			for (size_t e = 0; e < x.edges; e++)
				if (x.s->choice[e * 2] == 1 && x.s->flow[e * 2] > 0)
					sum += x.s->flow[e * 2] * *stopping_edge_cost(x.s, e, 0, 1);
			assert_true(fabs(sum - x.s->cost) < 1e-6 * sum);
		}
		arena_free(&a);
	}
}

/* A third layer below is one more label: it is used exactly where it is cheaper. */
static void takes_three_layers(void **state)
{
	static const int from[] = {-1, 0, 1}, to[] = {0, 1, 2};
	static const double probability[] = {1, 1, 1};
	static const double costs[] = {1, 10, 20, INFINITY, 10, 50, INFINITY, INFINITY, 30};
	struct arena *a = arena_new();
	struct stopping *s = stopping_new(a, 3, 3, 3, from, to, to, probability);

	memcpy(s->block_cost, costs, sizeof costs);
	for (size_t e = 0; e < 3; e++)
		for (size_t i = 0; i < 3; i++)
			for (size_t k = 0; k < 3; k++)
				*stopping_edge_cost(s, e, i, k) = i == k ? 0 : i > k ? INFINITY : 5;
	stopping_solve(s);
	assert_true(fabs(s->cost - (1 + 5 + 10 + 5 + 30)) < 1e-9);
	assert_int_equal(s->choice[0 * 3 + 0], 0);
	assert_int_equal(s->choice[1 * 3 + 0], 1);
	assert_int_equal(s->choice[2 * 3 + 1], 2);
	arena_free(&a);
}

/* A loop of 200,000 expected rounds: iteration would not end, elimination is exact. */
static void solves_long_loops(void **state)
{
	static const int from[] = {-1, 0, 1, 1}, to[] = {0, 1, 1, 2};
	static const double probability[] = {1, 1, 1 - 5e-6, 5e-6};
	struct arena *a = arena_new();
	struct stopping *s = stopping_new(a, 1, 3, 4, from, to, to, probability);

	for (size_t b = 0; b < 3; b++)
		s->block_cost[b] = 1;
	stopping_solve(s);
	assert_true(fabs(s->cost - 200002) < 1e-3);
	stopping_measure(s);
	assert_true(fabs(s->visits[1] - 200000) < 1e-3);
	arena_free(&a);
}

static void solves_dense_systems(void **state)
{
	struct arena *a = arena_new();
	struct linear *l = linear_new(a, 100);
	double x[100], coefficient[100][100];

	for (int i = 0; i < 100; i++)
		x[i] = draw(1000);
	linear_begin(l);
	for (int i = 0; i < 100; i++) {
		double constant = x[i];

		for (int k = 0; k < 100; k++) {
			coefficient[i][k] = draw(4) ? 0 : draw(100) / 5000.0;
			constant -= coefficient[i][k] * x[k];
		}
		linear_row(l, constant);
		for (int k = 0; k < 100; k++)
			if (coefficient[i][k] > 0)
				linear_term(l, (size_t)k, coefficient[i][k]);
	}
	const double *found = linear_solve(l);

	for (int i = 0; i < 100; i++)
		assert_true(fabs(found[i] - x[i]) < 1e-6);
	arena_free(&a);
}

static void cuts_at_the_narrowest(void **state)
{
	struct arena *a = arena_new();
	struct min_cut *m = min_cut_new(a, 6);
	bool side[6];

	/* The example of Cormen et al.: 23. */
	min_cut_arc(m, 0, 1, 16);
	min_cut_arc(m, 0, 2, 13);
	min_cut_arc(m, 2, 1, 4);
	min_cut_arc(m, 1, 3, 12);
	min_cut_arc(m, 3, 2, 9);
	min_cut_arc(m, 2, 4, 14);
	min_cut_arc(m, 4, 3, 7);
	min_cut_arc(m, 3, 5, 20);
	min_cut_arc(m, 4, 5, 4);
	assert_true(fabs(min_cut_solve(m, 0, 5, side) - 23) < 1e-9);
	assert_true(side[0] && side[1] && side[2] && side[4] && !side[3] && !side[5]);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_brute_force), cmocka_unit_test(visits_add_up),
	    cmocka_unit_test(takes_three_layers),      cmocka_unit_test(solves_long_loops),
	    cmocka_unit_test(solves_dense_systems),    cmocka_unit_test(cuts_at_the_narrowest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
