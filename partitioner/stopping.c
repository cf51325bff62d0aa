#include "partitioner/stopping.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "partitioner/components.h"
#include "partitioner/linear.h"
#include "support/arena.h"

/* Leaving must gain more than rounding does, or policies could follow each other in a circle. */
#define GAIN_MIN 1e-9

/* Each policy is better than the last, so the sequence ends; this guards against rounding only. */
enum { POLICIES_MAX = 1000 };

struct stopping *stopping_new(struct arena *arena, size_t layers, size_t blocks, size_t edges,
			      const int *from, const int *to, const int *behind,
			      const double *probability)
{
	struct stopping *s = arena_alloc(arena, sizeof *s);

	*s = (struct stopping){.layers = layers,
			       .block_count = blocks,
			       .edge_count = edges,
			       .from = from,
			       .to = to,
			       .behind = behind,
			       .probability = probability};
	s->block_cost = arena_array(arena, blocks * layers, sizeof(double));
	s->edge_cost = arena_array(arena, edges * layers * layers, sizeof(double));
	s->value = arena_array(arena, blocks * layers, sizeof(double));
	s->choice = arena_array(arena, edges * layers, 1);
	s->visits = arena_array(arena, blocks * layers, sizeof(double));
	s->flow = arena_array(arena, edges * layers, sizeof(double));
	s->components = components_new(arena, blocks, edges, from, to);
	s->linear = linear_new(arena, blocks);
	return s;
}

static double stay_cost(struct stopping *s, int edge, size_t layer)
{
	return *stopping_edge_cost(s, (size_t)edge, layer, layer) +
	       s->value[(size_t)s->to[edge] * s->layers + layer];
}

/* The best way up at this edge, or INFINITY. The layers above are solved. */
static double leave_cost(struct stopping *s, int edge, size_t layer, uint8_t *choice)
{
	double best = INFINITY;

	*choice = STOPPING_NEVER;
	for (size_t up = layer + 1; up < s->layers; up++) {
		double cost = *stopping_edge_cost(s, (size_t)edge, layer, up) +
			      s->value[(size_t)s->behind[edge] * s->layers + up];

		if (cost < best) {
			best = cost;
			*choice = (uint8_t)up;
		}
	}
	return best;
}

/* Makes the edge's choice from the values known now; true when it is another than before. */
static bool choose(struct stopping *s, int edge, size_t layer)
{
	uint8_t *now = &s->choice[(size_t)edge * s->layers + layer], up, was = *now;
	double stay = stay_cost(s, edge, layer), leave = leave_cost(s, edge, layer, &up);

	if (isinf(stay))
		*now = up;
	else if (isfinite(leave) && leave < stay - GAIN_MIN * (1 + fabs(leave)))
		*now = up;
	else
		*now = (uint8_t)layer;
	return *now != was;
}

static double edge_value(struct stopping *s, int edge, size_t layer)
{
	uint8_t choice = s->choice[(size_t)edge * s->layers + layer];
	int to = choice == layer ? s->to[edge] : s->behind[edge];

	if (choice == STOPPING_NEVER)
		return INFINITY;
	return *stopping_edge_cost(s, (size_t)edge, layer, choice) +
	       s->value[(size_t)to * s->layers + choice];
}

static bool inside(const struct stopping *s, int edge, int component)
{
	return s->components->component[s->to[edge]] == component;
}

static void solve_block(struct stopping *s, int block, size_t layer)
{
	const struct components *c = s->components;
	double value = s->block_cost[(size_t)block * s->layers + layer];

	for (int i = c->out_begin[block]; i < c->out_begin[block + 1]; i++) {
		choose(s, c->out[i], layer);
		double behind = edge_value(s, c->out[i], layer);

		/* Not even an edge of probability 0 may lead to where nothing is allowed. */
		value += isinf(behind) ? INFINITY : s->probability[c->out[i]] * behind;
	}
	s->value[(size_t)block * s->layers + layer] = value;
}

/*
 * Marks (value INFINITY) the blocks of a loop from which a packet could be led to where nothing is
 * allowed, whatever is chosen; all others get 0.
 */
static void mark_never(struct stopping *s, int component, size_t layer)
{
	const struct components *c = s->components;
	bool changed = true;

	for (int i = c->begin[component]; i < c->begin[component + 1]; i++) {
		size_t at = (size_t)c->order[i] * s->layers + layer;

		s->value[at] = isinf(s->block_cost[at]) ? INFINITY : 0;
	}
	while (changed) {
		changed = false;
		for (int i = c->begin[component]; i < c->begin[component + 1]; i++) {
			int b = c->order[i];
			double *value = &s->value[(size_t)b * s->layers + layer];
			uint8_t up;

			for (int k = c->out_begin[b]; k < c->out_begin[b + 1] && !isinf(*value);
			     k++)
				if (isinf(stay_cost(s, c->out[k], layer)) &&
				    isinf(leave_cost(s, c->out[k], layer, &up))) {
					*value = INFINITY;
					changed = true;
				}
		}
	}
}

/* The values of a loop's blocks under the choices made now. */
static void evaluate(struct stopping *s, int component, size_t layer)
{
	const struct components *c = s->components;
	int first = c->begin[component];

	linear_begin(s->linear);
	for (int i = first; i < c->begin[component + 1]; i++) {
		int b = c->order[i];
		size_t at = (size_t)b * s->layers + layer;
		double constant = s->block_cost[at];

		if (isinf(s->value[at])) {
			linear_row(s->linear, 0);
			continue;
		}
		for (int k = c->out_begin[b]; k < c->out_begin[b + 1]; k++) {
			int e = c->out[k];

			if (!inside(s, e, component) ||
			    s->choice[(size_t)e * s->layers + layer] != layer)
				constant += s->probability[e] * edge_value(s, e, layer);
		}
		linear_row(s->linear, constant);
		for (int k = c->out_begin[b]; k < c->out_begin[b + 1]; k++) {
			int e = c->out[k];

			if (inside(s, e, component) &&
			    s->choice[(size_t)e * s->layers + layer] == layer)
				linear_term(s->linear, (size_t)(c->position[s->to[e]] - first),
					    s->probability[e]);
		}
	}
	const double *x = linear_solve(s->linear);

	for (int i = first; i < c->begin[component + 1]; i++) {
		size_t at = (size_t)c->order[i] * s->layers + layer;

		if (!isinf(s->value[at]))
			s->value[at] = x[i - first];
	}
}

/* Chooses anew at every edge out of the loop's blocks; false when nothing changed. */
static bool improve(struct stopping *s, int component, size_t layer)
{
	const struct components *c = s->components;
	bool changed = false;

	for (int i = c->begin[component]; i < c->begin[component + 1]; i++) {
		int b = c->order[i];

		for (int k = c->out_begin[b]; k < c->out_begin[b + 1]; k++)
			changed |= choose(s, c->out[k], layer);
	}
	return changed;
}

static void solve_loop(struct stopping *s, int component, size_t layer)
{
	mark_never(s, component, layer);
	improve(s, component, layer);
	for (int i = 0; i < POLICIES_MAX; i++) {
		evaluate(s, component, layer);
		if (!improve(s, component, layer))
			break;
	}
}

void stopping_solve(struct stopping *s)
{
	const struct components *c = s->components;

	memset(s->choice, STOPPING_NEVER, s->edge_count * s->layers);
	for (size_t layer = s->layers; layer-- > 0;)
		for (int i = 0; i < c->count; i++) {
			if (c->cyclic[i])
				solve_loop(s, i, layer);
			else
				solve_block(s, c->order[c->begin[i]], layer);
		}
	choose(s, 0, 0);
	s->cost = edge_value(s, 0, 0);
}

/* What starts over at the block in this layer, having left lower ones elsewhere. */
static double restarts(const struct stopping *s, int block, size_t layer)
{
	double sum = 0;

	for (size_t e = 0; e < s->edge_count; e++)
		for (size_t l = 0; s->behind[e] == block && s->to[e] != block && l < layer; l++)
			if (s->choice[e * s->layers + l] == layer)
				sum += s->flow[e * s->layers + l];
	return sum;
}

/* What enters the block in this layer from outside its loop, and from lower layers. */
static double inflow(const struct stopping *s, int block, size_t layer, int loop)
{
	const struct components *c = s->components;
	double sum = restarts(s, block, layer);

	for (int i = c->in_begin[block]; i < c->in_begin[block + 1]; i++) {
		int e = c->in[i];
		bool looping = s->from[e] >= 0 && c->component[s->from[e]] == loop;

		for (size_t l = 0; l <= layer; l++)
			if (s->choice[(size_t)e * s->layers + l] == layer &&
			    !(looping && l == layer) && (l == layer || s->behind[e] == block))
				sum += s->flow[(size_t)e * s->layers + l];
	}
	return sum;
}

static void set_visits(struct stopping *s, int block, size_t layer, double visits)
{
	const struct components *c = s->components;

	s->visits[(size_t)block * s->layers + layer] = visits;
	for (int i = c->out_begin[block]; i < c->out_begin[block + 1]; i++)
		s->flow[(size_t)c->out[i] * s->layers + layer] = visits * s->probability[c->out[i]];
}

/* The loop's equations the other way round: first entered, first eliminated. */
static void measure_loop(struct stopping *s, int component, size_t layer)
{
	const struct components *c = s->components;
	int last = c->begin[component + 1] - 1;

	linear_begin(s->linear);
	for (int i = last; i >= c->begin[component]; i--) {
		int b = c->order[i];

		linear_row(s->linear, inflow(s, b, layer, component));
		for (int k = c->in_begin[b]; k < c->in_begin[b + 1]; k++) {
			int e = c->in[k];

			if (s->from[e] >= 0 && c->component[s->from[e]] == component &&
			    s->choice[(size_t)e * s->layers + layer] == layer)
				linear_term(s->linear, (size_t)(last - c->position[s->from[e]]),
					    s->probability[e]);
		}
	}
	const double *x = linear_solve(s->linear);

	for (int i = last; i >= c->begin[component]; i--)
		set_visits(s, c->order[i], layer, x[last - i]);
}

void stopping_measure(struct stopping *s)
{
	const struct components *c = s->components;

	assert(isfinite(s->cost));
	memset(s->visits, 0, s->block_count * s->layers * sizeof *s->visits);
	memset(s->flow, 0, s->edge_count * s->layers * sizeof *s->flow);
	s->flow[0] = 1;
	for (size_t layer = 0; layer < s->layers; layer++)
		for (int i = c->count; i-- > 0;) {
			int b = c->order[c->begin[i]];

			if (c->cyclic[i])
				measure_loop(s, i, layer);
			else
				set_visits(s, b, layer, inflow(s, b, layer, -1));
		}
}
