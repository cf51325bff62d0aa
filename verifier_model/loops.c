/*
 * Loops by strongly connected components: a component with a cycle is a loop; its headers are the
 * blocks that edges from outside enter; the components of what is left without the edges back to
 * the headers are the loops inside it (Havlak 1997 gives the same nest for reducible graphs, and
 * this one also takes irreducible ones). Tarjan's algorithm, without recursion.
 */
#include "verifier_model/verifier_model.h"

#include <assert.h>
#include <string.h>

#include "support/arena.h"

struct nest {
	struct arena *arena;
	const struct ir_program *program;
	bool *dropped; /* per edge: goes back to the header of a loop already found */
	bool *member;  /* per block: in the region that is searched now */
	int *index, *low, *component; /* Tarjan's numbers */
	int *stack, *path;
	size_t *next; /* per block: next out edge to look at */
	struct verifier_loop *loops;
	size_t count, cap;
};

struct region {
	int *blocks;
	size_t count;
	int loop; /* the loop that this region is the inside of, or IR_NONE */
};

static bool inside(const struct nest *n, int edge)
{
	const struct ir_edge *e = &n->program->edges[edge];

	return e->from != IR_NONE && !e->tail && !n->dropped[edge] && n->member[e->from] &&
	       n->member[e->to];
}

/* Pops one component off Tarjan's stack. */
static size_t pop_component(struct nest *n, size_t depth, int root, int number)
{
	int block;

	do {
		block = n->stack[--depth];
		n->component[block] = number;
	} while (block != root);
	return depth;
}

/* Numbers the components of what is reachable from root inside the region. */
static void visit(struct nest *n, int root, int *numbers, int *components)
{
	size_t depth = 0, path = 0;

	n->path[path++] = root;
	n->index[root] = n->low[root] = ++*numbers;
	n->stack[depth++] = root;
	while (path) {
		int b = n->path[path - 1];
		const struct ir_block *block = &n->program->blocks[b];

		if (n->next[b] < block->out_count) {
			int e = block->out[n->next[b]++], to = n->program->edges[e].to;

			if (!inside(n, e))
				continue;
			if (!n->index[to]) {
				n->index[to] = n->low[to] = ++*numbers;
				n->stack[depth++] = to;
				n->path[path++] = to;
			} else if (n->component[to] < 0 && n->index[to] < n->low[b]) {
				n->low[b] = n->index[to];
			}
			continue;
		}
		path--;
		if (path && n->low[b] < n->low[n->path[path - 1]])
			n->low[n->path[path - 1]] = n->low[b];
		if (n->low[b] == n->index[b])
			depth = pop_component(n, depth, b, (*components)++);
	}
}

static bool has_self_edge(const struct nest *n, int block)
{
	const struct ir_block *b = &n->program->blocks[block];

	for (size_t i = 0; i < b->out_count; i++)
		if (n->program->edges[b->out[i]].to == block && inside(n, b->out[i]))
			return true;
	return false;
}

static bool in_component(const struct nest *n, int block, int component)
{
	return block != IR_NONE && n->member[block] && n->component[block] == component;
}

static bool is_entered(const struct nest *n, int block, int component)
{
	const struct ir_block *b = &n->program->blocks[block];

	for (size_t i = 0; i < b->in_count; i++)
		if (!n->dropped[b->in[i]] &&
		    !in_component(n, n->program->edges[b->in[i]].from, component))
			return true;
	return block == 0;
}

static void drop_edges_to(struct nest *n, int header, int component)
{
	const struct ir_block *b = &n->program->blocks[header];

	for (size_t i = 0; i < b->in_count; i++)
		if (in_component(n, n->program->edges[b->in[i]].from, component))
			n->dropped[b->in[i]] = true;
}

/*
 * Drops the edges back to the loop's headers, so that the next search finds what is inside. A loop
 * that nothing enters (dead code) counts its first block as header.
 */
static void drop_back_edges(struct nest *n, const struct region *loop, int component)
{
	bool any = false;

	for (size_t i = 0; i < loop->count; i++) {
		if (!is_entered(n, loop->blocks[i], component))
			continue;
		drop_edges_to(n, loop->blocks[i], component);
		any = true;
	}
	if (!any)
		drop_edges_to(n, loop->blocks[0], component);
}

static struct region add_loop(struct nest *n, const struct region *around, int component,
			      size_t size)
{
	struct verifier_loop *loop = ARENA_PUSH(n->arena, n->loops, n->count, n->cap);
	int *blocks = arena_array(n->arena, size, sizeof *blocks);
	size_t count = 0;

	for (size_t i = 0; i < around->count; i++)
		if (n->component[around->blocks[i]] == component)
			blocks[count++] = around->blocks[i];
	*loop = (struct verifier_loop){.parent = around->loop,
				       .op = IR_NONE,
				       .bounded = true,
				       .trips = 1,
				       .blocks = blocks,
				       .block_count = count};
	return (struct region){blocks, count, (int)n->count - 1};
}

/* Finds the outermost loops of one region; returns them as regions to search in turn. */
static size_t search(struct nest *n, const struct region *region, struct region **found)
{
	int numbers = 0, components = 0;
	size_t count = 0, cap = 0;

	*found = NULL;
	for (size_t i = 0; i < region->count; i++) {
		int b = region->blocks[i];

		n->member[b] = true;
		n->index[b] = 0;
		n->next[b] = 0;
		n->component[b] = -1;
	}
	for (size_t i = 0; i < region->count; i++)
		if (!n->index[region->blocks[i]])
			visit(n, region->blocks[i], &numbers, &components);
	int *sizes = arena_array(n->arena, (size_t)components + 1, sizeof *sizes);

	for (size_t i = 0; i < region->count; i++)
		sizes[n->component[region->blocks[i]]]++;
	bool *cyclic = arena_array(n->arena, (size_t)components + 1, sizeof *cyclic);

	for (size_t i = 0; i < region->count; i++) {
		int b = region->blocks[i], c = n->component[b];

		cyclic[c] |= sizes[c] > 1 || has_self_edge(n, b);
	}
	for (int c = components; c-- > 0;)
		if (cyclic[c]) {
			struct region loop = add_loop(n, region, c, (size_t)sizes[c]);

			drop_back_edges(n, &loop, c);
			*ARENA_PUSH(n->arena, *found, count, cap) = loop;
		}
	for (size_t i = 0; i < region->count; i++)
		n->member[region->blocks[i]] = false;
	return count;
}

static struct nest nest_new(struct arena *arena, const struct ir_program *p)
{
	size_t blocks = p->block_count + 1;

	return (struct nest){
	    .arena = arena,
	    .program = p,
	    .dropped = arena_array(arena, p->edge_count + 1, sizeof(bool)),
	    .member = arena_array(arena, blocks, sizeof(bool)),
	    .index = arena_array(arena, blocks, sizeof(int)),
	    .low = arena_array(arena, blocks, sizeof(int)),
	    .component = arena_array(arena, blocks, sizeof(int)),
	    .stack = arena_array(arena, blocks, sizeof(int)),
	    .path = arena_array(arena, blocks, sizeof(int)),
	    .next = arena_array(arena, blocks, sizeof(size_t)),
	};
}

/* Gives each LOOP op to the innermost loop around its block. */
static void match_ops(const struct ir_program *p, struct arena *arena, struct verifier_loop *loops,
		      size_t count)
{
	int *innermost = arena_array(arena, p->block_count + 1, sizeof *innermost);

	memset(innermost, 0xff, p->block_count * sizeof *innermost);
	for (size_t l = 0; l < count; l++)
		for (size_t i = 0; i < loops[l].block_count; i++)
			innermost[loops[l].blocks[i]] = (int)l;
	for (size_t i = 0; i < p->op_count; i++) {
		const struct ir_op *op = &p->ops[i];

		if (op->kind != IR_OP_LOOP || innermost[op->block] < 0)
			continue;
		struct verifier_loop *loop = &loops[innermost[op->block]];

		if (loop->op == IR_NONE)
			loop->op = (int)i;
		loop->bounded &= op->loop_bounded;
		if (op->loop_bounded && (double)op->loop_trips > loop->trips)
			loop->trips = (double)op->loop_trips;
	}
}

/* Inner loops come after outer ones, so one pass from the back sums them up. */
static void sum_instructions(const struct ir_program *p, struct verifier_loop *loops, size_t count)
{
	for (size_t l = count; l-- > 0;) {
		double own = loops[l].instructions; /* of inner loops, less their blocks' once */

		for (size_t i = 0; i < loops[l].block_count; i++)
			own += p->blocks[loops[l].blocks[i]].instructions;
		double once = own - loops[l].instructions;

		loops[l].instructions = own * loops[l].trips;
		if (loops[l].parent != IR_NONE)
			loops[loops[l].parent].instructions += loops[l].instructions - once;
	}
}

size_t verifier_model_find_loops(struct arena *arena, const struct ir_program *program,
				 struct verifier_loop **loops)
{
	struct nest n = nest_new(arena, program);
	int *all = arena_array(arena, program->block_count + 1, sizeof *all);
	struct region *work = NULL;
	size_t count = 0, cap = 0;

	for (size_t b = 0; b < program->block_count; b++)
		all[b] = (int)b;
	*ARENA_PUSH(arena, work, count, cap) = (struct region){all, program->block_count, IR_NONE};
	for (size_t i = 0; i < count; i++) {
		struct region *found, here = work[i];
		size_t more = search(&n, &here, &found);

		for (size_t k = 0; k < more; k++)
			*ARENA_PUSH(arena, work, count, cap) = found[k];
	}
	match_ops(program, arena, n.loops, n.count);
	sum_instructions(program, n.loops, n.count);
	*loops = n.loops;
	return n.count;
}

double verifier_model_instructions(const struct ir_program *program)
{
	struct arena *arena = arena_new();
	struct verifier_loop *loops;
	size_t count = verifier_model_find_loops(arena, program, &loops);
	double sum = 0;

	for (size_t b = 0; b < program->block_count; b++)
		sum += program->blocks[b].instructions;
	for (size_t l = 0; l < count; l++) {
		if (loops[l].parent != IR_NONE)
			continue;
		sum += loops[l].instructions;
		for (size_t i = 0; i < loops[l].block_count; i++)
			sum -= program->blocks[loops[l].blocks[i]].instructions;
	}
	arena_free(&arena);
	return sum;
}
