/*
 * `cleave inspect --dot`: blocks as records coloured by layer (kernel green, user blue, both sand),
 * and edges: solid and labelled with the bytes that are live where a packet can be handed over,
 * dashed where not.
 */
#include "ir/ir.h"

#include <string.h>

#include "support/arena.h"

/* Characters that mean something in a record's label. */
static void print_label(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("{}|<>\"\\ ", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static ir_layer_set block_layers_of(const struct ir_program *p, size_t b,
				    const ir_layer_set *block_layers)
{
	ir_layer_set set = IR_LAYERS_ALL;

	if (block_layers)
		return block_layers[b];
	for (const struct ir_op *op = ir_first_op(p, b), *end = ir_end_op(p, b); op < end; op++)
		set &= op->legal;
	return set;
}

static const char *colour_of(ir_layer_set set)
{
	bool kernel = set & 1u << IR_LAYER_KERNEL, user = set & 1u << IR_LAYER_USER;

	if (kernel && user)
		return "#f3ecd2";
	if (kernel)
		return "#d3ead3";
	return user ? "#d2e1f5" : set ? "#ecd9ef" : "#f4f4f4";
}

static void print_block(FILE *out, const struct ir_program *p, size_t b, const char *colour)
{
	const struct ir_block *block = &p->blocks[b];

	fprintf(out, "  %s [fillcolor=\"%s\", label=\"{", block->label, colour);
	print_label(out, block->label);
	fputs("\\ ", out);
	print_label(out, block->function ? block->function : "-");
	fprintf(out, ":%u\\ \\ x%.3f", block->loc.line, block->frequency);
	if (block->op_count)
		fputc('|', out);
	for (const struct ir_op *op = ir_first_op(p, b), *end = ir_end_op(p, b); op < end; op++) {
		fprintf(out, "%u\\ ", op->loc.line);
		print_label(out, ir_op_line(p->arena, p, op));
		fputs("\\l", out);
	}
	fputs("}\"];\n", out);
}

static void print_edge(FILE *out, const struct ir_program *p, const struct ir_edge *edge)
{
	uint32_t bytes = 0;

	for (size_t i = 0; i < edge->live_count; i++)
		bytes += edge->live[i].size;
	fprintf(out, "  %s -> %s [penwidth=%.2f, ",
		edge->from == IR_NONE ? "start" : p->blocks[edge->from].label,
		p->blocks[edge->to].label, 0.5 + 2 * edge->probability);
	if (edge->cut.reason == IR_REASON_NONE)
		fprintf(out, "label=\"%u B\"];\n", bytes);
	else
		fprintf(out, "style=dashed, color=\"#999999\", tooltip=\"%s\"];\n",
			ir_reason_text(edge->cut.reason));
}

void ir_print_dot(FILE *out, const struct ir_program *program, const ir_layer_set *block_layers)
{
	fprintf(out, "digraph \"%s\" {\n", program->name);
	fputs("  node [shape=record, style=filled, fontname=\"monospace\", fontsize=10];\n"
	      "  edge [fontname=\"monospace\", fontsize=9];\n"
	      "  start [shape=plaintext, style=solid, label=\"packet\"];\n",
	      out);
	for (size_t b = 0; b < program->block_count; b++)
		print_block(out, program, b, colour_of(block_layers_of(program, b, block_layers)));
	for (size_t e = 0; e < program->edge_count; e++)
		print_edge(out, program, &program->edges[e]);
	fputs("}\n", out);
}
