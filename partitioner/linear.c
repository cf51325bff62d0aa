#include "partitioner/linear.h"

#include <string.h>

#include "support/arena.h"

/*
 * A loop that a packet never leaves has no finite solution; estimates can describe one. It then
 * counts as this many iterations, so that it costs too much rather than nothing.
 */
#define SELF_MAX (1 - 1e-9)

struct term {
	size_t column;
	double coefficient;
};

struct linear {
	struct arena *arena;
	size_t rows_max, row_count;
	size_t *row_begin; /* of given rows; eliminated ones replace them in `done` */
	double *constant, *solution;
	struct term *given, *done;
	size_t given_count, given_cap, done_count, done_cap;
	size_t *done_begin;
	double *dense;      /* the row at work, by column */
	unsigned long *set; /* its columns, as bits, for going through them in order */
};

enum { BITS = 8 * sizeof(unsigned long) };

struct linear *linear_new(struct arena *arena, size_t rows_max)
{
	struct linear *l = arena_alloc(arena, sizeof *l);

	l->arena = arena;
	l->rows_max = rows_max;
	l->row_begin = arena_array(arena, rows_max + 1, sizeof *l->row_begin);
	l->done_begin = arena_array(arena, rows_max + 1, sizeof *l->done_begin);
	l->constant = arena_array(arena, rows_max + 1, sizeof *l->constant);
	l->solution = arena_array(arena, rows_max + 1, sizeof *l->solution);
	l->dense = arena_array(arena, rows_max + 1, sizeof *l->dense);
	l->set = arena_array(arena, rows_max / BITS + 1, sizeof *l->set);
	return l;
}

void linear_begin(struct linear *l)
{
	l->row_count = l->given_count = l->done_count = 0;
}

void linear_row(struct linear *l, double constant)
{
	l->constant[l->row_count] = constant;
	l->row_begin[l->row_count++] = l->given_count;
}

void linear_term(struct linear *l, size_t column, double coefficient)
{
	*ARENA_PUSH(l->arena, l->given, l->given_count, l->given_cap) =
	    (struct term){column, coefficient};
}

static void put(struct linear *l, size_t column, double coefficient)
{
	l->dense[column] += coefficient;
	l->set[column / BITS] |= 1ul << column % BITS;
}

/* Replaces in the row at work every unknown before `row` by its own, already eliminated, row. */
static void substitute(struct linear *l, size_t row)
{
	for (size_t word = 0; word <= row / BITS; word++)
		while (l->set[word]) {
			size_t column = word * BITS + (size_t)__builtin_ctzl(l->set[word]);
			double a = l->dense[column];

			if (column >= row)
				return;
			l->dense[column] = 0;
			l->set[word] &= l->set[word] - 1;
			l->constant[row] += a * l->constant[column];
			for (size_t t = l->done_begin[column]; t < l->done_begin[column + 1]; t++)
				put(l, l->done[t].column, a * l->done[t].coefficient);
		}
}

/* Moves the row at work, solved for its own unknown, to the eliminated ones and clears it. */
static void finish_row(struct linear *l, size_t row)
{
	double self = l->dense[row] < SELF_MAX ? l->dense[row] : SELF_MAX, scale = 1 / (1 - self);

	l->constant[row] *= scale;
	for (size_t word = row / BITS; word <= (l->row_count - 1) / BITS; word++)
		while (l->set[word]) {
			size_t column = word * BITS + (size_t)__builtin_ctzl(l->set[word]);

			if (column != row && l->dense[column] != 0)
				*ARENA_PUSH(l->arena, l->done, l->done_count, l->done_cap) =
				    (struct term){column, l->dense[column] * scale};
			l->dense[column] = 0;
			l->set[word] &= l->set[word] - 1;
		}
	l->done_begin[row + 1] = l->done_count;
}

const double *linear_solve(struct linear *l)
{
	if (!l->row_count)
		return l->solution;
	l->done_begin[0] = 0;
	for (size_t row = 0; row < l->row_count; row++) {
		size_t end = row + 1 < l->row_count ? l->row_begin[row + 1] : l->given_count;

		for (size_t t = l->row_begin[row]; t < end; t++)
			put(l, l->given[t].column, l->given[t].coefficient);
		substitute(l, row);
		finish_row(l, row);
	}
	for (size_t row = l->row_count; row-- > 0;) {
		double x = l->constant[row];

		for (size_t t = l->done_begin[row]; t < l->done_begin[row + 1]; t++)
			x += l->done[t].coefficient * l->solution[l->done[t].column];
		l->solution[row] = x;
	}
	return l->solution;
}
