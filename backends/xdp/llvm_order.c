/*
 * Strict order: which cell a packet looks at before it touches ordered state, and which cells it
 * claims when it leaves (bundle/kernel_abi.h has the protocol).
 *
 * An ordered map is watched by key when, at every cut, the key that user will touch is known: all
 * look-ups, updates and deletes of the map that the user part can still make, and those whose value
 * is still live, go through one stack object that nobody writes any more. Otherwise the map is
 * watched as a whole, which is right for any program and orders more than it has to.
 */
#include "backends/backend.h"
#include "backends/llvm_leave.h"
#include "bundle/kernel_abi.h"
#include "ir/graph.h"
#include "support/arena.h"
#include "support/map_types.h"

#include <string.h>

struct key_object {
	LLVMValueRef root; /* alloca */
	int64_t offset;
	bool known;
};

static bool is_key_op(const struct ir_op *op, int map)
{
	return op->map == map && (op->kind == IR_OP_MAP_LOOKUP || op->kind == IR_OP_MAP_UPDATE ||
				  op->kind == IR_OP_MAP_DELETE);
}

static LLVMValueRef key_of(const struct ir_op *op)
{
	return LLVMGetOperand(op->value, 1);
}

static struct key_object object_of(const struct ir_program *program, const struct ir_op *op)
{
	struct llvm_region region = llvm_pointer_region(program, key_of(op));
	bool stack = region.memory == LLVM_MEMORY_STACK && region.root && region.constant;

	return (struct key_object){region.root, region.offset, stack};
}

static bool *reachable(const struct ir_program *program, int start)
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

			if (!seen[to]) {
				seen[to] = true;
				stack[depth++] = to;
			}
		}
	}
	return seen;
}

static bool may_be(const struct ir_program *program, LLVMValueRef pointer, LLVMValueRef root)
{
	struct llvm_region region = llvm_pointer_region(program, pointer);

	return region.memory == LLVM_MEMORY_UNKNOWN || region.memory == LLVM_MEMORY_MIXED ||
	       (region.memory == LLVM_MEMORY_STACK && (!region.root || region.root == root));
}

static bool is_written_by_call(const struct ir_program *program, LLVMValueRef call,
			       LLVMValueRef root)
{
	struct llvm_helper_access access;
	size_t length;

	if (!LLVMIsAFunction(LLVMGetCalledValue(call)))
		return false;
	if (strncmp(LLVMGetValueName2(LLVMGetCalledValue(call), &length), "llvm.mem", 8) == 0)
		return may_be(program, LLVMGetOperand(call, 0), root);
	for (unsigned a = 0; a < LLVMGetNumArgOperands(call); a++)
		if (llvm_helper_access(program, call, a, &access) && access.writes &&
		    may_be(program, LLVMGetOperand(call, a), root))
			return true;
	return false;
}

/* Does anything in these blocks write the object (or memory that we cannot tell from it)? */
static bool is_written_in(const struct ir_program *program, const bool *blocks, LLVMValueRef root)
{
	for (size_t b = 0; b < program->block_count; b++) {
		LLVMValueRef i = LLVMGetFirstInstruction(program->blocks[b].value);

		for (; blocks[b] && i; i = LLVMGetNextInstruction(i)) {
			if (LLVMIsAStoreInst(i) && may_be(program, LLVMGetOperand(i, 1), root))
				return true;
			if ((LLVMIsAAtomicRMWInst(i) || LLVMIsAAtomicCmpXchgInst(i)) &&
			    may_be(program, LLVMGetOperand(i, 0), root))
				return true;
			if (LLVMIsACallInst(i) && is_written_by_call(program, i, root))
				return true;
		}
	}
	return false;
}

/* A value pointer of the map that is live at the cut stands for the look-ups that may have made it.
 */
static bool carries_value_of(const struct ir_edge *edge, int map)
{
	for (size_t i = 0; i < edge->live_count; i++)
		if (edge->live[i].kind == IR_LIVE_MAP_VALUE && edge->live[i].map == map)
			return true;
	return false;
}

static bool touches_memory_of(const struct ir_program *program, const bool *blocks, int map)
{
	for (size_t o = 0; o < program->op_count; o++)
		if (blocks[program->ops[o].block] && program->ops[o].map == map)
			return true;
	return false;
}

/*
 * The key object through which everything behind the edge touches the map. *touches: it does at
 * all.
 */
static struct key_object object_behind(const struct ir_program *program, const struct ir_edge *edge,
				       int map, bool *touches)
{
	const bool *behind = reachable(program, edge->to);
	bool carried = edge->from != IR_NONE && carries_value_of(edge, map);
	struct key_object found = {0};
	bool any = false;

	*touches = carried || touches_memory_of(program, behind, map);
	for (size_t o = 0; o < program->op_count; o++) {
		const struct ir_op *op = &program->ops[o];
		struct key_object object;

		if (!is_key_op(op, map))
			continue;
		const bool *after = reachable(program, op->block);
		bool before = edge->from != IR_NONE && after[edge->from] && carried &&
			      op->kind == IR_OP_MAP_LOOKUP;
		if (!behind[op->block] && !before)
			continue;
		object = object_of(program, op);
		if (!object.known ||
		    (any && (object.root != found.root || object.offset != found.offset)))
			return (struct key_object){0};
		if (before && is_written_in(program, after, object.root))
			return (struct key_object){0};
		found = object;
		any = true;
	}
	if (any && is_written_in(program, behind, found.root))
		found.known = false;
	return found;
}

/* An op that read the key lies before the cut on every path, or comes next. */
static bool is_filled_at(const struct ir_program *program, const struct plan_cut *cut,
			 struct key_object object)
{
	const struct ir_edge *edge = ir_edge_behind(program, cut->edge);
	const struct ir_op *first = ir_first_op(program, (size_t)edge->to);
	const int *idom = ir_compute_dominators(program);

	if (cut->held_only && is_key_op(first, first->map) &&
	    object_of(program, first).root == object.root)
		return true;
	for (size_t o = 0; o < program->op_count; o++) {
		const struct ir_op *op = &program->ops[o];

		if (op->map != IR_NONE && is_key_op(op, op->map) &&
		    object_of(program, op).root == object.root &&
		    ir_dominates(idom, op->block, edge->from))
			return true;
	}
	return false;
}

bool backend_tells_keys(const struct plan *plan, int map)
{
	const struct ir_program *program = plan->program;
	const struct map_type_row *row = map_type_find(program->maps[map].type);

	/* Different keys of an LPM trie find the same element, queues have none. */
	if (row->watched_whole || program->maps[map].is_held)
		return false;
	for (size_t n = 0; n < plan->cut_count; n++) {
		const struct ir_edge *edge = ir_edge_behind(program, plan->cuts[n].edge);
		bool touches;
		struct key_object object = object_behind(program, edge, map, &touches);

		if (touches && (!object.known || edge->from == IR_NONE))
			return false;
	}
	return true;
}

static bool is_keyed(const struct llvm_clone *c, int map)
{
	return !c->plan->maps[map].whole && backend_tells_keys(c->plan, map);
}

/*
 * On some path to a cut the key may be one that nobody filled in, and that nothing behind the cut
 * looks at although it could: such packets wait for one another under the key of zeroes.
 */
void llvm_order_clear_keys(struct llvm_clone *c)
{
	for (size_t m = 0; m < c->program->map_count; m++)
		for (size_t n = 0; n < c->plan->cut_count; n++) {
			const struct plan_cut *cut = &c->plan->cuts[n];
			const struct ir_edge *edge = ir_edge_behind(c->program, cut->edge);
			bool touches;

			if (!c->plan->maps[m].ordered || !is_keyed(c, (int)m))
				break;
			struct key_object object =
			    object_behind(c->program, edge, (int)m, &touches);
			if (touches && !is_filled_at(c->program, cut, object))
				llvm_clear_object(c, object.root);
		}
}

static int order_of(const struct llvm_clone *c, int map)
{
	int n = 0;

	for (int m = 0; m < map && !c->plan->ordered_as_one; m++)
		n += c->plan->maps[m].ordered;
	return n;
}

/* Four bytes of the key, or the one or two at its end, read in pieces that are aligned. */
static LLVMValueRef key_word(struct llvm_clone *c, LLVMValueRef key, uint32_t at, uint32_t bytes,
			     unsigned align)
{
	uint32_t piece = align < bytes ? align : bytes;
	LLVMTypeRef type = LLVMIntTypeInContext(c->context, piece * 8);
	LLVMValueRef word = NULL;

	for (uint32_t done = 0; done < bytes; done += piece) {
		LLVMValueRef part =
		    LLVMBuildLoad2(c->builder, type, llvm_at(c, key, at + done), "");

		LLVMSetAlignment(part, piece);
		part = LLVMBuildZExt(c->builder, part, c->i64, "");
		if (done)
			part = LLVMBuildShl(c->builder, part, llvm_u64(c, done * 8), "");
		word = word ? LLVMBuildOr(c->builder, word, part, "") : part;
	}
	return word;
}

/*
 * The hash is of the key's bytes in words, seeded with the map. It must not depend on where the key
 * lies: the same key is hashed at each place that touches it, in the programs of a pair too.
 */
static LLVMValueRef hash_key(struct llvm_clone *c, LLVMValueRef key, unsigned align, int map)
{
	uint32_t size = c->program->maps[map].key_size;
	LLVMValueRef hash = llvm_u64(c, (uint64_t)map + 1);

	align = align >= 4 ? 4 : align >= 2 ? 2 : 1;
	for (uint32_t at = 0; at < size;) {
		uint32_t bytes = size - at >= 4 ? 4 : size - at >= 2 ? 2 : 1;
		LLVMValueRef step[] = {hash, key_word(c, key, at, bytes, align)};

		hash = llvm_call(c, "cleave_rt_hash_step", c->i64, step, 2);
		at += bytes;
	}
	return llvm_call(c, "cleave_rt_cell", c->i32, &hash, 1);
}

bool llvm_order_is_key(const struct llvm_clone *c, LLVMValueRef object)
{
	for (size_t o = 0; o < c->program->op_count; o++) {
		const struct ir_op *op = &c->program->ops[o];

		if (op->map != IR_NONE && is_key_op(op, op->map) &&
		    c->plan->maps[op->map].ordered && object_of(c->program, op).root == object)
			return true;
	}
	return false;
}

LLVMValueRef llvm_order_cell_of_map(struct llvm_clone *c, int map)
{
	return llvm_u32(c, (uint64_t)order_of(c, map));
}

LLVMValueRef llvm_order_cell(struct llvm_clone *c, const struct ir_op *op)
{
	if (!is_keyed(c, op->map))
		return llvm_order_cell_of_map(c, op->map);
	return hash_key(c, llvm_clone_value(c, key_of(op)), llvm_known_align(c, key_of(op)),
			op->map);
}

void llvm_order_cells_of_cut(struct llvm_clone *c, const struct plan_cut *cut, LLVMValueRef *cells)
{
	const struct ir_edge *edge = ir_edge_behind(c->program, cut->edge);

	for (size_t m = 0; m < c->program->map_count; m++) {
		bool touches;

		if (!c->plan->maps[m].ordered)
			continue;
		struct key_object object = object_behind(c->program, edge, (int)m, &touches);
		int n = order_of(c, (int)m);

		if (!touches)
			continue;
		if (!is_keyed(c, (int)m)) {
			cells[n] = llvm_u32(c, (uint64_t)n);
			continue;
		}
		LLVMValueRef key = llvm_at(c, llvm_clone_value(c, object.root), object.offset);
		unsigned align = LLVMGetAlignment(object.root);
		while (align > 1 && object.offset % (int64_t)align)
			align /= 2;
		cells[n] = hash_key(c, key, align, (int)m);
	}
}
