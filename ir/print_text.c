/*
 * `cleave inspect`: the graph as text that a golden test can compare. docs/ir.md explains it with
 * an example.
 *
 *     b3 count:51  freq 0.500  depth 1  [kernel user]
 *         51  map.lookup flows key=[0:4 ipv4.saddr]  {reads state}  [kernel user]  nic: nic-state
 *         -> b4  p 0.50  cut 8 bytes: packet data 4, scalar len 4
 *         -> b5  p 0.50  no cut: own-metadata
 */
#include "ir/ir.h"

#include <assert.h>
#include <string.h>

#include "support/arena.h"
#include "support/map_types.h"

static const char *const states[] = {
    [IR_STATE_NONE] = NULL,
    [IR_STATE_READ] = "reads state",
    [IR_STATE_WRITE] = "writes state",
    [IR_STATE_RMW] = "updates state",
    [IR_STATE_CLOCK] = "differs from run to run",
};
static_assert(sizeof states / sizeof *states == IR_STATE_CLOCK + 1, "a text for every effect");

static const char *const kinds[] = {
    [IR_LIVE_SCALAR] = "scalar", [IR_LIVE_PACKET] = "packet", [IR_LIVE_MAP_VALUE] = "value",
    [IR_LIVE_STACK] = "stack",   [IR_LIVE_MAP_BYTES] = "map",
};
static_assert(sizeof kinds / sizeof *kinds == IR_LIVE_MAP_BYTES + 1, "a text for every kind");

static const char *file_part(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

/* function:line, and the file where it is not the program's own. */
static void print_place(FILE *out, const struct ir_program *p, const char *function,
			struct src_loc loc)
{
	const char *file = file_part(loc.file), *own = file_part(p->source);

	fputs(function ? function : "-", out);
	if (file && (!own || strcmp(file, own)))
		fprintf(out, ":%s", file);
	if (loc.line)
		fprintf(out, ":%u", loc.line);
}

static void print_layers(FILE *out, ir_layer_set set)
{
	const char *space = "";

	fputc('[', out);
	for (unsigned l = 0; l < IR_LAYER_COUNT; l++)
		if (set & 1u << l) {
			fprintf(out, "%s%s", space, ir_layer_text(l));
			space = " ";
		}
	fputc(']', out);
}

static void print_why(FILE *out, struct ir_why why)
{
	fputs(ir_reason_text(why.reason), out);
	if (why.detail)
		fprintf(out, " (%s)", why.detail);
}

static const char *plural(uint32_t count)
{
	return count == 1 ? "" : "s";
}

static void print_data(FILE *out, const struct ir_program *p)
{
	for (size_t i = 0; i < p->map_count; i++) {
		const struct ir_map *m = &p->maps[i];

		fprintf(out, "map %s: %s, key %u, value %u, %u entr%s", m->name,
			map_type_text(m->type), m->key_size, m->value_size, m->max_entries,
			m->max_entries == 1 ? "y" : "ies");
		if (m->flags)
			fprintf(out, ", flags 0x%x", m->flags);
		if (m->inner.type)
			fprintf(out, ", of %s, key %u, value %u", map_type_text(m->inner.type),
				m->inner.key_size, m->inner.value_size);
		fputs(m->packet_local ? ", packet-local\n" : "\n", out);
	}
	for (size_t i = 0; i < p->global_count; i++) {
		const struct ir_global *g = &p->globals[i];

		fprintf(out, "global %s: %s, %u byte%s%s\n", g->name, g->section, g->size,
			plural(g->size), g->constant ? ", constant" : "");
	}
	if (p->map_count || p->global_count)
		fputc('\n', out);
}

static void print_op(FILE *out, const struct ir_program *p, const struct ir_op *op)
{
	if (op->loc.line)
		fprintf(out, "    %4u  ", op->loc.line);
	else
		fputs("       -  ", out);
	fputs(ir_op_line(p->arena, p, op), out);
	if (states[ir_op_state(op->kind)])
		fprintf(out, "  {%s}", states[ir_op_state(op->kind)]);
	fputs("  ", out);
	print_layers(out, op->legal);
	for (unsigned l = 0; l < IR_LAYER_COUNT; l++) {
		if (op->legal & 1u << l)
			continue;
		fprintf(out, "  %s: ", ir_layer_text(l));
		print_why(out, op->missing[l]);
	}
	fputc('\n', out);
}

static void print_live(FILE *out, const struct ir_program *p, const struct ir_live *live)
{
	if (!live->name || strcmp(live->name, kinds[live->kind]))
		fprintf(out, "%s ", kinds[live->kind]);
	if (live->kind == IR_LIVE_MAP_BYTES || (live->kind == IR_LIVE_MAP_VALUE && !live->name))
		fputs(p->maps[live->map].name, out);
	else
		fputs(live->name ? live->name : "-", out);
	if (live->kind == IR_LIVE_STACK || live->kind == IR_LIVE_MAP_BYTES)
		fprintf(out, "[%u:%u]", live->from, live->to);
	fprintf(out, " %u", live->size);
}

static void print_edge(FILE *out, const struct ir_program *p, const struct ir_edge *edge)
{
	uint32_t bytes = 0;

	fprintf(out, "    -> %s  p %.3f  ", p->blocks[edge->to].label, edge->probability);
	if (edge->cut.reason != IR_REASON_NONE) {
		fputs("no cut: ", out);
		print_why(out, edge->cut);
		fputc('\n', out);
		return;
	}
	for (size_t i = 0; i < edge->live_count; i++)
		bytes += edge->live[i].size;
	fprintf(out, "cut %u byte%s", bytes, plural(bytes));
	for (size_t i = 0; i < edge->live_count; i++) {
		fputs(i ? ", " : ": ", out);
		print_live(out, p, &edge->live[i]);
	}
	if (edge->own_metadata)
		fprintf(out, ", and %u of own metadata", edge->own_metadata);
	fputc('\n', out);
}

/* The layers that all ops of the block share. */
static ir_layer_set block_legal(const struct ir_program *p, size_t b)
{
	ir_layer_set legal = IR_LAYERS_ALL;

	for (const struct ir_op *op = ir_first_op(p, b), *end = ir_end_op(p, b); op < end; op++)
		legal &= op->legal;
	return legal;
}

static void print_block(FILE *out, const struct ir_program *p, size_t b)
{
	const struct ir_block *block = &p->blocks[b];

	fprintf(out, "%s ", block->label);
	print_place(out, p, block->function, block->loc);
	fprintf(out, "  freq %.3f  depth %u  instructions %u  ", block->frequency,
		block->loop_depth, block->instructions);
	print_layers(out, block_legal(p, b));
	fputc('\n', out);
	for (const struct ir_op *op = ir_first_op(p, b), *end = ir_end_op(p, b); op < end; op++)
		print_op(out, p, op);
	for (size_t i = 0; i < block->out_count; i++)
		print_edge(out, p, &p->edges[block->out[i]]);
}

/* The sentence of each reason that was named, once; ops and edges name what stands in its place. */
static void print_reasons(FILE *out, const struct ir_program *p)
{
	bool seen[IR_REASON_COUNT] = {0};

	for (size_t i = 0; i < p->op_count; i++)
		for (unsigned l = 0; l < IR_LAYER_COUNT; l++)
			if (!(p->ops[i].legal & 1u << l))
				seen[p->ops[i].missing[l].reason] = true;
	for (size_t i = 0; i < p->edge_count; i++)
		seen[p->edges[i].cut.reason] = true;
	seen[IR_REASON_NONE] = false;
	for (unsigned r = 0; r < IR_REASON_COUNT; r++)
		if (seen[r])
			fprintf(out, "%s: %s\n", ir_reason_text(r),
				ir_why_sentence(p->arena, (struct ir_why){r, "..."}));
}

void ir_print_text(FILE *out, const struct ir_program *program)
{
	const char *source = file_part(program->source);

	fprintf(out, "program %s (%s) in %s, license %s\n", program->name, program->section,
		source ? source : "-", program->license ? program->license : "-");
	fprintf(out, "%zu blocks, %zu ops, %u byte%s of stack%s\n\n", program->block_count,
		program->op_count, program->stack_bytes, plural(program->stack_bytes),
		program->uses_clock ? ", reads time or random numbers" : "");
	print_data(out, program);
	for (size_t b = 0; b < program->block_count; b++) {
		print_block(out, program, b);
		fputc('\n', out);
	}
	print_reasons(out, program);
}
