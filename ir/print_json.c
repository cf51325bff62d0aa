/* `cleave inspect --json`: the graph for programs. Keys are those of ir.h; references are indices.
 */
#include "ir/ir.h"

#include <jansson.h>

#include "support/arena.h"
#include "support/map_types.h"

/* Text that is missing or not UTF-8 becomes null. */
static json_t *text(const char *value)
{
	json_t *string = value ? json_string(value) : NULL;

	return string ? string : json_null();
}

static json_t *index_or_null(int index)
{
	return index == IR_NONE ? json_null() : json_integer(index);
}

static json_t *layers_json(ir_layer_set set)
{
	json_t *list = json_array();

	for (unsigned l = 0; l < IR_LAYER_COUNT; l++)
		if (set & 1u << l)
			json_array_append_new(list, text(ir_layer_text(l)));
	return list;
}

static json_t *why_json(const struct ir_program *p, struct ir_why why)
{
	json_t *object = json_object();

	json_object_set_new(object, "reason", text(ir_reason_text(why.reason)));
	if (why.detail)
		json_object_set_new(object, "detail", text(why.detail));
	json_object_set_new(object, "sentence", text(ir_why_sentence(p->arena, why)));
	return object;
}

static void add_place(json_t *object, const char *function, struct src_loc loc)
{
	json_object_set_new(object, "function", text(function));
	json_object_set_new(object, "file", text(loc.file));
	json_object_set_new(object, "line", json_integer(loc.line));
	json_object_set_new(object, "column", json_integer(loc.column));
}

static json_t *range_json(const struct ir_packet_range *r)
{
	json_t *object = json_object();

	if (r->known || r->base)
		json_object_set_new(object, "offset", json_integer(r->offset));
	json_object_set_new(object, "size", json_integer(r->size));
	json_object_set_new(object, "base", r->known ? text("pkt") : text(r->base));
	json_object_set_new(object, "field", text(r->field));
	return object;
}

static json_t *key_json(const struct ir_op *op)
{
	json_t *list = json_array();

	for (size_t i = 0; i < op->key_count; i++) {
		json_t *part = json_object();

		json_object_set_new(part, "offset", json_integer(op->key[i].offset));
		json_object_set_new(part, "size", json_integer(op->key[i].size));
		json_object_set_new(part, "source", text(op->key[i].source));
		json_array_append_new(list, part);
	}
	return list;
}

static void add_op_details(json_t *object, const struct ir_op *op)
{
	enum ir_packet_effect effect = ir_op_packet(op->kind);

	if (effect == IR_PACKET_READ || effect == IR_PACKET_WRITE)
		json_object_set_new(object, "packet", range_json(&op->packet));
	if (op->map != IR_NONE)
		json_object_set_new(object, "map", json_integer(op->map));
	if (op->key_count)
		json_object_set_new(object, "key", key_json(op));
	if (op->global != IR_NONE)
		json_object_set_new(object, "global", json_integer(op->global));
	if (op->lookup != IR_NONE)
		json_object_set_new(object, "lookup", json_integer(op->lookup));
	if (op->helper != IR_NONE)
		json_object_set_new(object, "helper", json_integer(op->helper));
	if (op->name)
		json_object_set_new(object, "name", text(op->name));
	if (op->verdicts)
		json_object_set_new(object, "verdicts", text(op->verdicts));
	if (op->kind == IR_OP_MAP_LOOKUP)
		json_object_set_new(object, "add_only", json_boolean(op->add_only));
	if (op->kind == IR_OP_LOOP) {
		json_object_set_new(object, "bounded", json_boolean(op->loop_bounded));
		json_object_set_new(object, "trips", json_integer((json_int_t)op->loop_trips));
	}
}

static json_t *op_json(const struct ir_program *p, const struct ir_op *op)
{
	static const char *const states[] = {"none", "read", "write", "rmw", "clock"};
	json_t *object = json_object(), *missing = json_object();

	json_object_set_new(object, "op", text(ir_op_text(op->kind)));
	json_object_set_new(object, "text", text(ir_op_line(p->arena, p, op)));
	json_object_set_new(object, "block", json_integer(op->block));
	add_place(object, op->function, op->loc);
	json_object_set_new(object, "state", text(states[ir_op_state(op->kind)]));
	add_op_details(object, op);
	json_object_set_new(object, "legal", layers_json(op->legal));
	for (unsigned l = 0; l < IR_LAYER_COUNT; l++)
		if (!(op->legal & 1u << l))
			json_object_set_new(missing, ir_layer_text(l), why_json(p, op->missing[l]));
	json_object_set_new(object, "missing", missing);
	return object;
}

static json_t *block_json(const struct ir_program *p, const struct ir_block *block)
{
	json_t *object = json_object(), *out = json_array();

	json_object_set_new(object, "label", text(block->label));
	add_place(object, block->function, block->loc);
	json_object_set_new(object, "first_op", json_integer(block->first_op));
	json_object_set_new(object, "op_count", json_integer(block->op_count));
	json_object_set_new(object, "loop_depth", json_integer(block->loop_depth));
	json_object_set_new(object, "instructions", json_integer(block->instructions));
	json_object_set_new(object, "frequency", json_real(block->frequency));
	for (size_t i = 0; i < block->out_count; i++)
		json_array_append_new(out, json_integer(block->out[i]));
	json_object_set_new(object, "out", out);
	return object;
}

static json_t *live_json(const struct ir_live *live)
{
	static const char *const kinds[] = {"scalar", "packet", "map_value", "stack", "map_bytes"};
	json_t *object = json_object();

	json_object_set_new(object, "kind", text(kinds[live->kind]));
	json_object_set_new(object, "name", text(live->name));
	json_object_set_new(object, "size", json_integer(live->size));
	if (live->kind == IR_LIVE_MAP_VALUE || live->kind == IR_LIVE_MAP_BYTES)
		json_object_set_new(object, "map", json_integer(live->map));
	if (live->kind == IR_LIVE_STACK || live->kind == IR_LIVE_MAP_BYTES) {
		json_object_set_new(object, "from", json_integer(live->from));
		json_object_set_new(object, "to", json_integer(live->to));
	}
	return object;
}

static json_t *edge_json(const struct ir_program *p, const struct ir_edge *edge)
{
	json_t *object = json_object(), *live = json_array();

	json_object_set_new(object, "from", index_or_null(edge->from));
	json_object_set_new(object, "to", json_integer(edge->to));
	json_object_set_new(object, "probability", json_real(edge->probability));
	for (size_t i = 0; i < edge->live_count; i++)
		json_array_append_new(live, live_json(&edge->live[i]));
	json_object_set_new(object, "live", live);
	json_object_set_new(object, "own_metadata", json_integer(edge->own_metadata));
	json_object_set_new(object, "cut", json_boolean(edge->cut.reason == IR_REASON_NONE));
	if (edge->cut.reason != IR_REASON_NONE) {
		json_object_set_new(object, "why_not", why_json(p, edge->cut));
		json_object_set_new(object, "line", json_integer(ir_edge_loc(p, edge).line));
	}
	return object;
}

static json_t *map_json(const struct ir_map *map)
{
	json_t *object = json_object();

	json_object_set_new(object, "name", text(map->name));
	json_object_set_new(object, "type", text(map_type_text(map->type)));
	json_object_set_new(object, "key_size", json_integer(map->key_size));
	json_object_set_new(object, "value_size", json_integer(map->value_size));
	json_object_set_new(object, "max_entries", json_integer(map->max_entries));
	json_object_set_new(object, "flags", json_integer(map->flags));
	json_object_set_new(object, "packet_local", json_boolean(map->packet_local));
	if (map->inner.type)
		json_object_set_new(object, "holds", text(map_type_text(map->inner.type)));
	return object;
}

static json_t *global_json(const struct ir_global *global)
{
	json_t *object = json_object();

	json_object_set_new(object, "name", text(global->name));
	json_object_set_new(object, "section", text(global->section));
	json_object_set_new(object, "size", json_integer(global->size));
	json_object_set_new(object, "constant", json_boolean(global->constant));
	return object;
}

static json_t *program_json(const struct ir_program *p)
{
	json_t *root = json_object(), *maps = json_array(), *globals = json_array();
	json_t *blocks = json_array(), *edges = json_array(), *ops = json_array();

	json_object_set_new(root, "source", text(p->source));
	json_object_set_new(root, "name", text(p->name));
	json_object_set_new(root, "section", text(p->section));
	json_object_set_new(root, "license", text(p->license));
	json_object_set_new(root, "stack_bytes", json_integer(p->stack_bytes));
	json_object_set_new(root, "uses_clock", json_boolean(p->uses_clock));
	for (size_t i = 0; i < p->map_count; i++)
		json_array_append_new(maps, map_json(&p->maps[i]));
	for (size_t i = 0; i < p->global_count; i++)
		json_array_append_new(globals, global_json(&p->globals[i]));
	for (size_t i = 0; i < p->block_count; i++)
		json_array_append_new(blocks, block_json(p, &p->blocks[i]));
	for (size_t i = 0; i < p->edge_count; i++)
		json_array_append_new(edges, edge_json(p, &p->edges[i]));
	for (size_t i = 0; i < p->op_count; i++)
		json_array_append_new(ops, op_json(p, &p->ops[i]));
	json_object_set_new(root, "maps", maps);
	json_object_set_new(root, "globals", globals);
	json_object_set_new(root, "blocks", blocks);
	json_object_set_new(root, "edges", edges);
	json_object_set_new(root, "ops", ops);
	return root;
}

void ir_print_json(FILE *out, const struct ir_program *program)
{
	json_t *root = program_json(program);

	json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	fputc('\n', out);
	json_decref(root);
}
