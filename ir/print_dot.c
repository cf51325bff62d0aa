/*
 * `cleave inspect --dot`, for graphviz. Each node has a head (first block, place, share of the
 * packets) and a line for each op; colours tell the layer. Cuts are red: solid where packets leave
 * the kernel, dashed where only those do that have to wait for one that is there already. Thin grey
 * arrows are edges that cannot be cut.
 */
#include "ir/picture.h"

#include <string.h>

#include "support/arena.h"

enum { COLUMNS = 60 }; /* of an op's line, before it is broken */

static const struct colours {
	const char *what, *head, *body;
	bool kernel, user;
} colours[] = {
    {"kernel", "#a8d5a2", "#eef7ec", true, false},
    {"user", "#a9c7f0", "#edf3fc", false, true},
    {"kernel and user", "#ead9a6", "#fbf7ea", true, true},
    {"neither", "#d9b3dd", "#f8eef9", false, false},
};

static const struct colours *colours_of(ir_layer_set set)
{
	bool kernel = set & 1u << IR_LAYER_KERNEL, user = set & 1u << IR_LAYER_USER;

	for (size_t i = 0; i + 1 < sizeof colours / sizeof *colours; i++)
		if (colours[i].kernel == kernel && colours[i].user == user)
			return &colours[i];
	return &colours[sizeof colours / sizeof *colours - 1];
}

/* In a label between < and >; in the quotes of an attribute only the first two rules matter. */
static void print_character(FILE *out, char c)
{
	switch (c) {
	case '&':
		fputs("&amp;", out);
		break;
	case '"':
		fputs("&quot;", out);
		break;
	case '<':
		fputs("&lt;", out);
		break;
	case '>':
		fputs("&gt;", out);
		break;
	default:
		fputc(c, out);
	}
}

static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++)
		print_character(out, *text);
}

/* Broken behind commas; what follows is indented. */
static void print_wrapped(FILE *out, const char *text)
{
	unsigned column = 0;

	for (; *text; text++) {
		unsigned next = (unsigned)strcspn(text + 1, ",");

		if (*text == ' ' && column && text[-1] == ',' && column + next > COLUMNS) {
			fputs("<BR ALIGN=\"LEFT\"/>&#160;&#160;&#160;&#160;&#160;&#160;", out);
			column = 6;
			continue;
		}
		print_character(out, *text);
		column++;
	}
	fputs("<BR ALIGN=\"LEFT\"/>", out);
}

static void print_frequency(FILE *out, double frequency)
{
	if (frequency > 1.0005)
		fprintf(out, "%.3g per packet", frequency);
	else
		fprintf(out, "%.3g %%", 100 * frequency);
}

static const char *file_part(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

static void print_head(FILE *out, const struct ir_program *p, const struct ir_picture_node *node)
{
	const struct ir_block *block = &p->blocks[node->block];
	const char *file = file_part(block->loc.file), *own = file_part(p->source);

	fprintf(out, "<B>%s</B>", block->label);
	if (node->count > 1)
		fprintf(out, " +%u", node->count - 1);
	fputs("&#160;&#160;", out);
	print_escaped(out, block->function ? block->function : "-");
	if (file && own && strcmp(file, own)) {
		fputc(' ', out);
		print_escaped(out, file);
	}
	if (block->loc.line)
		fprintf(out, ":%u", block->loc.line);
	fputs("&#160;&#160;&#160;", out);
	print_frequency(out, block->frequency);
}

static void print_ops(FILE *out, const struct ir_program *p, size_t b)
{
	for (const struct ir_op *op = ir_first_op(p, b), *end = ir_end_op(p, b); op < end; op++) {
		if (op->loc.line)
			fprintf(out, "%u ", op->loc.line);
		print_wrapped(out, ir_op_line(p->arena, p, op));
	}
}

static void print_node(FILE *out, const struct ir_program *p, const struct ir_picture *picture,
		       size_t n)
{
	const struct ir_picture_node *node = &picture->nodes[n];
	const struct colours *c = colours_of(node->layers);
	bool body = false;

	fprintf(out, "  %s [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\">",
		p->blocks[node->block].label);
	fprintf(out, "<TR><TD BGCOLOR=\"%s\" ALIGN=\"LEFT\">", c->head);
	print_head(out, p, node);
	for (size_t b = 0; b < p->block_count; b++) {
		if (picture->node_of[b] != (int)n || !p->blocks[b].op_count)
			continue;
		if (!body)
			fprintf(out, "</TD></TR><TR><TD BGCOLOR=\"%s\" ALIGN=\"LEFT\">", c->body);
		body = true;
		print_ops(out, p, b);
	}
	fputs("</TD></TR></TABLE>>];\n", out);
}

static const char *name_of(const struct ir_program *p, const struct ir_picture *picture, int n)
{
	return n == IR_NONE ? "packet" : p->blocks[picture->nodes[n].block].label;
}

static void print_arrow(FILE *out, const struct ir_program *p, const struct ir_picture *picture,
			size_t a)
{
	const struct ir_picture_arrow *arrow = &picture->arrows[a];
	const char *to = name_of(p, picture, arrow->to);
	double share = arrow->frequency < 1 ? arrow->frequency : 1;

	fprintf(out, "  %s -> ", name_of(p, picture, arrow->from));
	if (arrow->is_stub)
		fprintf(out, "to%zu", a);
	else
		fputs(to, out);
	fprintf(out, " [penwidth=%.2f", (arrow->cut ? 1.6 : 0.6) + 2.4 * share);
	if (arrow->cut) {
		fprintf(out, ", color=\"#c0241c\", fontcolor=\"#c0241c\", %slabel=\"",
			arrow->held ? "style=dashed, " : "");
		print_escaped(out, arrow->cut);
		fputc('"', out);
	} else if (!arrow->can_be_cut) {
		fputs(", color=\"#a0a0a0\", tooltip=\"no cut here\"", out);
	}
	fputs("];\n", out);
	if (arrow->is_stub)
		fprintf(out, "  to%zu [label=\"to %s\", fontcolor=\"#606060\"];\n", a, to);
}

/* Only the colours that occur. */
static void print_legend(FILE *out, const struct ir_picture *picture)
{
	fputs("  legend [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\"><TR>", out);
	for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
		bool used = false;

		for (size_t n = 0; n < picture->node_count; n++)
			used |= colours_of(picture->nodes[n].layers) == &colours[i];
		if (used)
			fprintf(out, "<TD BGCOLOR=\"%s\">%s</TD>", colours[i].head,
				colours[i].what);
	}
	fputs("</TR></TABLE>>];\n", out);
}

void ir_print_dot(FILE *out, const struct ir_program *program, const struct ir_picture_plan *plan)
{
	struct ir_picture picture = ir_picture_make(program, plan);

	fprintf(out, "digraph \"%s\" {\n", program->name);
	fputs("  graph [labelloc=t, fontname=\"sans-serif\", fontsize=14, nodesep=0.2, "
	      "ranksep=0.3, label=\"",
	      out);
	print_escaped(out, plan->title ? plan->title : program->name);
	fputs("\"];\n"
	      "  node [shape=plaintext, margin=0.02, width=0, height=0, fontname=\"monospace\", "
	      "fontsize=10];\n"
	      "  edge [fontname=\"monospace\", fontsize=10, arrowsize=0.7];\n",
	      out);
	print_legend(out, &picture);
	for (size_t n = 0; n < picture.node_count; n++)
		print_node(out, program, &picture, n);
	for (size_t a = 0; a < picture.arrow_count; a++)
		print_arrow(out, program, &picture, a);
	fputs("}\n", out);
}
