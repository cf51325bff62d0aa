/*
 * Legal layers by fixpoint. Blocks may be in both parts, so what forbids a layer is a matter of
 * paths:
 *  - what every path reaches only through an op that the kernel cannot run is user's
 * (AFTER_USER_OP);
 *  - what can lead to an op that user cannot run is not user's (BEFORE_KERNEL_OP).
 */
#include "partitioner/plan.h"

#include <errno.h>
#include <string.h>

#include "ir/helpers.h"
#include "ir/kfuncs.h"
#include "partitioner/handoff.h"
#include "support/arena.h"
#include "verifier_model/verifier_model.h"

enum { FREE = -2 }; /* a cause: none on some path */

struct legality {
	struct ir_program *program;
	const struct target *target;
	int *blocked[IR_LAYER_COUNT]; /* per block: its first op that the layer cannot run, or
					 IR_NONE */
	int *cause;                   /* per block: the op that a fixpoint found, or IR_NONE */
};

static void forbid(struct ir_op *op, enum ir_layer layer, enum ir_reason reason, const char *detail)
{
	if (!(op->legal & 1u << layer))
		return;
	op->legal &= (ir_layer_set) ~(1u << layer);
	op->missing[layer] = (struct ir_why){reason, detail};
}

/* "the loop at nf.bpf.c:41" */
static const char *op_phrase(const struct ir_program *p, const struct ir_op *op)
{
	const char *what = op->name ? op->name : ir_op_text(op->kind);

	if (op->kind == IR_OP_LOOP)
		what = "the loop";
	if (!op->loc.line)
		return arena_printf(p->arena, "%s", what);
	return arena_printf(p->arena, "%s in line %u", what, op->loc.line);
}

/* The fourth version of BPF's instruction set has it. */
static void allow_signed_division(const struct target *t, struct ir_op *op)
{
	if (op->missing[IR_LAYER_KERNEL].reason != IR_REASON_SIGNED_DIVISION ||
	    t->kernel_version < VERIFIER_VERSION(6, 6))
		return;
	op->legal |= 1 << IR_LAYER_KERNEL;
	op->missing[IR_LAYER_KERNEL] = (struct ir_why){IR_REASON_NONE, NULL};
}

static void forbid_before_since(struct ir_program *p, const struct target *t, struct ir_op *op)
{
	uint32_t since = ir_op_since(op);

	if (p->section && !strncmp(p->section, "xdp", 3) && t->kernel_version < since << 8)
		forbid(
		    op, IR_LAYER_KERNEL, IR_REASON_NOT_YET,
		    arena_printf(p->arena, "%s (Linux %u.%u)", op->name, since >> 8, since & 0xff));
}

static void forbid_layers(struct ir_program *p, const struct target *t)
{
	for (size_t i = 0; i < p->op_count; i++) {
		struct ir_op *op = &p->ops[i];
		bool state = op->map != IR_NONE || op->global != IR_NONE;

		allow_signed_division(t, op);
		forbid_before_since(p, t, op);
		forbid(op, IR_LAYER_NIC, state ? IR_REASON_STATE_NIC : IR_REASON_COMPUTE_NIC, NULL);
		for (int l = IR_LAYER_KERNEL; l < IR_LAYER_COUNT; l++)
			if (!(t->layers & 1u << l))
				forbid(op, (enum ir_layer)l, IR_REASON_NO_LAYER, NULL);
	}
}

static void find_blocked(struct legality *g)
{
	const struct ir_program *p = g->program;

	for (size_t b = 0; b < p->block_count; b++)
		for (int l = 0; l < IR_LAYER_COUNT; l++) {
			g->blocked[l][b] = IR_NONE;
			for (int i = p->blocks[b].op_count; i-- > 0;)
				if (!(p->ops[p->blocks[b].first_op + i].legal & 1u << l))
					g->blocked[l][b] = p->blocks[b].first_op + i;
		}
}

/*
 * Goes on from the blocks in queue[0 .. tail): what a block leads to gets the block's cause, or its
 * own blocking op. In the first phase the walk ends where the kernel does. Returns the new tail.
 */
static size_t walk(struct legality *g, int *queue, size_t tail, bool in_kernel)
{
	const struct ir_program *p = g->program;

	for (size_t head = 0; head < tail; head++) {
		int b = queue[head], stop = g->blocked[IR_LAYER_KERNEL][b];

		if (in_kernel && stop != IR_NONE)
			continue;
		for (size_t k = 0; k < p->blocks[b].out_count; k++) {
			int to = p->edges[p->blocks[b].out[k]].to;

			if (g->cause[to] != IR_NONE)
				continue;
			g->cause[to] = in_kernel ? FREE : g->cause[b] == FREE ? stop : g->cause[b];
			queue[tail++] = to;
		}
	}
	return tail;
}

static bool is_guess(const struct ir_op *op)
{
	enum ir_reason reason = op->missing[IR_LAYER_KERNEL].reason;

	return op->loop_counts &&
	       (reason == IR_REASON_UNBOUNDED_LOOP || reason == IR_REASON_LOOP_TOO_LONG);
}

/*
 * That the verifier finds no end of a loop which counts is a guess. Where user cannot run the loop
 * either, because of what it leads to, the verifier itself has to say so.
 */
static void leave_loops(struct legality *g)
{
	struct ir_program *p = g->program;

	for (size_t i = 0; i < p->op_count; i++) {
		struct ir_op *op = &p->ops[i];

		if (op->kind != IR_OP_LOOP || g->cause[op->block] == IR_NONE ||
		    !(g->target->layers & 1u << IR_LAYER_KERNEL) || !is_guess(op))
			continue;
		op->legal |= 1u << IR_LAYER_KERNEL;
		op->missing[IR_LAYER_KERNEL] = (struct ir_why){IR_REASON_NONE, NULL};
		op->loop_left = true;
	}
}

/* cause[b]: a user-only op that lies on every path to b, or FREE when some path has none. */
static void spread_after_user(struct legality *g)
{
	const struct ir_program *p = g->program;
	int *queue = arena_array(p->arena, p->block_count + 1, sizeof *queue);
	size_t stops = 0;

	for (size_t b = 0; b < p->block_count; b++)
		g->cause[b] = IR_NONE;
	g->cause[0] = FREE;
	queue[0] = 0;
	walk(g, queue, 1, true);
	for (size_t b = 0; b < p->block_count; b++)
		if (g->cause[b] == FREE && g->blocked[IR_LAYER_KERNEL][b] != IR_NONE)
			queue[stops++] = (int)b;
	walk(g, queue, stops, false);
	for (size_t i = 0; i < p->op_count; i++) {
		struct ir_op *op = &g->program->ops[i];
		int cause = g->cause[op->block], stop = g->blocked[IR_LAYER_KERNEL][op->block];

		if (cause < 0 && stop != IR_NONE && (int)i > stop)
			cause = stop;
		if (cause >= 0)
			forbid(op, IR_LAYER_KERNEL, IR_REASON_AFTER_USER_OP,
			       op_phrase(p, &p->ops[cause]));
	}
}

/* cause[b]: an op that user cannot run and that b can lead to. */
static void find_before_kernel(struct legality *g)
{
	const struct ir_program *p = g->program;
	int *queue = arena_array(p->arena, p->block_count + 1, sizeof *queue);
	size_t tail = 0;

	for (size_t b = 0; b < p->block_count; b++) {
		g->cause[b] = g->blocked[IR_LAYER_USER][b];
		if (g->cause[b] != IR_NONE)
			queue[tail++] = (int)b;
	}
	for (size_t head = 0; head < tail; head++) {
		const struct ir_block *block = &p->blocks[queue[head]];

		for (size_t k = 0; k < block->in_count; k++) {
			int from = p->edges[block->in[k]].from;

			if (from == IR_NONE || g->cause[from] != IR_NONE)
				continue;
			g->cause[from] = g->cause[queue[head]];
			queue[tail++] = from;
		}
	}
}

static void spread_before_kernel(struct legality *g)
{
	const struct ir_program *p = g->program;

	find_before_kernel(g);
	for (size_t b = 0; b < p->block_count; b++)
		for (struct ir_op *op = ir_first_op(p, b), *end = ir_end_op(p, b);
		     op < end && g->cause[b] != IR_NONE; op++)
			forbid(op, IR_LAYER_USER, IR_REASON_BEFORE_KERNEL_OP,
			       op_phrase(p, &p->ops[g->cause[b]]));
}

/* Would anybody notice that the op ran twice? A clock may, but is as right the second time. */
static bool is_noticed(const struct ir_program *p, const struct ir_op *op)
{
	enum ir_packet_effect packet = ir_op_packet(op->kind);
	enum ir_state_effect state = ir_op_state(op->kind);

	if (op->map != IR_NONE && p->maps[op->map].packet_local)
		return false;
	if (op->kind == IR_OP_CLOCK)
		return op->name && strstr(op->name, "random");
	return packet == IR_PACKET_WRITE || packet == IR_PACKET_RESIZE || state == IR_STATE_WRITE ||
	       state == IR_STATE_RMW || op->kind == IR_OP_TRACE || op->kind == IR_OP_OUTPUT ||
	       op->kind == IR_OP_HELPER || op->kind == IR_OP_REDIRECT ||
	       op->kind == IR_OP_CTX_WRITE || op->kind == IR_OP_SKB_STATE;
}

/* Per block: on some way to its end something has run that would be noticed to run again. */
static bool *find_noticed(struct ir_program *p)
{
	bool *noticed = arena_array(p->arena, p->block_count, sizeof *noticed), changed;

	for (size_t o = 0; o < p->op_count; o++)
		noticed[p->ops[o].block] |= is_noticed(p, &p->ops[o]);
	do {
		changed = false;
		for (size_t e = 1; e < p->edge_count; e++) {
			bool *to = &noticed[p->edges[e].to];

			changed |= noticed[p->edges[e].from] && !*to;
			*to |= noticed[p->edges[e].from];
		}
	} while (changed);
	return noticed;
}

/*
 * Edges behind which user cannot go on, and those whose live values do not fit whatever the plan.
 * Such a packet may still go to user as it is, to be looked at from the start, when nothing that
 * the kernel has done with it shows.
 */
static void mark_edges(struct legality *g)
{
	struct ir_program *p = g->program;
	enum map_mode *open = arena_array(p->arena, map_state_count(p) + 1, sizeof *open);
	const bool *noticed = find_noticed(p);

	for (size_t e = 0; e < p->edge_count; e++) {
		struct ir_edge *edge = &p->edges[e];
		uint32_t sum = 0, bytes;

		edge->restarts = false;
		bytes = handoff_bytes(p, (int)e, open, 0, &sum);
		if (edge->cut.reason != IR_REASON_NONE)
			continue;
		if (g->cause[edge->to] != IR_NONE)
			edge->cut = (struct ir_why){IR_REASON_USER_ILLEGAL,
						    op_phrase(p, &p->ops[g->cause[edge->to]])};
		else if (bytes <= g->target->handoff_bytes_max)
			continue;
		else if (e && !noticed[edge->from] && g->cause[p->edges[0].to] == IR_NONE)
			edge->restarts = true;
		else
			edge->cut = (struct ir_why){IR_REASON_LIVE_TOO_BIG,
						    arena_printf(p->arena, "%u", sum)};
	}
}

static int report_homeless(const struct ir_program *p, struct diag *diag)
{
	for (size_t i = 0; i < p->op_count; i++) {
		const struct ir_op *op = &p->ops[i];

		if (op->legal)
			continue;
		diag_error(diag, op->loc, "%s can run in no layer", op_phrase(p, op));
		for (int l = IR_LAYER_KERNEL; l < IR_LAYER_COUNT; l++)
			diag_note(diag, op->loc, "not in %s: %s", ir_layer_text((enum ir_layer)l),
				  ir_why_sentence(p->arena, op->missing[l]));
		return -EINVAL;
	}
	return 0;
}

int partitioner_legal_layers(struct ir_program *program, const struct target *target,
			     struct diag *diag)
{
	struct legality g = {.program = program, .target = target};

	for (int l = 0; l < IR_LAYER_COUNT; l++)
		g.blocked[l] = arena_array(program->arena, program->block_count + 1, sizeof(int));
	g.cause = arena_array(program->arena, program->block_count + 1, sizeof(int));
	forbid_layers(program, target);
	verifier_model_loops(program, target->kernel_version);
	find_blocked(&g);
	find_before_kernel(&g);
	leave_loops(&g);
	find_blocked(&g);
	spread_after_user(&g);
	spread_before_kernel(&g);
	mark_edges(&g);
	return report_homeless(program, diag);
}
