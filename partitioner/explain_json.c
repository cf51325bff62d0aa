/* `cleave explain --json`. docs/partitioning.md names the fields. */
#include <jansson.h>
#include <math.h>

#include "partitioner/plan.h"
#include "support/arena.h"
#include "support/map_types.h"

/* JSON has no infinity: what is not possible is null. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *text(const char *value)
{
	json_t *string = value ? json_string(value) : NULL;

	return string ? string : json_null();
}

static json_t *layers_json(ir_layer_set layers)
{
	json_t *list = json_array();

	for (int l = 0; l < IR_LAYER_COUNT; l++)
		if (layers & 1u << l)
			json_array_append_new(list, json_string(ir_layer_text((enum ir_layer)l)));
	return list;
}

static json_t *place_json(const char *function, struct src_loc loc)
{
	json_t *place = json_object();

	json_object_set_new(place, "function", text(function));
	json_object_set_new(place, "file", text(loc.file));
	json_object_set_new(place, "line", json_integer(loc.line));
	return place;
}

static json_t *block_json(const struct plan *plan, size_t b)
{
	const struct ir_block *block = &plan->program->blocks[b];
	const struct plan_block *pb = &plan->blocks[b];
	json_t *object = json_object(), *frequency = json_object(), *cost = json_object();

	for (int l = IR_LAYER_KERNEL; l <= IR_LAYER_USER; l++) {
		const char *layer = ir_layer_text((enum ir_layer)l);

		json_object_set_new(frequency, layer, number(pb->frequency[l]));
		json_object_set_new(cost, layer, number(pb->cost_ns[l]));
	}
	json_object_set_new(object, "block", text(block->label));
	json_object_set_new(object, "place", place_json(block->function, block->loc));
	json_object_set_new(object, "layers", layers_json(pb->layers));
	json_object_set_new(object, "frequency", frequency);
	json_object_set_new(object, "cost_ns", cost);
	json_object_set_new(object, "reason", text(ir_reason_text(pb->why.reason)));
	json_object_set_new(object, "because", text(pb->because));
	return object;
}

static json_t *live_json(const struct plan *plan, const struct ir_live *live)
{
	static const char *const kinds[] = {[IR_LIVE_SCALAR] = "value",
					    [IR_LIVE_PACKET] = "packet offset",
					    [IR_LIVE_MAP_VALUE] = "map value",
					    [IR_LIVE_STACK] = "stack bytes",
					    [IR_LIVE_MAP_BYTES] = "map bytes"};
	json_t *object = json_object();

	json_object_set_new(object, "name", text(live->name));
	json_object_set_new(object, "kind", text(kinds[live->kind]));
	if (live->kind == IR_LIVE_MAP_VALUE || live->kind == IR_LIVE_MAP_BYTES)
		json_object_set_new(object, "map", text(plan->program->maps[live->map].name));
	return object;
}

static json_t *cut_json(const struct plan *plan, const struct plan_cut *cut)
{
	const struct ir_edge *e = &plan->program->edges[cut->edge];
	const struct ir_edge *behind = ir_edge_behind(plan->program, cut->edge);
	const struct ir_block *to = &plan->program->blocks[e->to];
	json_t *object = json_object(), *live = json_array();

	for (size_t i = 0; i < behind->live_count; i++)
		json_array_append_new(live, live_json(plan, &behind->live[i]));
	json_object_set_new(object, "starts_over", json_boolean(e->restarts));
	json_object_set_new(object, "edge", json_integer(cut->edge));
	json_object_set_new(object, "entry", json_integer(cut->entry));
	json_object_set_new(object, "from",
			    text(e->from == IR_NONE ? NULL : plan->program->blocks[e->from].label));
	json_object_set_new(object, "to", text(to->label));
	json_object_set_new(object, "place", place_json(to->function, to->loc));
	json_object_set_new(object, "held_only", json_boolean(cut->held_only));
	json_object_set_new(object, "frequency", number(cut->frequency));
	json_object_set_new(object, "cost_ns", number(cut->cost_ns));
	json_object_set_new(object, "bytes", json_integer(plan_handoff_bytes(plan, cut)));
	json_object_set_new(object, "live_bytes", json_integer(cut->live_bytes));
	json_object_set_new(object, "own_metadata", json_integer(e->own_metadata));
	json_object_set_new(object, "live", live);
	json_object_set_new(object, "because", text(cut->because));
	return object;
}

static json_t *map_json(const struct plan *plan, size_t m)
{
	const struct ir_map *map = &plan->program->maps[m];
	const struct plan_map *pm = &plan->maps[m];
	json_t *object = json_object();

	json_object_set_new(object, "map", text(map->name));
	json_object_set_new(object, "type", text(map_type_text(map->type)));
	json_object_set_new(object, "home", text(map_home_text(pm->home)));
	json_object_set_new(object, "ordered", json_boolean(pm->ordered));
	json_object_set_new(object, "kernel_reads", json_boolean(pm->kernel_reads));
	json_object_set_new(object, "kernel_writes", json_boolean(pm->kernel_writes));
	json_object_set_new(object, "user_reads", json_boolean(pm->user_reads));
	json_object_set_new(object, "user_writes", json_boolean(pm->user_writes));
	json_object_set_new(object, "cost_ns", number(pm->cost_ns));
	json_object_set_new(object, "reason", text(ir_reason_text(pm->why.reason)));
	json_object_set_new(object, "because", text(pm->because));
	return object;
}

void plan_print_json(FILE *out, const struct plan *plan)
{
	const struct ir_program *p = plan->program;
	json_t *root = json_object(), *blocks = json_array(), *cuts = json_array(),
	       *maps = json_array();

	for (size_t b = 0; b < p->block_count; b++)
		json_array_append_new(blocks, block_json(plan, b));
	for (size_t i = 0; i < plan->cut_count; i++)
		json_array_append_new(cuts, cut_json(plan, &plan->cuts[i]));
	for (size_t m = 0; m < p->map_count; m++)
		json_array_append_new(maps, map_json(plan, m));
	json_object_set_new(root, "program", text(p->name));
	json_object_set_new(root, "source", text(p->source));
	json_object_set_new(root, "target", text(plan->target.name));
	json_object_set_new(root, "order", text(plan->strict ? "strict" : "relaxed"));
	json_object_set_new(root, "blocks", blocks);
	json_object_set_new(root, "cuts", cuts);
	json_object_set_new(root, "maps", maps);
	json_object_set_new(root, "cost_ns", number(plan->cost_ns));
	json_object_set_new(root, "kernel_cost_ns", number(plan->kernel_cost_ns));
	json_object_set_new(root, "user_cost_ns", number(plan->user_cost_ns));
	json_object_set_new(root, "exact", json_boolean(plan->exact));
	json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	fputc('\n', out);
	json_decref(root);
}
