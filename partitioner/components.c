#include "partitioner/components.h"

#include "support/arena.h"

/* Tarjan's algorithm without recursion; `left` are the blocks in the order in which it leaves them.
 */
struct walk {
	const int *to;
	struct components *c;
	int *index, *low, *next, *stack, *path, *left;
	int numbers, depth, left_count;
};

static void list_edges(struct arena *arena, size_t blocks, size_t edges, const int *end, int **list,
		       int **begin)
{
	int *first = arena_array(arena, blocks + 2, sizeof *first);

	*list = arena_array(arena, edges + 1, sizeof **list);
	*begin = first;
	for (size_t e = 0; e < edges; e++)
		if (end[e] >= 0)
			first[end[e] + 2]++;
	for (size_t b = 2; b < blocks + 2; b++)
		first[b] += first[b - 1];
	for (size_t e = 0; e < edges; e++)
		if (end[e] >= 0)
			(*list)[first[end[e] + 1]++] = (int)e;
}

static void enter(struct walk *w, int block, int *path)
{
	w->path[(*path)++] = block;
	w->stack[w->depth++] = block;
	w->index[block] = w->low[block] = ++w->numbers;
	w->next[block] = w->c->out_begin[block];
}

static void leave(struct walk *w, int block)
{
	int member;

	w->left[w->left_count++] = block;
	if (w->low[block] != w->index[block])
		return;
	do {
		member = w->stack[--w->depth];
		w->c->component[member] = w->c->count;
	} while (member != block);
	w->c->count++;
}

static void visit(struct walk *w, int root)
{
	int path = 0;

	enter(w, root, &path);
	while (path) {
		int b = w->path[path - 1];

		if (w->next[b] < w->c->out_begin[b + 1]) {
			int to = w->to[w->c->out[w->next[b]++]];

			if (!w->index[to])
				enter(w, to, &path);
			else if (w->c->component[to] < 0 && w->index[to] < w->low[b])
				w->low[b] = w->index[to];
			continue;
		}
		leave(w, b);
		if (--path && w->low[b] < w->low[w->path[path - 1]])
			w->low[w->path[path - 1]] = w->low[b];
	}
}

/* Sorts the blocks by component and keeps the order of leaving inside each. */
static void lay_out(struct arena *arena, struct walk *w, size_t blocks)
{
	struct components *c = w->c;
	int *at = arena_array(arena, (size_t)c->count + 1, sizeof *at);

	c->begin = arena_array(arena, (size_t)c->count + 1, sizeof *c->begin);
	for (size_t b = 0; b < blocks; b++)
		c->begin[c->component[b] + 1]++;
	for (int i = 0; i < c->count; i++)
		at[i + 1] = c->begin[i + 1] += c->begin[i];
	for (size_t i = 0; i < blocks; i++) {
		int b = w->left[i], place = at[c->component[b]]++;

		c->order[place] = b;
		c->position[b] = place;
	}
}

struct components *components_new(struct arena *arena, size_t blocks, size_t edges, const int *from,
				  const int *to)
{
	struct components *c = arena_alloc(arena, sizeof *c);
	struct walk w = {.to = to, .c = c};
	int **arrays[] = {&w.index, &w.low,    &w.next,      &w.stack,     &w.path,
			  &w.left,  &c->order, &c->position, &c->component};

	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		*arrays[i] = arena_array(arena, blocks + 1, sizeof(int));
	list_edges(arena, blocks, edges, from, &c->out, &c->out_begin);
	list_edges(arena, blocks, edges, to, &c->in, &c->in_begin);
	for (size_t b = 0; b < blocks; b++)
		c->component[b] = -1;
	for (size_t b = 0; b < blocks; b++)
		if (!w.index[b])
			visit(&w, (int)b);
	lay_out(arena, &w, blocks);
	c->cyclic = arena_array(arena, (size_t)c->count + 1, sizeof *c->cyclic);
	for (size_t e = 0; e < edges; e++)
		if (from[e] >= 0 && c->component[from[e]] == c->component[to[e]])
			c->cyclic[c->component[to[e]]] = true;
	return c;
}
