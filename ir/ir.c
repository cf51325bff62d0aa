/* What the tables of the IR say (ops.def, reasons.def, the kernel's map types), and the invariants.
 */
#include "ir/ir.h"

#include <assert.h>
#include <linux/bpf.h>
#include <string.h>

#include "support/arena.h"

static const struct {
	const char *text;
	enum ir_packet_effect packet;
	enum ir_state_effect state;
} ops[] = {
#define OP(id, text, packet, state) [IR_OP_##id] = {text, IR_PACKET_##packet, IR_STATE_##state},
#include "ir/ops.def"
#undef OP
};
static_assert(sizeof ops / sizeof *ops == IR_OP_COUNT, "a row for every op");

static const struct {
	const char *text, *sentence;
} reasons[] = {
#define REASON(id, text, sentence) [IR_REASON_##id] = {text, sentence},
#include "ir/reasons.def"
#undef REASON
};
static_assert(sizeof reasons / sizeof *reasons == IR_REASON_COUNT, "a row for every reason");

static const char *const layers[] = {
    [IR_LAYER_NIC] = "nic",
    [IR_LAYER_KERNEL] = "kernel",
    [IR_LAYER_USER] = "user",
};
static_assert(sizeof layers / sizeof *layers == IR_LAYER_COUNT, "a name for every layer");

const char *ir_op_text(enum ir_op_kind kind)
{
	assert(kind < IR_OP_COUNT);
	return ops[kind].text;
}

enum ir_packet_effect ir_op_packet(enum ir_op_kind kind)
{
	assert(kind < IR_OP_COUNT);
	return ops[kind].packet;
}

enum ir_state_effect ir_op_state(enum ir_op_kind kind)
{
	assert(kind < IR_OP_COUNT);
	return ops[kind].state;
}

const char *ir_reason_text(enum ir_reason reason)
{
	assert(reason < IR_REASON_COUNT);
	return reasons[reason].text;
}

struct src_loc ir_edge_loc(const struct ir_program *program, const struct ir_edge *edge)
{
	int block = edge->to;

	for (size_t steps = 0; steps < program->block_count; steps++) {
		const struct ir_block *b = &program->blocks[block];

		if (b->loc.line)
			return b->loc;
		if (!b->out_count)
			break;
		block = program->edges[b->out[0]].to;
	}
	return program->blocks[edge->from == IR_NONE ? 0 : edge->from].loc;
}

const char *ir_why_sentence(struct arena *arena, struct ir_why why)
{
	assert(why.reason < IR_REASON_COUNT);
	const char *sentence = reasons[why.reason].sentence, *hole = strstr(sentence, "%s");

	if (!hole)
		return sentence;
	return arena_printf(arena, "%.*s%s%s", (int)(hole - sentence), sentence,
			    why.detail ? why.detail : "something", hole + 2);
}

static bool begins(const char *section, const char *word)
{
	size_t length = strlen(word);

	return !strncmp(section, word, length) &&
	       (!section[length] || section[length] == '/' || section[length] == '.' ||
		section[length] == '_');
}

bool ir_section_kind(const char *section, enum ir_program_kind *kind)
{
	static const char *const tc[] = {"tc", "tcx", "classifier", "action"};

	if (!section)
		return false;
	/* Programs that run on a devmap's or cpumap's entries are not attached to an interface. */
	*kind = IR_PROGRAM_XDP;
	if (!strncmp(section, "xdp", 3))
		return !strstr(section, "devmap") && !strstr(section, "cpumap");
	*kind = IR_PROGRAM_TC;
	for (size_t i = 0; i < sizeof tc / sizeof *tc; i++)
		if (begins(section, tc[i]))
			return true;
	return false;
}

const char *ir_map_program_section(const char *section)
{
	enum ir_program_kind kind;

	if (!section || strncmp(section, "xdp", 3) != 0 || ir_section_kind(section, &kind))
		return NULL;
	return strncmp(section, "xdp.frags", 9) ? "xdp" : "xdp.frags";
}

const char *ir_program_kind_text(enum ir_program_kind kind)
{
	return kind == IR_PROGRAM_TC ? "TC" : "XDP";
}

const char *ir_layer_text(enum ir_layer layer)
{
	assert(layer < IR_LAYER_COUNT);
	return layers[layer];
}

#ifndef NDEBUG
/* One block's ops follow those of the block before it and say that they are its own. */
static int check_ops(const struct ir_program *p, size_t b, int next_op)
{
	const struct ir_block *block = &p->blocks[b];

	assert(block->op_count >= 0);
	assert(block->first_op == next_op);
	assert((size_t)(block->first_op + block->op_count) <= p->op_count);
	for (const struct ir_op *op = ir_first_op(p, b), *end = ir_end_op(p, b); op < end; op++) {
		assert(op->kind < IR_OP_COUNT);
		assert(op->block == (int)b);
		assert(op->legal && !(op->legal & ~IR_LAYERS_ALL));
		assert(op->map >= IR_NONE && op->map < (int)p->map_count);
		assert(op->global >= IR_NONE && op->global < (int)p->global_count);
		assert(op->lookup >= IR_NONE && op->lookup < (int)p->op_count);
		assert(op->lookup == IR_NONE || p->ops[op->lookup].kind == IR_OP_MAP_LOOKUP);
		assert(!op->key_count || op->key);
	}
	return next_op + block->op_count;
}

static void check_edges(const struct ir_program *p, size_t b)
{
	const struct ir_block *block = &p->blocks[b];

	for (size_t i = 0; i < block->out_count; i++) {
		int e = block->out[i];

		assert(e > 0 && (size_t)e < p->edge_count);
		assert(p->edges[e].from == (int)b);
		assert(p->edges[e].to >= 0 && (size_t)p->edges[e].to < p->block_count);
	}
	for (size_t i = 0; i < block->in_count; i++) {
		int e = block->in[i];

		assert(e >= 0 && (size_t)e < p->edge_count);
		assert(p->edges[e].to == (int)b);
	}
}
#endif

void ir_check(const struct ir_program *program)
{
#ifndef NDEBUG
	int next_op = 0;

	assert(program->block_count && program->edge_count);
	assert(program->edges[0].from == IR_NONE && program->edges[0].to == 0);
	assert(!program->blocks[0].in_count ||
	       (program->blocks[0].in_count == 1 && program->blocks[0].in[0] == 0));
	for (size_t b = 0; b < program->block_count; b++) {
		assert(program->blocks[b].label && program->blocks[b].value);
		next_op = check_ops(program, b, next_op);
		check_edges(program, b);
	}
	assert((size_t)next_op == program->op_count);
	for (size_t e = 0; e < program->edge_count; e++)
		assert(program->edges[e].probability >= 0 && program->edges[e].probability <= 1);
#endif
}

bool ir_is_at(const struct src_loc *loc, const char *file, unsigned line)
{
	size_t have = loc->file ? strlen(loc->file) : 0, want = strlen(file);

	/* What has no place, an instruction or a refusal of the verifier, is nowhere. */
	if (!have || !want || loc->line != line || have < want ||
	    strcmp(loc->file + have - want, file) != 0)
		return false;
	return have == want || loc->file[have - want - 1] == '/';
}
