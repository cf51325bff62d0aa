#include "partitioner/min_cut.h"

#include <string.h>

#include "support/arena.h"

#define RESIDUAL_MIN 1e-9 /* less is rounding */

struct arc {
	int to, next; /* next arc of the same node, or -1; arc ^ 1 is the reverse */
	double residual;
};

struct min_cut {
	struct arena *arena;
	size_t nodes, arc_count, arc_cap;
	struct arc *arcs;
	int *first, *level, *at, *queue;
};

struct min_cut *min_cut_new(struct arena *arena, size_t nodes)
{
	struct min_cut *m = arena_alloc(arena, sizeof *m);

	*m = (struct min_cut){.arena = arena, .nodes = nodes};
	m->first = arena_array(arena, nodes, sizeof *m->first);
	m->level = arena_array(arena, nodes, sizeof *m->level);
	m->at = arena_array(arena, nodes, sizeof *m->at);
	m->queue = arena_array(arena, nodes, sizeof *m->queue);
	memset(m->first, 0xff, nodes * sizeof *m->first);
	return m;
}

static void add(struct min_cut *m, size_t from, size_t to, double capacity)
{
	int index = (int)m->arc_count;
	struct arc *arc = ARENA_PUSH(m->arena, m->arcs, m->arc_count, m->arc_cap);

	*arc = (struct arc){(int)to, m->first[from], capacity};
	m->first[from] = index;
}

void min_cut_arc(struct min_cut *m, size_t from, size_t to, double capacity)
{
	add(m, from, to, capacity < MIN_CUT_NEVER ? capacity : MIN_CUT_NEVER);
	add(m, to, from, 0);
}

/* Distances from the source over what is left; false when the sink is out of reach. */
static bool find_levels(struct min_cut *m, int source, int sink)
{
	size_t head = 0, tail = 0;

	memset(m->level, 0xff, m->nodes * sizeof *m->level);
	m->level[source] = 0;
	m->queue[tail++] = source;
	while (head < tail) {
		int n = m->queue[head++];

		for (int a = m->first[n]; a >= 0; a = m->arcs[a].next)
			if (m->arcs[a].residual > RESIDUAL_MIN && m->level[m->arcs[a].to] < 0) {
				m->level[m->arcs[a].to] = m->level[n] + 1;
				m->queue[tail++] = m->arcs[a].to;
			}
	}
	return m->level[sink] >= 0;
}

static double push(struct min_cut *m, int node, int sink, double limit)
{
	if (node == sink)
		return limit;
	for (int *a = &m->at[node]; *a >= 0; *a = m->arcs[*a].next) {
		struct arc *arc = &m->arcs[*a];

		if (arc->residual <= RESIDUAL_MIN || m->level[arc->to] != m->level[node] + 1)
			continue;
		double got = push(m, arc->to, sink, limit < arc->residual ? limit : arc->residual);

		if (got > 0) {
			arc->residual -= got;
			m->arcs[*a ^ 1].residual += got;
			return got;
		}
	}
	return 0;
}

double min_cut_solve(struct min_cut *m, size_t source, size_t sink, bool *source_side)
{
	double value = 0, got;

	while (value < MIN_CUT_NEVER && find_levels(m, (int)source, (int)sink)) {
		memcpy(m->at, m->first, m->nodes * sizeof *m->at);
		while (value < MIN_CUT_NEVER &&
		       (got = push(m, (int)source, (int)sink, MIN_CUT_NEVER)) > 0)
			value += got;
	}
	for (size_t n = 0; n < m->nodes; n++)
		source_side[n] = m->level[n] >= 0;
	return value;
}
