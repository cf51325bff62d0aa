/* Liveness of memory by bytes. */
#include "ir/ir.h"
#include "ir/llvm_objects.h"
#include "ir/llvm_range.h"
#include "ir/llvm_slots.h"
#include "ir/tail_calls.h"
#include "support/arena.h"

#include <string.h>

struct object {
	LLVMValueRef alloca; /* or NULL: the element of map */
	int map;
	const char *name;
	uint32_t base, size; /* bits [base, base + size) of every set */
	bool escaped; /* its address is kept somewhere: whoever is called may find it there */
};

enum touch_kind { TOUCH_READ, TOUCH_WRITE, TOUCH_END };

/* One instruction reads, overwrites or ends bytes [from, to) of all objects' bytes. */
struct touch {
	LLVMValueRef instruction;
	enum touch_kind kind;
	uint32_t from, to;
};

struct objects {
	struct ir_program *program;
	LLVMTargetDataRef layout;
	struct object *object;
	size_t count, capacity;
	uint32_t bytes;
	struct touch *touch; /* in program order */
	size_t touch_count, touch_capacity;
	size_t *first_touch; /* per block, block_count + 1 */
	uint64_t *pointers;  /* bytes that may hold part of a pointer */
	uint64_t **in;
	size_t words;
};

static void add_object(struct objects *o, struct object object, uint64_t size)
{
	object.base = o->bytes;
	object.size = (uint32_t)size;
	*ARENA_PUSH(o->program->arena, o->object, o->count, o->capacity) = object;
	o->bytes += (uint32_t)size;
}

static const char *alloca_name(const struct objects *o, LLVMValueRef alloca)
{
	size_t length;
	const char *name = LLVMGetValueName2(alloca, &length);

	return length ? arena_strdup(o->program->arena, name) : "stack";
}

static void find_objects(struct objects *o)
{
	struct ir_program *program = o->program;
	LLVMValueRef i = LLVMGetFirstInstruction(program->blocks[0].value);

	for (; i; i = LLVMGetNextInstruction(i))
		if (LLVMIsAAllocaInst(i))
			add_object(
			    o,
			    (struct object){.alloca = i, .map = IR_NONE, .name = alloca_name(o, i)},
			    LLVMABISizeOfType(o->layout, LLVMGetAllocatedType(i)));
	for (size_t m = 0; m < program->map_count; m++)
		if (program->maps[m].packet_local)
			add_object(o, (struct object){.map = (int)m, .name = program->maps[m].name},
				   program->maps[m].value_size);
}

static struct object *object_of(const struct objects *o, struct llvm_region region)
{
	for (size_t n = 0; n < o->count; n++) {
		struct object *object = &o->object[n];

		if (region.memory == LLVM_MEMORY_STACK && region.root &&
		    object->alloca == region.root)
			return object;
		if (region.memory == LLVM_MEMORY_MAP && !object->alloca &&
		    object->map == region.index)
			return object;
	}
	return NULL;
}

static void add_touch(struct objects *o, LLVMValueRef i, enum touch_kind kind, uint32_t from,
		      uint32_t to)
{
	if (from < to)
		*ARENA_PUSH(o->program->arena, o->touch, o->touch_count, o->touch_capacity) =
		    (struct touch){i, kind, from, to};
}

/* size < 0: as far as the object goes. What is not known to be overwritten whole is not a write. */
static void touch(struct objects *o, LLVMValueRef i, LLVMValueRef pointer, enum touch_kind kind,
		  int64_t size)
{
	struct llvm_region region = llvm_pointer_region(o->program, pointer);
	const struct object *object = object_of(o, region);
	bool anywhere = region.memory == LLVM_MEMORY_UNKNOWN ||
			region.memory == LLVM_MEMORY_MIXED ||
			(region.memory == LLVM_MEMORY_STACK && !region.root);

	if (!object) {
		if (anywhere && kind == TOUCH_READ)
			add_touch(o, i, kind, 0, o->bytes);
		return;
	}
	struct llvm_span span = {.at = {region.offset, region.offset, 0}};
	if (!region.constant && (!object->alloca || !llvm_stack_span(o->program, pointer, &span)))
		span.whole = true;
	int64_t from = span.at.least, to = span.at.most + size;
	bool sure = !span.whole && span.at.least == span.at.most;

	if (span.whole || size < 0 || from < 0 || to > object->size) {
		from = sure && from > 0 && from < object->size ? from : 0;
		to = object->size;
		sure = false;
	}
	if (kind == TOUCH_WRITE && !sure)
		return;
	add_touch(o, i, kind, object->base + (uint32_t)from, object->base + (uint32_t)to);
}

static int64_t constant_or(LLVMValueRef value, int64_t otherwise)
{
	return LLVMIsAConstantInt(value) ? LLVMConstIntGetSExtValue(value) : otherwise;
}

/* An address among the numbers of bpf_printk is looked through too. */
static void touch_as_number(struct objects *o, LLVMValueRef call, LLVMValueRef argument)
{
	if (object_of(o, llvm_pointer_region(o->program, argument)))
		touch(o, call, argument, TOUCH_READ, -1);
}

/* What a helper may overwrite, it may leave: that is no write. */
static void touch_helper_call(struct objects *o, LLVMValueRef call)
{
	struct llvm_helper_access access;

	for (unsigned a = 0; a < LLVMGetNumArgOperands(call); a++)
		if (!llvm_helper_access(o->program, call, a, &access))
			touch_as_number(o, call, LLVMGetOperand(call, a));
		else if (access.reads)
			touch(o, call, LLVMGetOperand(call, a), TOUCH_READ, access.size);
}

static void touch_escaped(struct objects *o, LLVMValueRef call)
{
	for (size_t n = 0; n < o->count; n++)
		if (o->object[n].escaped)
			add_touch(o, call, TOUCH_READ, o->object[n].base,
				  o->object[n].base + o->object[n].size);
}

/* A program that is called begins with a stack of its own. */
static void end_stack(struct objects *o, LLVMValueRef call)
{
	for (size_t n = 0; n < o->count; n++)
		if (o->object[n].alloca)
			add_touch(o, call, TOUCH_END, o->object[n].base,
				  o->object[n].base + o->object[n].size);
}

static void touch_call(struct objects *o, LLVMValueRef call)
{
	const char *name = llvm_intrinsic_name(call);
	LLVMValueRef callee = LLVMGetCalledValue(call);
	size_t length;

	if (name && strcmp(name, TAIL_ENTERED) == 0) {
		end_stack(o, call);
		return;
	}
	if (name) {
		touch_helper_call(o, call);
		touch_escaped(o, call);
		return;
	}
	if (LLVMIsAInlineAsm(callee))
		return;
	name = LLVMGetValueName2(callee, &length);
	if (strncmp(name, "llvm.lifetime", 13) == 0) {
		touch(o, call, LLVMGetOperand(call, 1), TOUCH_END, -1);
	} else if (strncmp(name, "llvm.mem", 8) == 0) {
		int64_t size = constant_or(LLVMGetOperand(call, 2), -1);

		touch(o, call, LLVMGetOperand(call, 0), TOUCH_WRITE, size);
		if (strncmp(name, "llvm.memset", 11) != 0)
			touch(o, call, LLVMGetOperand(call, 1), TOUCH_READ, size);
	} else if (strncmp(name, "llvm.", 5) != 0) {
		touch_escaped(o, call);
		for (unsigned a = 0; a < LLVMGetNumArgOperands(call); a++)
			if (LLVMGetTypeKind(LLVMTypeOf(LLVMGetOperand(call, a))) ==
			    LLVMPointerTypeKind)
				touch(o, call, LLVMGetOperand(call, a), TOUCH_READ, -1);
	}
}

static void mark_pointer(struct objects *o, LLVMValueRef store)
{
	LLVMValueRef value = LLVMGetOperand(store, 0);
	struct llvm_region to = llvm_pointer_region(o->program, LLVMGetOperand(store, 1));
	const struct object *object = object_of(o, to);
	enum llvm_memory what = llvm_pointer_region(o->program, value).memory;

	if (!object || object->alloca || LLVMIsNull(value) ||
	    (LLVMGetTypeKind(LLVMTypeOf(value)) != LLVMPointerTypeKind &&
	     what == LLVM_MEMORY_UNKNOWN))
		return;
	uint32_t from = to.constant && to.offset >= 0 ? (uint32_t)to.offset : 0;
	uint32_t end = to.constant ? from + 8 : object->size;

	for (uint32_t b = from; b < end && b < object->size; b++)
		o->pointers[(object->base + b) / 64] |= 1ull << ((object->base + b) % 64);
}

static void touch_instruction(struct objects *o, LLVMValueRef i)
{
	switch (LLVMGetInstructionOpcode(i)) {
	case LLVMLoad:
		touch(o, i, LLVMGetOperand(i, 0), TOUCH_READ,
		      (int64_t)LLVMStoreSizeOfType(o->layout, LLVMTypeOf(i)));
		break;
	case LLVMStore:
		touch(o, i, LLVMGetOperand(i, 1), TOUCH_WRITE,
		      (int64_t)LLVMStoreSizeOfType(o->layout, LLVMTypeOf(LLVMGetOperand(i, 0))));
		mark_pointer(o, i);
		break;
	case LLVMAtomicRMW:
	case LLVMAtomicCmpXchg:
		touch(o, i, LLVMGetOperand(i, 0), TOUCH_READ, 8);
		break;
	case LLVMCall:
		touch_call(o, i);
		break;
	default:
		break;
	}
}

static void find_escapes(struct objects *o)
{
	for (size_t b = 0; b < o->program->block_count; b++) {
		LLVMValueRef i = LLVMGetFirstInstruction(o->program->blocks[b].value);

		for (; i; i = LLVMGetNextInstruction(i)) {
			struct object *object =
			    LLVMIsAStoreInst(i)
				? object_of(o,
					    llvm_pointer_region(o->program, LLVMGetOperand(i, 0)))
				: NULL;

			if (object)
				object->escaped = true;
		}
	}
}

static void find_touches(struct objects *o)
{
	struct ir_program *program = o->program;

	o->first_touch = arena_array(program->arena, program->block_count + 1, sizeof(size_t));
	for (size_t b = 0; b < program->block_count; b++) {
		LLVMValueRef i = LLVMGetFirstInstruction(program->blocks[b].value);

		o->first_touch[b] = o->touch_count;
		for (; i; i = LLVMGetNextInstruction(i))
			touch_instruction(o, i);
	}
	o->first_touch[program->block_count] = o->touch_count;
}

static void apply(uint64_t *bits, const struct touch *t)
{
	for (uint32_t b = t->from; b < t->to; b++) {
		if (t->kind == TOUCH_READ)
			bits[b / 64] |= 1ull << (b % 64);
		else
			bits[b / 64] &= ~(1ull << (b % 64));
	}
}

/* Overwriting comes before reading when walking back, so a copy inside one object reads what it
 * had. */
static void apply_block(const struct objects *o, size_t block, uint64_t *bits)
{
	for (size_t t = o->first_touch[block + 1]; t-- > o->first_touch[block];) {
		size_t first = t;

		while (first > o->first_touch[block] &&
		       o->touch[first - 1].instruction == o->touch[t].instruction)
			first--;
		for (size_t k = first; k <= t; k++)
			if (o->touch[k].kind != TOUCH_READ)
				apply(bits, &o->touch[k]);
		for (size_t k = first; k <= t; k++)
			if (o->touch[k].kind == TOUCH_READ)
				apply(bits, &o->touch[k]);
		t = first;
	}
}

static void solve_objects(struct objects *o)
{
	struct ir_program *program = o->program;
	uint64_t *now = arena_array(program->arena, o->words, sizeof(uint64_t));

	o->in = arena_array(program->arena, program->block_count, sizeof *o->in);
	for (size_t b = 0; b < program->block_count; b++)
		o->in[b] = arena_array(program->arena, o->words, sizeof(uint64_t));
	for (bool changed = true; changed;) {
		changed = false;
		for (size_t b = program->block_count; b-- > 0;) {
			const struct ir_block *block = &program->blocks[b];

			memset(now, 0, o->words * sizeof *now);
			for (size_t s = 0; s < block->out_count; s++)
				for (size_t w = 0; w < o->words; w++)
					now[w] |= o->in[program->edges[block->out[s]].to][w];
			apply_block(o, b, now);
			changed |= memcmp(now, o->in[b], o->words * sizeof *now) != 0;
			memcpy(o->in[b], now, o->words * sizeof *now);
		}
	}
}

/* What was stored, or copied, there. */
static void mark_slots(struct objects *o)
{
	for (size_t n = 0; n < o->count; n++)
		for (uint32_t b = 0; o->object[n].alloca && b < o->object[n].size; b++)
			if (llvm_slot_has_pointer(o->program, o->object[n].alloca, b))
				o->pointers[(o->object[n].base + b) / 64] |=
				    1ull << ((o->object[n].base + b) % 64);
}

static bool has_bit(const uint64_t *bits, uint32_t n)
{
	return bits[n / 64] >> (n % 64) & 1;
}

static void add_range(struct objects *o, struct ir_edge *edge, size_t *capacity,
		      const struct object *object, uint32_t from, uint32_t to)
{
	*ARENA_PUSH(o->program->arena, edge->live, edge->live_count, *capacity) =
	    (struct ir_live){.kind = object->alloca ? IR_LIVE_STACK : IR_LIVE_MAP_BYTES,
			     .name = object->name,
			     .size = to - from,
			     .map = object->map,
			     .from = from,
			     .to = to,
			     .value = object->alloca};
	for (uint32_t b = from; b < to; b++)
		if (has_bit(o->pointers, object->base + b) && edge->cut.reason == IR_REASON_NONE)
			edge->cut = (struct ir_why){IR_REASON_LIVE_POINTER, object->name};
}

static void add_ranges(struct objects *o, struct ir_edge *edge, size_t *capacity,
		       const struct object *object)
{
	const uint64_t *bits = o->in[edge->to];
	uint32_t b = 0;

	while (b < object->size) {
		uint32_t from = b;

		while (b < object->size && has_bit(bits, object->base + b))
			b++;
		if (b > from)
			add_range(o, edge, capacity, object, from, b);
		else
			b++;
	}
}

void llvm_add_live_bytes(struct ir_program *program)
{
	struct objects o = {.program = program,
			    .layout = LLVMGetModuleDataLayout(program->llvm->module)};

	find_objects(&o);
	if (!o.bytes)
		return;
	o.words = o.bytes / 64 + 1;
	o.pointers = arena_array(program->arena, o.words, sizeof(uint64_t));
	mark_slots(&o);
	find_escapes(&o);
	find_touches(&o);
	solve_objects(&o);
	for (size_t e = 0; e < program->edge_count; e++) {
		/* What is there was made to measure by others: it moves once, then doubles. */
		size_t capacity = program->edges[e].live_count;

		for (size_t n = 0; n < o.count && program->edges[e].from != IR_NONE; n++)
			add_ranges(&o, &program->edges[e], &capacity, &o.object[n]);
	}
}
