/*
 * What has to travel across each edge: backward liveness of SSA values and, byte by byte, of memory
 * that belongs to the packet's own run (stack objects whose address was taken, elements of
 * packet-local maps).
 *
 * Two results per edge: `restored`, the values that the far side needs, and `live`, the least set
 * of values and bytes from which they can be had (llvm_carry.c).
 */
#include "ir/llvm_graph.h"
#include "ir/llvm_ir.h"
#include "ir/llvm_objects.h"
#include "ir/graph.h"
#include "support/arena.h"

#include <stdint.h>
#include <string.h>

struct values {
	struct ir_program *program;
	LLVMValueRef *value;
	size_t count, words;
	uint64_t **in;       /* per block: live at its start, phis of the block included */
	bool **after_resize; /* per resize block: which blocks it reaches */
	int *resize_blocks;
	size_t resize_count;
};

/* Open addressing from a value to its number: programs have thousands. */
struct numbering {
	LLVMValueRef *key;
	uint32_t *number;
	size_t mask;
};

static size_t hash_value(LLVMValueRef value)
{
	return (size_t)((uintptr_t)value >> 4) * 0x9E3779B97F4A7C15ull >> 13;
}

static int number_of(const struct numbering *n, LLVMValueRef value)
{
	for (size_t i = hash_value(value) & n->mask;; i = (i + 1) & n->mask) {
		if (n->key[i] == value)
			return (int)n->number[i];
		if (!n->key[i])
			return IR_NONE;
	}
}

static void set_number(struct numbering *n, LLVMValueRef value, uint32_t number)
{
	size_t i = hash_value(value) & n->mask;

	while (n->key[i])
		i = (i + 1) & n->mask;
	n->key[i] = value;
	n->number[i] = number;
}

static bool has_value(LLVMValueRef instruction)
{
	return LLVMGetTypeKind(LLVMTypeOf(instruction)) != LLVMVoidTypeKind;
}

static struct numbering number_values(struct values *v)
{
	struct ir_program *program = v->program;
	struct arena *arena = program->arena;
	struct numbering n = {.mask = 63};
	size_t capacity = 0;

	for (size_t b = 0; b < program->block_count; b++)
		for (LLVMValueRef i = LLVMGetFirstInstruction(program->blocks[b].value); i;
		     i = LLVMGetNextInstruction(i))
			if (has_value(i))
				*ARENA_PUSH(arena, v->value, v->count, capacity) = i;
	while (n.mask < v->count * 2)
		n.mask = n.mask * 2 + 1;
	n.key = arena_array(arena, n.mask + 1, sizeof *n.key);
	n.number = arena_array(arena, n.mask + 1, sizeof *n.number);
	for (size_t i = 0; i < v->count; i++)
		set_number(&n, v->value[i], (uint32_t)i);
	v->words = v->count / 64 + 1;
	return n;
}

static void set_bit(uint64_t *bits, int n)
{
	if (n != IR_NONE)
		bits[n / 64] |= 1ull << (n % 64);
}

static void clear_bit(uint64_t *bits, int n)
{
	if (n != IR_NONE)
		bits[n / 64] &= ~(1ull << (n % 64));
}

/* Live at the end of `block`: what successors need, their phis replaced by what comes in from here.
 */
static void live_out(const struct values *v, const struct numbering *n, size_t block, uint64_t *out)
{
	const struct ir_program *program = v->program;
	const struct ir_block *from = &program->blocks[block];

	memset(out, 0, v->words * sizeof *out);
	for (size_t o = 0; o < from->out_count; o++) {
		const struct ir_edge *edge = &program->edges[from->out[o]];
		const uint64_t *need = v->in[edge->to];

		for (size_t w = 0; w < v->words; w++)
			out[w] |= need[w];
	}
	for (size_t o = 0; o < from->out_count; o++) {
		const struct ir_edge *edge = &program->edges[from->out[o]];
		LLVMValueRef phi = LLVMGetFirstInstruction(program->blocks[edge->to].value);

		for (; phi && LLVMIsAPHINode(phi); phi = LLVMGetNextInstruction(phi))
			if (edge->to != (int)block)
				clear_bit(out, number_of(n, phi));
	}
	for (size_t o = 0; o < from->out_count; o++) {
		const struct ir_edge *edge = &program->edges[from->out[o]];
		LLVMValueRef phi = LLVMGetFirstInstruction(program->blocks[edge->to].value);

		for (; phi && LLVMIsAPHINode(phi); phi = LLVMGetNextInstruction(phi))
			set_bit(out, number_of(n, llvm_edge_source(program, edge, phi)));
	}
}

static bool update_block(struct values *v, const struct numbering *n, size_t block,
			 uint64_t *scratch)
{
	LLVMValueRef i = LLVMGetLastInstruction(v->program->blocks[block].value);
	bool changed = false;

	live_out(v, n, block, scratch);
	for (; i; i = LLVMGetPreviousInstruction(i)) {
		if (LLVMIsAPHINode(i))
			break; /* phis count as live at the block's start */
		clear_bit(scratch, number_of(n, i));
		for (int o = 0; o < LLVMGetNumOperands(i); o++)
			set_bit(scratch, number_of(n, LLVMGetOperand(i, (unsigned)o)));
	}
	for (size_t w = 0; w < v->words; w++) {
		changed |= scratch[w] != v->in[block][w];
		v->in[block][w] |= scratch[w];
	}
	return changed;
}

static void solve_values(struct values *v, const struct numbering *n)
{
	struct arena *arena = v->program->arena;
	size_t blocks = v->program->block_count;
	uint64_t *scratch = arena_array(arena, v->words, sizeof(uint64_t));

	v->in = arena_array(arena, blocks, sizeof *v->in);
	for (size_t b = 0; b < blocks; b++)
		v->in[b] = arena_array(arena, v->words, sizeof(uint64_t));
	for (bool changed = true; changed;) {
		changed = false;
		for (size_t b = blocks; b-- > 0;)
			changed |= update_block(v, n, b, scratch);
	}
}

bool *llvm_reach_from(struct ir_program *program, int start)
{
	bool *seen = arena_array(program->arena, program->block_count, sizeof(bool));
	int *stack = arena_array(program->arena, program->block_count + 1, sizeof(int));
	size_t depth = 0;

	seen[start] = true;
	stack[depth++] = start;
	while (depth) {
		const struct ir_block *block = &program->blocks[stack[--depth]];

		for (size_t o = 0; o < block->out_count; o++) {
			int to = program->edges[block->out[o]].to;

			if (seen[to])
				continue;
			seen[to] = true;
			stack[depth++] = to;
		}
	}
	return seen;
}

static void find_resizes(struct values *v)
{
	struct ir_program *program = v->program;
	size_t capacity = 0, reach_capacity = 0, reach_count = 0;

	for (size_t o = 0; o < program->op_count; o++) {
		if (program->ops[o].kind != IR_OP_PKT_RESIZE)
			continue;
		int block = program->ops[o].block;
		*ARENA_PUSH(program->arena, v->resize_blocks, v->resize_count, capacity) = block;
		*ARENA_PUSH(program->arena, v->after_resize, reach_count, reach_capacity) =
		    llvm_reach_from(program, block);
	}
}

/*
 * A packet pointer from before a resize is dead by the verifier's rules, but C lets it live. Its
 * offset from the packet's new start would be wrong, so it cannot cross.
 */
static bool is_stale(const struct values *v, const struct ir_edge *edge, struct llvm_region region)
{
	if (!region.root || edge->from == IR_NONE ||
	    (region.memory != LLVM_MEMORY_PACKET && region.memory != LLVM_MEMORY_PACKET_END &&
	     region.memory != LLVM_MEMORY_PACKET_META))
		return false;
	for (size_t r = 0; r < v->resize_count; r++) {
		int resize = v->resize_blocks[r];
		LLVMBasicBlockRef made = LLVMGetInstructionParent(region.root);
		LLVMBasicBlockRef at = v->program->blocks[resize].value;

		if (!v->after_resize[r][edge->from])
			continue;
		for (size_t b = 0; b < v->program->block_count; b++)
			if (v->program->blocks[b].value == made && made != at &&
			    !v->after_resize[r][b])
				return true;
	}
	return false;
}

/* As the source had it: what LLVM's passes append, ".i12" or ".sroa.0", goes. */
static const char *source_name(struct arena *arena, const char *name, size_t length)
{
	static const char *const marks[] = {".sroa", ".i", ".lcssa", ".addr", ".pre"};
	size_t keep = length;

	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		const char *mark = strstr(name, marks[i]);

		if (mark && mark > name && (size_t)(mark - name) < keep)
			keep = (size_t)(mark - name);
	}
	return arena_strndup(arena, name, keep);
}

static const char *value_name(const struct values *v, const struct numbering *n, LLVMValueRef value)
{
	size_t length;
	const char *name = LLVMGetValueName2(value, &length);

	if (length)
		return source_name(v->program->arena, name, length);
	return arena_printf(v->program->arena, "v%d", number_of(n, value));
}

struct collector {
	struct values *v;
	const struct numbering *n;
	struct ir_edge *edge;
	size_t capacity;
	LLVMValueRef *done;
	size_t done_count, done_capacity;
};

static void refuse_edge(struct ir_edge *edge, enum ir_reason reason, const char *detail)
{
	if (edge->cut.reason == IR_REASON_NONE)
		edge->cut = (struct ir_why){reason, detail};
}

static void add_live(struct collector *c, struct ir_live live)
{
	*ARENA_PUSH(c->v->program->arena, c->edge->live, c->edge->live_count, c->capacity) = live;
}

/* The values from which `value` can be had on the far side. */
static void collect(struct collector *c, LLVMValueRef value)
{
	struct llvm_carry carry = llvm_carry_of(c->v->program, value);

	for (size_t i = 0; i < c->done_count; i++)
		if (c->done[i] == value)
			return;
	*ARENA_PUSH(c->v->program->arena, c->done, c->done_count, c->done_capacity) = value;
	if (carry.kind != LLVM_CARRY_REFUSED && is_stale(c->v, c->edge, carry.region))
		carry = (struct llvm_carry){.kind = LLVM_CARRY_REFUSED,
					    .reason = IR_REASON_LIVE_POINTER};
	switch (carry.kind) {
	case LLVM_CARRY_FREE:
		break;
	case LLVM_CARRY_CHAIN:
		for (int o = 0; o < LLVMGetNumOperands(value); o++)
			collect(c, LLVMGetOperand(value, (unsigned)o));
		break;
	case LLVM_CARRY_VALUE:
		add_live(c, (struct ir_live){.kind = carry.live,
					     .name = value_name(c->v, c->n, value),
					     .size = carry.size,
					     .map = carry.map,
					     .value = value});
		break;
	case LLVM_CARRY_REFUSED:
		refuse_edge(c->edge, carry.reason, value_name(c->v, c->n, value));
		break;
	}
}

static void live_values_of_edge(struct values *v, const struct numbering *n, struct ir_edge *edge)
{
	struct collector c = {.v = v, .n = n, .edge = edge};
	size_t capacity = 0;

	for (size_t i = 0; i < v->count && edge->from != IR_NONE; i++) {
		if (!(v->in[edge->to][i / 64] >> (i % 64) & 1))
			continue;
		if (LLVMIsAAllocaInst(v->value[i]))
			continue; /* both sides have the object itself; its bytes are dealt with
				     below */
		*ARENA_PUSH(v->program->arena, edge->restored, edge->restored_count, capacity) =
		    v->value[i];
		collect(&c, llvm_edge_source(v->program, edge, v->value[i]));
	}
}

/* Where bpf_redirect sends a packet is kept in the kernel until the program returns. */
static void refuse_after_redirect(struct values *v)
{
	struct ir_program *program = v->program;

	for (size_t o = 0; o < program->op_count; o++) {
		if (program->ops[o].kind != IR_OP_REDIRECT)
			continue;
		bool *after = llvm_reach_from(program, program->ops[o].block);
		for (size_t e = 0; e < program->edge_count; e++)
			if (program->edges[e].from != IR_NONE && after[program->edges[e].from])
				refuse_edge(&program->edges[e], IR_REASON_REDIRECT_CHOSEN, NULL);
	}
}

/* The kernel makes such a call by itself: between its two ends there is nothing of ours. */
static void refuse_tail_calls(struct ir_program *program)
{
	for (size_t e = 0; e < program->edge_count; e++)
		if (program->edges[e].tail)
			refuse_edge(&program->edges[e], IR_REASON_TAIL_EDGE, NULL);
}

int ir_compute_live(struct ir_program *program, struct diag *diag)
{
	struct values v = {.program = program};
	struct numbering n = number_values(&v);

	refuse_tail_calls(program);
	solve_values(&v, &n);
	find_resizes(&v);
	for (size_t e = 0; e < program->edge_count; e++)
		live_values_of_edge(&v, &n, &program->edges[e]);
	llvm_add_live_bytes(program);
	ir_bound_own_metadata(program);
	refuse_after_redirect(&v);
	llvm_refuse_hidden_state(program);
	return 0;
}
