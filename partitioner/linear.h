/*
 * Sparse systems x[i] = c[i] + sum of a[i][j] x[j], where each row of a sums to at most 1: expected
 * costs and visits of a Markov chain. Rows are eliminated in the order in which they are given.
 *
 *     linear_begin(l);
 *     for each i: linear_row(l, c); linear_term(l, j, a); ...
 *     const double *x = linear_solve(l);
 */
#ifndef CLEAVE_PARTITIONER_LINEAR_H
#define CLEAVE_PARTITIONER_LINEAR_H

#include <stddef.h>

struct arena;
struct linear;

/* A solver for systems of at most rows_max unknowns; its memory is reused from one to the next. */
struct linear *linear_new(struct arena *arena, size_t rows_max);
void linear_begin(struct linear *linear);
void linear_row(struct linear *linear, double constant);
void linear_term(struct linear *linear, size_t column, double coefficient);
/* The solution, valid until the next linear_begin. */
const double *linear_solve(struct linear *linear);

#endif
