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

static int build_variant(struct compilation *c, int edge, pipeline_keep *keep, void *context)
{
	int err;

	c->split = (struct split){.kind = SPLIT_AT_EDGE, .edge = edge};
	c->split_text = arena_printf(c->arena, "edge:%d", edge);
	err = pipeline_replan(c);
	return err ? err
		   : keep(context, c->bundle, arena_printf(c->arena, "edge-%04d", edge), c->diag);
}

int pipeline_every(struct compilation *c, pipeline_keep *keep, void *context)
{
	struct snapshot s = take(c);
	struct diag *loud = c->diag, quiet = *loud;
	int *edges, err = 0;
	size_t legal = partitioner_legal_cuts(c->front.program, &c->target, &edges), without = 0;
	size_t count = c->cuts_max && c->cuts_max < legal ? c->cuts_max : legal;

	for (size_t i = 0; i < count && !err; i++) {
		int edge = edges[(2 * i + 1) * legal / (2 * count)];
		char *said = NULL;
		size_t length;

		quiet.out = open_memstream(&said, &length);
		if (!quiet.out)
			return -ENOMEM;
		c->diag = &quiet;
		err = build_variant(c, edge, keep, context);
		c->diag = loud;
		fclose(quiet.out);
		if (err)
			fprintf(loud->out, "cut %d: no variant: %s", edge, said);
		free(said);
		without += err == -EINVAL || err == -E2BIG;
		err = err == -EINVAL || err == -E2BIG ? 0 : err;
		restore(c, &s);
	}
	fprintf(loud->out, "cleave: %zu legal cuts, ", legal);
	if (count < legal)
		fprintf(loud->out, "%zu tried, ", count);
	fprintf(loud->out, "%zu variants, %zu without, %u remedies\n", count - without, without,
		c->remedies);
	return err;
}
