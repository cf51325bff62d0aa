/*
 * Per-CPU array elements that are only scratch: every packet writes each byte before it reads it,
 * so the element is no state. That is a must-analysis: bytes that every path from the program's
 * start has written, met by intersection; and every use of the element has to be understood.
 */
#include "ir/llvm_effects.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"

enum { ELEMENT_BYTES_MAX = 16384, INDEX_DEPTH_MAX = 8 };

/* What an instruction does with bytes [from, to) of the element. */
struct touch {
	int block;
	unsigned ordinal;
	uint32_t from, to;
	bool reads; /* else writes, for sure */
};

struct local {
	struct effects *fx;
	int map;
	uint32_t size;
	struct touch *touches;
	size_t touch_count, touch_capacity;
	LLVMValueRef *pointers;
	size_t pointer_count, pointer_capacity;
	bool has_key;
	uint64_t key;
};

static bool is_element(const struct local *l, struct llvm_region region)
{
	return region.memory == LLVM_MEMORY_MAP && region.index == l->map;
}

static uint64_t index_max(LLVMValueRef index, unsigned depth);

static uint64_t phi_max(LLVMValueRef phi, unsigned depth)
{
	uint64_t max = 0;

	for (unsigned i = 0; i < LLVMCountIncoming(phi); i++) {
		uint64_t one = index_max(LLVMGetIncomingValue(phi, i), depth + 2);

		max = one > max ? one : max;
	}
	return max;
}

/* The largest value an index can have, as far as its last steps tell. */
static uint64_t index_max(LLVMValueRef index, unsigned depth)
{
	uint64_t constant, inner;

	if (effects_const(index, &constant))
		return constant;
	if (!LLVMIsAInstruction(index) || depth >= INDEX_DEPTH_MAX ||
	    LLVMGetTypeKind(LLVMTypeOf(index)) != LLVMIntegerTypeKind)
		return UINT64_MAX;
	unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(index));
	uint64_t all = width < 64 ? (1ull << width) - 1 : UINT64_MAX;

	switch (LLVMGetInstructionOpcode(index)) {
	case LLVMPHI:
		return phi_max(index, depth);
	case LLVMZExt:
		return index_max(LLVMGetOperand(index, 0), depth + 1);
	case LLVMAnd:
		return effects_const(LLVMGetOperand(index, 1), &constant) ? constant : all;
	case LLVMURem:
		return effects_const(LLVMGetOperand(index, 1), &constant) && constant ? constant - 1
										      : all;
	case LLVMLShr:
		inner = index_max(LLVMGetOperand(index, 0), depth + 1);
		return effects_const(LLVMGetOperand(index, 1), &constant) && constant < 64
			   ? inner >> constant
			   : all;
	default:
		return all;
	}
}

/* Widens [from, to) by index * bytes; false when it may leave the element. */
static bool widen_by(const struct local *l, LLVMValueRef index, uint64_t bytes, uint64_t *from,
		     uint64_t *to)
{
	unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(index));
	uint64_t max = index_max(index, 0);

	/* Narrow indices are signed: one with its top bit set would go back. */
	if (max >= 1ull << (width < 64 ? width - 1 : 63) || (max && bytes > l->size / max))
		return false;
	if (LLVMIsAConstantInt(index))
		*from += max * bytes;
	*to += max * bytes;
	return *to <= l->size;
}

/* The same by all that one step back along a pointer adds. */
static bool widen(const struct local *l, LLVMValueRef gep, uint64_t *from, uint64_t *to)
{
	LLVMTypeRef type = LLVMGetGEPSourceElementType(gep);

	for (int i = 1; i < LLVMGetNumOperands(gep); i++) {
		LLVMValueRef index = LLVMGetOperand(gep, (unsigned)i);

		if (i > 1 && LLVMGetTypeKind(type) == LLVMStructTypeKind) {
			unsigned field = (unsigned)LLVMConstIntGetZExtValue(index);
			uint64_t offset = LLVMOffsetOfElement(l->fx->layout, type, field);

			*from += offset;
			*to += offset;
			type = LLVMStructGetTypeAtIndex(type, field);
			continue;
		}
		if (i > 1)
			type = LLVMGetElementType(type);
		if (!widen_by(l, index, LLVMABISizeOfType(l->fx->layout, type), from, to))
			return false;
	}
	return *to <= l->size;
}

/* The bytes that an access of size bytes through the pointer may touch: at worst all of the
 * element. */
static void find_range(const struct local *l, LLVMValueRef pointer, uint64_t size,
		       struct touch *touch)
{
	uint64_t from = 0, to = size;

	while (LLVMIsAGetElementPtrInst(pointer)) {
		if (!widen(l, pointer, &from, &to))
			return;
		pointer = LLVMGetOperand(pointer, 0);
	}
	if (!LLVMIsACallInst(pointer))
		return;
	touch->from = (uint32_t)from;
	touch->to = (uint32_t)to;
}

/* false when the element is touched in a way that ends the analysis. */
static bool add_touch(struct local *l, LLVMValueRef instruction, LLVMValueRef pointer,
		      uint64_t size, bool reads)
{
	struct llvm_region region = llvm_pointer_region(l->fx->program, pointer);
	struct touch touch = {.block = effects_block(l->fx, instruction),
			      .ordinal = effects_ordinal(l->fx, instruction),
			      .to = l->size,
			      .reads = reads};

	if (!is_element(l, region))
		return false;
	if (region.constant) {
		if (region.offset < 0 || (uint64_t)region.offset + size > l->size)
			return false;
		touch.from = (uint32_t)region.offset;
		touch.to = touch.from + (uint32_t)size;
	} else if (!reads) {
		return true; /* writes somewhere: nothing for sure */
	} else {
		find_range(l, pointer, size, &touch);
	}
	*ARENA_PUSH(l->fx->program->arena, l->touches, l->touch_count, l->touch_capacity) = touch;
	return true;
}

static void follow(struct local *l, LLVMValueRef pointer)
{
	for (size_t i = 0; i < l->pointer_count; i++)
		if (l->pointers[i] == pointer)
			return;
	*ARENA_PUSH(l->fx->program->arena, l->pointers, l->pointer_count, l->pointer_capacity) =
	    pointer;
}

/* llvm.memcpy, .memmove, .memset of a constant length. */
static bool touch_by_block(struct local *l, LLVMValueRef call, LLVMValueRef pointer)
{
	bool copies = !effects_is_intrinsic(call, "llvm.memset");
	uint64_t size;

	if (!effects_const(LLVMGetOperand(call, 2), &size))
		return false;
	/* Reads first: a copy within the element reads what stood there before. */
	if (copies && LLVMGetOperand(call, 1) == pointer &&
	    !add_touch(l, call, pointer, size, true))
		return false;
	return LLVMGetOperand(call, 0) != pointer || add_touch(l, call, pointer, size, false);
}

/* What a helper reads counts, of a constant size; what it writes, it may also leave. */
static bool touch_by_helper(struct local *l, LLVMValueRef call, LLVMValueRef pointer)
{
	unsigned count = LLVMGetNumArgOperands(call);
	struct llvm_helper_access access;

	for (unsigned a = 0; a < count; a++) {
		if (LLVMGetOperand(call, a) != pointer)
			continue;
		if (!llvm_helper_access(l->fx->program, call, a, &access) || access.size < 0)
			return false;
		if (access.reads && !add_touch(l, call, pointer, (uint64_t)access.size, true))
			return false;
	}
	return true;
}

static bool touch_by_call(struct local *l, LLVMValueRef call, LLVMValueRef pointer)
{
	if (effects_is_intrinsic(call, "llvm.mem"))
		return touch_by_block(l, call, pointer);
	if (effects_is_intrinsic(call, "llvm.lifetime"))
		return true;
	return touch_by_helper(l, call, pointer);
}

static bool is_null(LLVMValueRef value)
{
	return LLVMIsAConstantPointerNull(value);
}

static bool understand_use(struct local *l, LLVMValueRef user, LLVMValueRef pointer)
{
	switch (LLVMGetInstructionOpcode(user)) {
	case LLVMICmp:
		return is_null(LLVMGetOperand(user, 0)) || is_null(LLVMGetOperand(user, 1));
	case LLVMGetElementPtr:
	case LLVMBitCast:
	case LLVMFreeze:
	case LLVMPHI:
	case LLVMSelect:
		follow(l, user);
		return is_element(l, llvm_pointer_region(l->fx->program, user));
	case LLVMLoad:
		return add_touch(l, user, pointer, effects_type_bytes(l->fx, LLVMTypeOf(user)),
				 true);
	case LLVMStore:
		return LLVMGetOperand(user, 0) != pointer &&
		       add_touch(l, user, pointer,
				 effects_type_bytes(l->fx, LLVMTypeOf(LLVMGetOperand(user, 0))),
				 false);
	case LLVMAtomicRMW:
		return LLVMGetOperand(user, 1) != pointer &&
		       add_touch(l, user, pointer,
				 effects_type_bytes(l->fx, LLVMTypeOf(LLVMGetOperand(user, 1))),
				 true);
	case LLVMCall:
		return touch_by_call(l, user, pointer);
	default:
		return false;
	}
}

static bool understand_pointers(struct local *l)
{
	for (size_t i = 0; i < l->pointer_count; i++)
		for (LLVMUseRef use = LLVMGetFirstUse(l->pointers[i]); use;
		     use = LLVMGetNextUse(use)) {
			LLVMValueRef user = LLVMGetUser(use);

			if (!LLVMIsAInstruction(user) || !understand_use(l, user, l->pointers[i]))
				return false;
		}
	return true;
}

/* Every use of the map is a look-up with the same constant key, which exists. */
static bool understand_lookups(struct local *l)
{
	const struct ir_program *p = l->fx->program;

	for (size_t o = 0; o < p->op_count; o++) {
		const struct ir_op *op = &p->ops[o];
		unsigned long long key;
		int end = 0;

		if (op->map != l->map || op->kind == IR_OP_MAP_READ ||
		    op->kind == IR_OP_MAP_WRITE || op->kind == IR_OP_MAP_ADD)
			continue;
		if (op->kind != IR_OP_MAP_LOOKUP || op->helper != BPF_FUNC_map_lookup_elem ||
		    op->key_count != 1 ||
		    sscanf(op->key[0].source, "const %llu%n", &key, &end) != 1 ||
		    op->key[0].source[end] || key >= p->maps[l->map].max_entries ||
		    (l->has_key && key != l->key))
			return false;
		l->has_key = true;
		l->key = key;
		follow(l, op->value);
	}
	for (LLVMUseRef use = LLVMGetFirstUse(p->maps[l->map].value); use;
	     use = LLVMGetNextUse(use)) {
		bool found = false;

		if (!LLVMIsAInstruction(LLVMGetUser(use)))
			continue; /* llvm.used and the like */
		for (size_t i = 0; i < l->pointer_count; i++)
			found |= l->pointers[i] == LLVMGetUser(use);
		if (!found && effects_ordinal(l->fx, LLVMGetUser(use)))
			return false;
	}
	return l->has_key;
}

/* In program order, and in one instruction reads before writes: a copy may do both. */
static int compare_touches(const void *a, const void *b)
{
	const struct touch *x = a, *y = b;

	if (x->ordinal != y->ordinal)
		return x->ordinal < y->ordinal ? -1 : 1;
	return (int)y->reads - (int)x->reads;
}

/* Applies a block's touches to the written bytes; false at a read of a byte not written. */
static bool walk_block(const struct local *l, size_t block, bool *written)
{
	bool good = true;

	for (size_t t = 0; t < l->touch_count; t++) {
		const struct touch *touch = &l->touches[t];

		if (touch->block != (int)block)
			continue;
		for (uint32_t b = touch->from; b < touch->to; b++) {
			if (touch->reads)
				good &= written[b];
			else
				written[b] = true;
		}
	}
	return good;
}

/* written[b]: at the start of block b. Begins with "everything" but for the program's start, and
 * shrinks. */
static bool reads_only_written(const struct local *l)
{
	const struct ir_program *p = l->fx->program;
	bool *written = arena_array(p->arena, p->block_count, l->size);
	bool *now = arena_alloc(p->arena, l->size);

	qsort(l->touches, l->touch_count, sizeof *l->touches, compare_touches);
	memset(written + l->size, true, (p->block_count - 1) * l->size);
	for (bool changed = true; changed;) {
		changed = false;
		for (size_t b = 0; b < p->block_count; b++) {
			memcpy(now, written + b * l->size, l->size);
			walk_block(l, b, now);
			for (size_t e = 0; e < p->blocks[b].out_count; e++) {
				int to = p->edges[p->blocks[b].out[e]].to;
				bool *there = written + (size_t)to * l->size;

				for (uint32_t i = 0; i < l->size; i++) {
					changed |= there[i] && !now[i];
					there[i] = there[i] && now[i];
				}
			}
		}
	}
	for (size_t b = 0; b < p->block_count; b++) {
		memcpy(now, written + b * l->size, l->size);
		if (!walk_block(l, b, now))
			return false;
	}
	return true;
}

/* What no packet reads is written for someone outside: a result, not scratch. */
static bool is_read(const struct local *l)
{
	for (size_t t = 0; t < l->touch_count; t++)
		if (l->touches[t].reads)
			return true;
	return false;
}

bool effects_is_packet_local(struct effects *fx, int map, uint32_t *key)
{
	const struct ir_map *m = &fx->program->maps[map];
	struct local l = {.fx = fx, .map = map, .size = m->value_size};

	if (!m->value || m->callback || m->is_pinned || m->type != BPF_MAP_TYPE_PERCPU_ARRAY ||
	    !m->value_size || m->value_size > ELEMENT_BYTES_MAX || !understand_lookups(&l) ||
	    !understand_pointers(&l) || !is_read(&l) || !reads_only_written(&l))
		return false;
	*key = (uint32_t)l.key;
	return true;
}
