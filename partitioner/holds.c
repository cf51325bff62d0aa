#include "partitioner/holds.h"

#include <math.h>
#include <string.h>

#include "partitioner/components.h"
#include "partitioner/handoff.h"
#include "support/arena.h"

/*
 * Packets that come while one is in flight: a burst of AF_XDP. To look at a cell takes so many
 * instructions, roughly.
 */
enum { BURST = 64, WATCH_INSTRUCTIONS = 15 };

/* Each has code of its own in the kernel part, and BPF cannot jump over more than so much. */
enum { HELD_MAX = 96 };

struct holder {
	struct search *search;
	struct settled *settled;
	int *stack; /* blocks before which packets have to leave */
	size_t depth;
	bool *seen; /* blocks that were on it, for this map */
	bool more;
};

static bool is_crossed(const struct settled *s, int edge, int from)
{
	return !s->cut[edge] && (from == IR_NONE || s->in_kernel[from]);
}

/* Packets leave at the edge, or if they cannot, before its block. */
static void hold_at(struct holder *h, int edge, int map, bool early)
{
	struct settled *s = h->settled;
	const struct pricing *pr = &h->search->pricing;
	int from = pr->program->edges[edge].from;

	if (!is_crossed(s, edge, from))
		return;
	if (pricing_edge_is_legal(pr, edge, s->modes, s->ordered)) {
		bool *behind = &s->in_user[ir_edge_behind(pr->program, edge)->to];

		s->held[edge] = true;
		holds_early(h->search, s, (size_t)edge)[map] |= early;
		h->more |= !*behind;
		*behind = true;
	} else if (from == IR_NONE) {
		s->unholdable = true;
	} else if (!h->seen[from]) {
		h->seen[from] = true;
		h->stack[h->depth++] = from;
	}
}

static void hold_before(struct holder *h, int block, int map, bool early)
{
	const struct components *c = h->search->pricing.stopping->components;

	for (int i = c->in_begin[block]; i < c->in_begin[block + 1]; i++)
		hold_at(h, c->in[i], map, early);
	if (block == 0)
		hold_at(h, 0, map, early);
}

static void hold_map(struct holder *h, int map)
{
	const struct pricing *pr = &h->search->pricing;
	size_t blocks = pr->program->block_count;

	memset(h->seen, 0, blocks * sizeof *h->seen);
	for (size_t b = 0; b < blocks; b++)
		if (h->settled->in_kernel[b] &&
		    pricing_ordered_map(pr, (int)b, h->settled->modes) == map)
			hold_before(h, (int)b, map, false);
	while (h->depth)
		hold_before(h, h->stack[--h->depth], map, true);
}

/* What user cannot touch yet it may when packets leave earlier: then both parts do. */
static const enum map_mode *open_modes(struct search *search, const struct settled *s)
{
	for (size_t m = 0; m < map_state_count(search->pricing.program); m++)
		search->open[m] = s->modes[m] == MODE_KERNEL
				      ? map_mode_of(search->all_touch[m], search->all_touch[m])
				      : s->modes[m];
	return search->open;
}

static bool has_too_many(const struct search *search, const struct settled *s)
{
	size_t count = 0;

	for (size_t e = 0; e < search->pricing.program->edge_count; e++)
		count += s->held[e];
	return count > HELD_MAX;
}

/* All of them at one place, before anything. */
static void hold_at_start(struct holder *h)
{
	const struct pricing *pr = &h->search->pricing;
	const struct ir_program *p = pr->program;
	struct settled *s = h->settled;

	memset(s->held, 0, p->edge_count * sizeof *s->held);
	memset(s->early, 0, p->edge_count * p->map_count * sizeof *s->early);
	s->unholdable = false;
	for (size_t m = 0; m < p->map_count; m++)
		if (map_mode_is_ordered(&p->maps[m], s->modes[m], pr->strict))
			hold_at(h, 0, (int)m, true);
}

bool holds_place(struct search *search, struct settled *s)
{
	struct pricing *pr = &search->pricing;
	const struct ir_program *p = pr->program;
	struct holder h = {search, s, search->stack, 0, search->seen, false};

	memset(s->held, 0, p->edge_count * sizeof *s->held);
	memset(s->early, 0, p->edge_count * p->map_count * sizeof *s->early);
	s->unholdable = false;
	s->ordered = pricing_ordered_count(pr, s->modes, &s->as_one);
	if (!s->ordered)
		return false;
	pricing_find_user_can(pr, open_modes(search, s));
	for (size_t m = 0; m < p->map_count; m++)
		if (map_mode_is_ordered(&p->maps[m], s->modes[m], pr->strict))
			hold_map(&h, (int)m);
	if (pr->start_can && has_too_many(search, s))
		hold_at_start(&h);
	return h.more;
}

bool holds_are_legal(const struct search *search, const struct settled *s)
{
	for (size_t e = 0; e < search->pricing.program->edge_count; e++)
		if (s->held[e] &&
		    !pricing_edge_is_legal(&search->pricing, (int)e, s->modes, s->ordered))
			return false;
	return true;
}

static bool is_early(const struct search *search, const struct settled *s, size_t edge)
{
	const bool *early = holds_early(search, s, edge);

	if (s->as_one)
		return true;
	for (size_t m = 0; m < search->pricing.program->map_count; m++)
		if (early[m])
			return true;
	return false;
}

/* To look at the map's cell, and to go on in user while something is in flight. */
static double early_ns(struct search *search, const struct settled *s, int e, double in_flight)
{
	const struct pricing *pr = &search->pricing;
	const struct stopping *stopping = pr->stopping;
	size_t to = (size_t)pr->program->edges[e].to * stopping->layers;
	size_t behind = (size_t)ir_edge_behind(pr->program, e)->to * stopping->layers;
	uint32_t bytes = handoff_bytes(pr->program, e, s->modes, s->ordered, NULL);
	double more = pricing_handoff_ns(pr->program, pr->target, e, s->modes, bytes) +
		      stopping->value[behind + IR_LAYER_USER] -
		      stopping->value[to + IR_LAYER_KERNEL];

	return WATCH_INSTRUCTIONS * pr->target->instruction_ns[IR_LAYER_KERNEL] +
	       fmax(more, 0) * fmin(in_flight, 1);
}

double holds_early_ns(struct search *search, const struct settled *s)
{
	struct stopping *stopping = search->pricing.stopping;
	double in_flight = 0, sum = 0;
	bool any = false;

	for (size_t e = 0; e < stopping->edge_count && !any; e++)
		any = s->held[e] && is_early(search, s, e);
	if (!any)
		return 0;
	stopping_measure(stopping);
	for (size_t e = 0; e < stopping->edge_count; e++)
		if (s->cut[e])
			in_flight += BURST * stopping->flow[e * stopping->layers + IR_LAYER_KERNEL];
	for (size_t e = 0; e < stopping->edge_count; e++)
		if (s->held[e] && is_early(search, s, e))
			sum += (e ? stopping->flow[e * stopping->layers + IR_LAYER_KERNEL] : 1) *
			       early_ns(search, s, (int)e, in_flight);
	return sum;
}
