/* `--split every`: one variant for each legal cut, for testing. */
#include "driver/pipeline.h"
#include "support/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a verifier's refusal changes in one variant must not reach the next. */
struct snapshot {
	struct ir_op *ops;
	struct ir_edge *edges;
};

static struct snapshot take(const struct compilation *c)
{
	const struct ir_program *p = c->front.program;

	return (struct snapshot){
	    arena_grow(c->arena, p->ops, p->op_count, p->op_count, sizeof *p->ops),
	    arena_grow(c->arena, p->edges, p->edge_count, p->edge_count, sizeof *p->edges)};
}

static void restore(struct compilation *c, const struct snapshot *s)
{
	struct ir_program *p = c->front.program;

	memcpy(p->ops, s->ops, p->op_count * sizeof *p->ops);
	memcpy(p->edges, s->edges, p->edge_count * sizeof *p->edges);
}

/* Where the variant is cut; of a pair in both, or in one where the other has no more edges. */
struct place {
	int edge, second; /* IR_NONE: wherever it pays */
};

static void set_split(struct compilation *c, int edge)
{
	c->split = (struct split){.kind = edge == IR_NONE ? SPLIT_AUTO : SPLIT_AT_EDGE};
	c->split.edge = edge == IR_NONE ? 0 : edge;
	c->split_text = edge == IR_NONE ? "auto" : arena_printf(c->arena, "edge:%d", edge);
}

static int build_variant(struct compilation *c, struct place at, pipeline_keep *keep, void *context)
{
	const char *name = arena_printf(c->arena, "edge-%04d", at.edge);
	int err;

	set_split(c, at.edge);
	if (c->second) {
		set_split(c->second, at.second);
		if (at.edge == IR_NONE)
			name = arena_printf(c->arena, "second-%04d", at.second);
		else if (at.second != IR_NONE)
			name = arena_printf(c->arena, "edge-%04d-%04d", at.edge, at.second);
	}
	err = pipeline_replan(c);
	return err ? err : keep(context, c->bundle, name, c->diag);
}

struct variants {
	struct place *places;
	size_t count, capacity, legal;
};

static void add_place(struct compilation *c, struct variants *v, int edge, int second)
{
	*ARENA_PUSH(c->arena, v->places, v->count, v->capacity) = (struct place){edge, second};
}

/* The k-th of n edges, spread evenly, when count of them are to be taken. */
static int spread_edge(const int *edges, size_t n, size_t count, size_t k)
{
	return edges[(2 * k + 1) * n / (2 * count)];
}

static struct variants find_places(struct compilation *c)
{
	struct variants v = {0};
	int *edges, *others = NULL;
	size_t n = partitioner_legal_cuts(c->front.program, &c->target, &edges), m = 0, count;

	if (c->second)
		m = partitioner_legal_cuts(c->second->front.program, &c->second->target, &others);
	v.legal = n + m;
	count = n > m ? n : m;
	if (c->cuts_max && c->cuts_max < count)
		count = c->cuts_max;
	for (size_t k = 0; k < count; k++) {
		bool one = n && (n <= count ? k < n : true),
		     other = m && (m <= count ? k < m : true);

		add_place(c, &v, one ? spread_edge(edges, n, n < count ? n : count, k) : IR_NONE,
			  other ? spread_edge(others, m, m < count ? m : count, k) : IR_NONE);
	}
	return v;
}

static int try_variant(struct compilation *c, struct place at, pipeline_keep *keep, void *context)
{
	struct diag *loud = c->diag, quiet = *loud;
	char *said = NULL;
	size_t length;
	int err;

	quiet.out = open_memstream(&said, &length);
	if (!quiet.out)
		return -ENOMEM;
	c->diag = &quiet;
	if (c->second)
		c->second->diag = &quiet;
	err = build_variant(c, at, keep, context);
	c->diag = loud;
	if (c->second)
		c->second->diag = loud;
	fclose(quiet.out);
	if (err && at.second == IR_NONE)
		fprintf(loud->out, "cut %d: no variant: %s", at.edge, said);
	else if (err && at.edge == IR_NONE)
		fprintf(loud->out, "cut %d of %s: no variant: %s", at.second,
			c->second->front.program->name, said);
	else if (err)
		fprintf(loud->out, "cuts %d, %d: no variant: %s", at.edge, at.second, said);
	free(said);
	return err;
}

static bool is_answer(int err)
{
	return err == -EINVAL || err == -E2BIG;
}

int pipeline_every(struct compilation *c, pipeline_keep *keep, void *context)
{
	struct snapshot s = take(c), t = c->second ? take(c->second) : (struct snapshot){0};
	struct variants v = find_places(c);
	size_t count = v.count, without = 0;
	unsigned remedies;
	int err = 0;

	for (size_t i = 0; i < v.count && !err; i++) {
		struct place at = v.places[i];

		err = try_variant(c, at, keep, context);
		restore(c, &s);
		if (c->second)
			restore(c->second, &t);
		without += is_answer(err);
		/* Cut in both there is none: then in each by itself. */
		if (is_answer(err) && at.edge != IR_NONE && at.second != IR_NONE) {
			add_place(c, &v, at.edge, IR_NONE);
			add_place(c, &v, IR_NONE, at.second);
		}
		err = is_answer(err) ? 0 : err;
	}
	remedies = c->remedies + (c->second ? c->second->remedies : 0);
	fprintf(c->diag->out, "cleave: %zu legal cuts, ", v.legal);
	if (c->cuts_max && c->cuts_max <= count && count < v.legal)
		fprintf(c->diag->out, "%zu tried, ", v.count);
	fprintf(c->diag->out, "%zu variants, %zu without, %u remedies\n", v.count - without,
		without, remedies);
	return err;
}
