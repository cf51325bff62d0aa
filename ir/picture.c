#include "ir/picture.h"

#include "support/arena.h"

/* More arrows than this to one node make the picture a bundle of parallel lines. */
enum { ARROWS_IN_MAX = 4 };

static ir_layer_set layers_of(const struct ir_program *p, size_t b,
			      const struct ir_picture_plan *plan)
{
	ir_layer_set set = IR_LAYERS_ALL;

	if (plan->block_layers)
		return plan->block_layers[b];
	for (const struct ir_op *op = ir_first_op(p, b), *end = ir_end_op(p, b); op < end; op++)
		set &= op->legal;
	return set;
}

/* The only block that leads here, or IR_NONE. */
static int only_predecessor(const struct ir_program *p, const struct ir_block *block)
{
	int from = block->in_count ? p->edges[block->in[0]].from : IR_NONE;

	for (size_t i = 1; i < block->in_count; i++)
		if (p->edges[block->in[i]].from != from)
			return IR_NONE;
	return from;
}

static bool has_one_successor(const struct ir_program *p, const struct ir_block *block)
{
	for (size_t i = 1; i < block->out_count; i++)
		if (p->edges[block->out[i]].to != p->edges[block->out[0]].to)
			return false;
	return block->out_count > 0;
}

static bool is_cut_into(const struct ir_block *block, const struct ir_picture_plan *plan)
{
	for (size_t i = 0; plan->cuts && i < block->in_count; i++)
		if (plan->cuts[block->in[i]])
			return true;
	return false;
}

/*
 * The node that the block becomes a part of, or IR_NONE for a new one. What one node lists is done
 * by every packet that comes there: behind a branch, only blocks without ops are taken in.
 */
static int find_node(const struct ir_program *p, const struct ir_picture *picture, size_t b,
		     const struct ir_picture_plan *plan)
{
	const struct ir_block *block = &p->blocks[b];
	int before = only_predecessor(p, block);

	if (before == IR_NONE || before >= (int)b || is_cut_into(block, plan))
		return IR_NONE;

	const struct ir_picture_node *node = &picture->nodes[picture->node_of[before]];

	if (node->layers != layers_of(p, b, plan))
		return IR_NONE;
	return block->op_count && node->branches ? IR_NONE : picture->node_of[before];
}

static void make_nodes(const struct ir_program *p, const struct ir_picture_plan *plan,
		       struct ir_picture *picture)
{
	picture->nodes = arena_array(p->arena, p->block_count + 1, sizeof *picture->nodes);
	picture->node_of = arena_array(p->arena, p->block_count + 1, sizeof(int));
	for (size_t b = 0; b < p->block_count; b++) {
		int n = find_node(p, picture, b, plan);

		if (n == IR_NONE) {
			n = (int)picture->node_count++;
			picture->nodes[n] = (struct ir_picture_node){
			    .block = (int)b, .layers = layers_of(p, b, plan)};
		}
		picture->node_of[b] = n;
		picture->nodes[n].count++;
		picture->nodes[n].branches |= !has_one_successor(p, &p->blocks[b]);
	}
}

static struct ir_picture_arrow *find_arrow(struct ir_picture *picture, int from, int to)
{
	for (size_t a = 0; a < picture->arrow_count; a++)
		if (picture->arrows[a].from == from && picture->arrows[a].to == to &&
		    !picture->arrows[a].cut)
			return &picture->arrows[a];
	return NULL;
}

static void add_edge(const struct ir_program *p, size_t e, const struct ir_picture_plan *plan,
		     struct ir_picture *picture)
{
	const struct ir_edge *edge = &p->edges[e];
	int from = edge->from == IR_NONE ? IR_NONE : picture->node_of[edge->from];
	int to = picture->node_of[edge->to];
	const char *cut = plan->cuts ? plan->cuts[e] : NULL;
	struct ir_picture_arrow *arrow = cut ? NULL : find_arrow(picture, from, to);

	if (from == to && picture->nodes[to].block != edge->to)
		return; /* inside the node */
	if (!arrow) {
		arrow = &picture->arrows[picture->arrow_count++];
		*arrow = (struct ir_picture_arrow){
		    .from = from, .to = to, .cut = cut, .held = plan->held && plan->held[e]};
		picture->nodes[to].arrows_in++;
	}
	arrow->frequency +=
	    edge->from == IR_NONE ? 1 : p->blocks[edge->from].frequency * edge->probability;
	arrow->can_be_cut |= edge->cut.reason == IR_REASON_NONE;
}

/* Where many arrows lead, only the last is drawn in full: so what comes last stands last. */
static void make_stubs(struct ir_picture *picture)
{
	for (size_t n = 0; n < picture->node_count; n++) {
		struct ir_picture_arrow *last = NULL;

		if (picture->nodes[n].arrows_in <= ARROWS_IN_MAX)
			continue;
		for (size_t a = 0; a < picture->arrow_count; a++) {
			struct ir_picture_arrow *arrow = &picture->arrows[a];

			if (arrow->to != (int)n || arrow->cut || arrow->from == IR_NONE)
				continue;
			arrow->is_stub = true;
			if (!last || (arrow->from < (int)n && arrow->from > last->from))
				last = arrow;
		}
		if (last)
			last->is_stub = false;
	}
}

struct ir_picture ir_picture_make(const struct ir_program *program,
				  const struct ir_picture_plan *plan)
{
	struct ir_picture picture = {0};

	make_nodes(program, plan, &picture);
	picture.arrows =
	    arena_array(program->arena, program->edge_count + 1, sizeof *picture.arrows);
	for (size_t e = 0; e < program->edge_count; e++)
		add_edge(program, e, plan, &picture);
	make_stubs(&picture);
	return picture;
}
