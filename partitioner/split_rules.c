#include "partitioner/split_rules.h"

#include <errno.h>
#include <string.h>

#include "support/arena.h"

static void set_all(const struct ir_program *p, enum edge_rule *rules, enum edge_rule rule)
{
	for (size_t e = 0; e < p->edge_count; e++)
		rules[e] = rule;
}

/* Where the block begins in the user's own file; line 0 when it has no line there. */
static struct src_loc block_loc(const struct ir_program *p, size_t b)
{
	const struct ir_block *block = &p->blocks[b];
	struct src_loc loc = block->loc;

	if (block->op_count && ir_first_op(p, b)->loc.line)
		loc = ir_first_op(p, b)->loc;
	if (loc.file && p->source && strcmp(loc.file, p->source) != 0) {
		const char *file = strrchr(loc.file, '/'), *source = strrchr(p->source, '/');

		if (strcmp(file ? file + 1 : loc.file, source ? source + 1 : p->source) != 0)
			loc.line = 0;
	}
	return loc;
}

/* Avoids cuts everywhere, and most of all on the way to an edge that must be cut. */
static void avoid_before(const struct ir_program *p, enum edge_rule *rules)
{
	bool *leads = arena_array(p->arena, p->block_count, sizeof *leads), changed;

	for (size_t e = 0; e < p->edge_count; e++)
		if (rules[e] == EDGE_MUST && p->edges[e].from != IR_NONE)
			leads[p->edges[e].from] = true;
	do {
		changed = false;
		for (size_t e = p->edge_count; e-- > 0;) {
			int from = p->edges[e].from;

			if (from == IR_NONE || leads[from] || !leads[p->edges[e].to])
				continue;
			leads[from] = true;
			changed = true;
		}
	} while (changed);
	for (size_t e = 0; e < p->edge_count; e++)
		if (rules[e] != EDGE_MUST)
			rules[e] = leads[p->edges[e].to] ? EDGE_BEFORE : EDGE_AVOID;
}

/* The first line, from the given one on, at which a block begins; 0 when there is none. */
static unsigned find_line(const struct ir_program *p, unsigned line)
{
	unsigned found = 0;

	for (size_t b = 0; b < p->block_count; b++) {
		unsigned at = block_loc(p, b).line;

		if (at >= line && (!found || at < found))
			found = at;
	}
	return found;
}

static int rules_at_line(const struct ir_program *p, unsigned wanted, enum edge_rule *rules,
			 struct diag *diag)
{
	unsigned line = find_line(p, wanted), legal = 0;
	struct src_loc loc = {p->source, wanted, 0};

	if (!line) {
		diag_error(diag, loc, "no code of the program begins in line %u or after it",
			   wanted);
		return -EINVAL;
	}
	for (size_t e = 0; e < p->edge_count; e++)
		if (block_loc(p, (size_t)p->edges[e].to).line == line &&
		    p->edges[e].cut.reason == IR_REASON_NONE) {
			rules[e] = EDGE_MUST;
			legal++;
		}
	avoid_before(p, rules);
	if (legal)
		return 0;
	loc.line = line;
	diag_error(diag, loc, "no packet can be handed over before line %u", line);
	for (size_t e = 0; e < p->edge_count; e++)
		if (block_loc(p, (size_t)p->edges[e].to).line == line)
			diag_note(diag, loc, "%s", ir_why_sentence(p->arena, p->edges[e].cut));
	return -EINVAL;
}

static int rules_at_edge(const struct ir_program *p, int edge, enum edge_rule *rules,
			 struct diag *diag)
{
	if (edge < 0 || (size_t)edge >= p->edge_count) {
		diag_error(diag, (struct src_loc){p->source, 0, 0}, "there is no edge %d", edge);
		return -EINVAL;
	}
	if (p->edges[edge].cut.reason != IR_REASON_NONE) {
		diag_error(diag, block_loc(p, (size_t)p->edges[edge].to),
			   "no packet can be handed over here: %s",
			   ir_why_sentence(p->arena, p->edges[edge].cut));
		return -EINVAL;
	}
	rules[edge] = EDGE_MUST;
	avoid_before(p, rules);
	return 0;
}

int split_rules(const struct ir_program *program, const struct target *target, struct split split,
		enum edge_rule *rules, struct diag *diag)
{
	switch (split.kind) {
	case SPLIT_KERNEL:
		set_all(program, rules, EDGE_NEVER);
		return 0;
	case SPLIT_USER:
		set_all(program, rules, EDGE_NEVER);
		rules[0] = EDGE_MUST;
		return 0;
	case SPLIT_AT_LINE:
		return rules_at_line(program, split.line, rules, diag);
	case SPLIT_AT_EDGE:
		return rules_at_edge(program, split.edge, rules, diag);
	default:
		set_all(program, rules, EDGE_FREE);
		return 0;
	}
}

/* The first op in program order that the layer itself cannot run (not one that follows from
 * another). */
static const struct ir_op *find_forbidden(const struct ir_program *p, enum ir_layer layer)
{
	for (size_t i = 0; i < p->op_count; i++) {
		enum ir_reason reason = p->ops[i].missing[layer].reason;

		if (!(p->ops[i].legal & 1u << layer) && reason != IR_REASON_AFTER_USER_OP &&
		    reason != IR_REASON_BEFORE_KERNEL_OP)
			return &p->ops[i];
	}
	return NULL;
}

static void note_edges(const struct ir_program *p, int block, struct diag *diag)
{
	for (size_t i = 0; i < p->blocks[block].in_count; i++) {
		const struct ir_edge *e = &p->edges[p->blocks[block].in[i]];

		if (e->cut.reason != IR_REASON_NONE)
			diag_note(diag, p->blocks[block].loc,
				  "a packet cannot be handed over before it: %s",
				  ir_why_sentence(p->arena, e->cut));
	}
}

static const char *split_text(struct split split)
{
	switch (split.kind) {
	case SPLIT_KERNEL:
		return "--split kernel";
	case SPLIT_USER:
		return "--split user";
	case SPLIT_AT_LINE:
		return "this --split at";
	case SPLIT_AT_EDGE:
		return "a cut at this edge";
	default:
		return "any split";
	}
}

/* In relaxed order: user changes a copy of a value, while other packets may change theirs. */
static const struct ir_op *find_copied_write(const struct ir_program *program)
{
	for (size_t o = 0; o < program->op_count; o++)
		if (program->ops[o].inner && (program->ops[o].kind == IR_OP_MAP_WRITE ||
					      program->ops[o].kind == IR_OP_MAP_ADD))
			return &program->ops[o];
	return NULL;
}

static void refuse_too_long(const struct ir_program *program, const struct target *target,
			    bool strict, struct diag *diag)
{
	const struct ir_op *op = strict ? NULL : find_copied_write(program);
	struct ir_why why = {IR_REASON_INNER_RELAXED, op ? program->maps[op->map].name : NULL};

	if (op)
		diag_error(diag, op->loc, "%s", ir_why_sentence(program->arena, why));
	else
		diag_error(diag, program->blocks[0].loc,
			   "the live values need more than the %u bytes of metadata that %s has",
			   target->handoff_bytes_max, target->name);
}

int split_refuse(const struct ir_program *program, const struct target *target, struct split split,
		 bool strict, bool relaxed, struct diag *diag)
{
	enum ir_layer layer = split.kind == SPLIT_USER ? IR_LAYER_USER : IR_LAYER_KERNEL;
	const struct ir_op *op = find_forbidden(program, layer);
	struct src_loc loc = op ? op->loc : program->blocks[0].loc;
	const char *what = split_text(split);

	if (relaxed) {
		diag_error(
		    diag, program->blocks[0].loc, "%s",
		    ir_why_sentence(program->arena, (struct ir_why){IR_REASON_STRICT_ORDER, what}));
		diag_note(diag, NO_LOC, "relaxed order would allow it");
		return -EINVAL;
	}
	if (split.kind == SPLIT_USER && program->edges[0].cut.reason != IR_REASON_NONE && !op)
		diag_error(diag, loc, "%s", ir_why_sentence(program->arena, program->edges[0].cut));
	else if (op)
		diag_error(diag, loc, "%s", ir_why_sentence(program->arena, op->missing[layer]));
	else
		refuse_too_long(program, target, strict, diag);
	if (op && layer == IR_LAYER_KERNEL && split.kind != SPLIT_KERNEL)
		note_edges(program, op->block, diag);
	diag_note(diag, loc, "so %s is impossible", what);
	return -EINVAL;
}
