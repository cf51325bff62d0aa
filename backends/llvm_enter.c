/* Entries of the user part. */
#include "backends/llvm_enter.h"
#include "ir/llvm_blocks.h"
#include "support/arena.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

struct entering {
	struct llvm_clone *clone;
	const struct ir_edge *edge;
	struct handoff layout;
	LLVMBasicBlockRef block; /* where values are rebuilt */
	LLVMValueRef bytes;      /* the handoff */
	LLVMValueRef *original, *rebuilt;
	size_t count, capacity, rebuilt_count, rebuilt_capacity;
};

static LLVMValueRef rebuild(struct entering *e, LLVMValueRef original);

static LLVMValueRef read_item(struct entering *e, const struct handoff_item *item, LLVMTypeRef type)
{
	struct llvm_clone *c = e->clone;
	LLVMValueRef from = llvm_at(c, e->bytes, item->offset);
	LLVMValueRef value = LLVMBuildLoad2(c->builder, type, from, item->live->name);

	LLVMSetAlignment(value, 1);
	return value;
}

static LLVMValueRef as_type(struct llvm_clone *c, LLVMValueRef pointer, LLVMTypeRef type)
{
	return LLVMGetTypeKind(type) == LLVMPointerTypeKind
		   ? pointer
		   : LLVMBuildPtrToInt(c->builder, pointer, type, "");
}

static LLVMValueRef at_variable(struct llvm_clone *c, LLVMValueRef base, LLVMValueRef offset)
{
	return LLVMBuildGEP2(c->builder, c->i8, base, &offset, 1, "");
}

static LLVMValueRef map_argument(struct llvm_clone *c, int map)
{
	return llvm_clone_value(c, c->program->maps[map].value);
}

/* The element of an index: by memory, or NULL for ~0. */
static LLVMValueRef value_of_index(struct entering *e, const struct handoff_item *item)
{
	struct llvm_clone *c = e->clone;
	int map = item->live->map;
	LLVMValueRef index = read_item(e, item, c->i32), value;

	if (c->plan->maps[map].home == MAP_HOME_SHARED_ARRAY) {
		LLVMValueRef key = llvm_stack(c, 4, "index"),
			     arguments[] = {map_argument(c, map), key};

		LLVMBuildStore(c->builder, index, key);
		return llvm_call(c, "cleave.map.lookup", c->ptr, arguments, 2);
	}
	LLVMValueRef arguments[] = {map_argument(c, map), index};
	value = llvm_call(c, "cleave.map.value", c->ptr, arguments, 2);
	LLVMValueRef none = LLVMBuildICmp(c->builder, LLVMIntEQ, index, llvm_u32(c, ~0u), "");
	return LLVMBuildSelect(c->builder, none, LLVMConstNull(c->ptr), value, "");
}

/*
 * A look-up by key again. The element may have gone since; the kernel's program would go on with
 * the freed one, so the user part goes on with zeroes that nobody else sees.
 */
static LLVMValueRef value_of_key(struct entering *e, const struct handoff_item *item)
{
	struct llvm_clone *c = e->clone;
	int map = item->live->map;
	const struct ir_map *m = &c->program->maps[map];
	LLVMValueRef flag = read_item(e, item, c->i32);
	LLVMValueRef key = llvm_stack(c, m->key_size, "key");
	LLVMValueRef gone = llvm_stack(c, m->value_size, "gone");

	llvm_copy(c, key, 8, llvm_at(c, e->bytes, item->offset + 4), 1, m->key_size);
	LLVMBuildMemSet(c->builder, gone, LLVMConstInt(c->i8, 0, 0), llvm_u64(c, m->value_size), 8);
	LLVMValueRef arguments[] = {map_argument(c, map), key};
	LLVMValueRef value = llvm_call(c, "cleave.map.lookup", c->ptr, arguments, 2);
	LLVMValueRef lost = LLVMBuildIsNull(c->builder, value, "");
	/* A map that is gone is known by NULL. */
	if (!m->inner.type)
		value = LLVMBuildSelect(c->builder, lost, gone, value, "");
	LLVMValueRef none = LLVMBuildIsNull(c->builder, flag, "");
	return LLVMBuildSelect(c->builder, none, LLVMConstNull(c->ptr), value, "");
}

/*
 * Only whether it was NULL. A packet-local map's element is this packet's own, at its only key; of
 * any other map that user has no home for, the pointer can but be tested.
 */
static LLVMValueRef value_of_flag(struct entering *e, const struct handoff_item *item)
{
	struct llvm_clone *c = e->clone;
	LLVMValueRef flag = read_item(e, item, c->i32);

	if (!c->program->maps[item->live->map].packet_local)
		return LLVMBuildIntToPtr(c->builder, LLVMBuildZExt(c->builder, flag, c->i64, ""),
					 c->ptr, "");
	LLVMValueRef none = LLVMBuildIsNull(c->builder, flag, "");
	return LLVMBuildSelect(c->builder, none, LLVMConstNull(c->ptr),
			       llvm_local_element(c, item->live->map), "");
}

static LLVMValueRef rebuild_map_value(struct entering *e, const struct handoff_item *item)
{
	struct llvm_clone *c = e->clone;

	switch (item->value) {
	case HANDOFF_VALUE_INDEX:
		return value_of_index(e, item);
	case HANDOFF_VALUE_KEY:
		return value_of_key(e, item);
	case HANDOFF_VALUE_NATIVE:
		return LLVMBuildIntToPtr(c->builder, read_item(e, item, c->i64), c->ptr, "");
	case HANDOFF_VALUE_FLAG:
		break;
	}
	return value_of_flag(e, item);
}

static LLVMValueRef rebuild_item(struct entering *e, LLVMValueRef original,
				 const struct handoff_item *item)
{
	struct llvm_clone *c = e->clone;
	LLVMTypeRef type = LLVMTypeOf(original);

	if (item->live->kind == IR_LIVE_PACKET) {
		LLVMValueRef start = llvm_call(c, "cleave.pkt.data", c->ptr, &c->packet, 1);
		/* A pointer may lie before the packet's start by less than its headroom. */
		LLVMValueRef word = read_item(e, item, c->i32);
		LLVMValueRef there =
		    at_variable(c, start, LLVMBuildSExt(c->builder, word, c->i64, ""));

		if (llvm_pointer_region(c->program, original).nullable)
			there = LLVMBuildSelect(c->builder,
						LLVMBuildICmp(c->builder, LLVMIntEQ, word,
							      llvm_u32(c, HANDOFF_NO_OFFSET), ""),
						LLVMConstNull(c->ptr), there, "");
		return as_type(c, there, type);
	}
	if (item->live->kind == IR_LIVE_MAP_VALUE)
		return as_type(c, rebuild_map_value(e, item), type);
	LLVMValueRef whole = read_item(e, item, LLVMIntTypeInContext(c->context, item->size * 8));
	return LLVMTypeOf(whole) == type ? whole : LLVMBuildTrunc(c->builder, whole, type, "");
}

static LLVMValueRef rebuild_free(struct entering *e, LLVMValueRef original,
				 struct llvm_region region)
{
	struct llvm_clone *c = e->clone;
	LLVMTypeRef type = LLVMTypeOf(original);
	const char *name;

	switch (region.memory) {
	case LLVM_MEMORY_PACKET:
	case LLVM_MEMORY_PACKET_END:
	case LLVM_MEMORY_PACKET_META:
		name = region.memory == LLVM_MEMORY_PACKET       ? "cleave.pkt.data"
		       : region.memory == LLVM_MEMORY_PACKET_END ? "cleave.pkt.data_end"
								 : "cleave.pkt.data_meta";
		return as_type(
		    c, llvm_at(c, llvm_call(c, name, c->ptr, &c->packet, 1), region.offset), type);
	case LLVM_MEMORY_CONTEXT:
		return as_type(c, llvm_at(c, c->packet, region.offset), type);
	case LLVM_MEMORY_STACK:
	case LLVM_MEMORY_GLOBAL:
	case LLVM_MEMORY_MAP_SELF:
		return as_type(c, llvm_at(c, llvm_clone_value(c, region.root), region.offset),
			       type);
	case LLVM_MEMORY_NULL:
		return LLVMConstNull(type);
	default:
		break;
	}
	if (!LLVMIsAInstruction(original))
		return llvm_clone_value(c, original);
	LLVMValueRef again =
	    LLVMInstructionClone(llvm_clone_value(c, original)); /* a context read */
	LLVMInsertIntoBuilder(c->builder, again);
	return again;
}

static LLVMValueRef rebuild_chain(struct entering *e, LLVMValueRef original)
{
	struct llvm_clone *c = e->clone;
	LLVMValueRef operands[8];
	int count = LLVMGetNumOperands(original);

	for (int o = 0; o < count && o < 8; o++)
		operands[o] = rebuild(e, LLVMGetOperand(original, (unsigned)o));
	LLVMValueRef again = LLVMInstructionClone(llvm_clone_value(c, original));
	for (int o = 0; o < count && o < 8; o++)
		LLVMSetOperand(again, (unsigned)o, operands[o]);
	LLVMInsertIntoBuilder(c->builder, again);
	return again;
}

static LLVMValueRef rebuild(struct entering *e, LLVMValueRef original)
{
	struct llvm_carry carry = llvm_carry_of(e->clone->program, original);
	const struct handoff_item *item = handoff_find(&e->layout, original);
	LLVMValueRef value;

	for (size_t i = 0; i < e->count; i++)
		if (e->original[i] == original)
			return e->rebuilt[i];
	if (carry.kind == LLVM_CARRY_VALUE && item)
		value = rebuild_item(e, original, item);
	else if (carry.kind == LLVM_CARRY_CHAIN)
		value = rebuild_chain(e, original);
	else
		value = rebuild_free(e, original, carry.region);
	*ARENA_PUSH(e->clone->arena, e->original, e->count, e->capacity) = original;
	*ARENA_PUSH(e->clone->arena, e->rebuilt, e->rebuilt_count, e->rebuilt_capacity) = value;
	return value;
}

static void restore_bytes(struct entering *e)
{
	struct llvm_clone *c = e->clone;

	for (size_t i = 0; i < e->layout.count; i++) {
		const struct handoff_item *item = &e->layout.items[i];
		LLVMValueRef to;

		if (item->live->kind == IR_LIVE_STACK) {
			to = llvm_clone_value(c, item->live->value);
		} else if (item->live->kind == IR_LIVE_MAP_BYTES) {
			to = llvm_local_element(c, item->live->map);
		} else {
			continue;
		}
		llvm_copy(c, llvm_at(c, to, item->live->from), item->align,
			  llvm_at(c, e->bytes, item->offset), 1, item->size);
	}
}

/* Where restored values live while they have several definitions. */
struct demoted {
	LLVMValueRef original, object;
};

struct demotions {
	struct demoted *value;
	size_t count, capacity;
};

static LLVMValueRef find_demoted(const struct demotions *d, LLVMValueRef original)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->value[i].original == original)
			return d->value[i].object;
	return NULL;
}

static LLVMValueRef after_phis(LLVMValueRef instruction)
{
	instruction = LLVMGetNextInstruction(instruction);
	while (LLVMIsAPHINode(instruction))
		instruction = LLVMGetNextInstruction(instruction);
	return instruction;
}

static LLVMValueRef place_of_use(LLVMValueRef user, unsigned operand)
{
	return LLVMIsAPHINode(user)
		   ? LLVMGetBasicBlockTerminator(LLVMGetIncomingBlock(user, operand))
		   : user;
}

/* A phi that a switch enters twice from one block must get the same value both times. */
static void use_instead(LLVMValueRef user, unsigned operand, LLVMValueRef value, LLVMValueRef now)
{
	if (LLVMIsAPHINode(user)) {
		LLVMBasicBlockRef from = LLVMGetIncomingBlock(user, operand);

		for (unsigned n = 0; n < LLVMCountIncoming(user); n++)
			if (LLVMGetIncomingBlock(user, n) == from &&
			    LLVMGetIncomingValue(user, n) == value)
				LLVMSetOperand(user, n, now);
	} else {
		LLVMSetOperand(user, operand, now);
	}
}

static bool is_wide(LLVMTypeRef type)
{
	return LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) > 64;
}

static void store_demoted(struct llvm_clone *c, LLVMValueRef value, LLVMValueRef object)
{
	LLVMValueRef store = LLVMBuildStore(c->builder, value, object);

	if (is_wide(LLVMTypeOf(value)))
		LLVMSetAlignment(store, 8);
}

/* Every use loads, the definition stores. The object is aligned to 8, whatever the type wants. */
static void demote(struct llvm_clone *c, struct demotions *d, LLVMValueRef original)
{
	LLVMValueRef value = llvm_clone_value(c, original), user;
	LLVMTypeRef type = LLVMTypeOf(value);
	LLVMValueRef object = llvm_stack(c, is_wide(type) ? 16 : 8, "restored"), load;

	*ARENA_PUSH(c->arena, d->value, d->count, d->capacity) = (struct demoted){original, object};
	for (LLVMUseRef use; (use = LLVMGetFirstUse(value));) {
		unsigned operand = 0;

		user = LLVMGetUser(use);
		while (LLVMGetOperand(user, operand) != value)
			operand++;
		LLVMPositionBuilderBefore(c->builder, place_of_use(user, operand));
		load = LLVMBuildLoad2(c->builder, type, object, "");
		if (is_wide(type))
			LLVMSetAlignment(load, 8);
		use_instead(user, operand, value, load);
	}
	LLVMPositionBuilderBefore(c->builder, after_phis(value));
	store_demoted(c, value, object);
}

static void demote_restored(struct llvm_clone *c, struct demotions *d)
{
	for (size_t n = 0; n < c->plan->cut_count; n++) {
		const struct ir_edge *edge = ir_edge_behind(c->program, c->plan->cuts[n].edge);

		for (size_t i = 0; i < edge->restored_count; i++)
			if (!find_demoted(d, edge->restored[i]))
				demote(c, d, edge->restored[i]);
	}
}

/* The entry's block: rebuild, store, jump. Phis of the target take what they get from their
 * objects. */
static LLVMBasicBlockRef build_entry(struct llvm_clone *c, const struct demotions *d,
				     const struct plan_cut *cut)
{
	struct entering e = {.clone = c,
			     .edge = ir_edge_behind(c->program, cut->edge),
			     .layout = handoff_layout(c->arena, c->plan, cut, c->native)};
	LLVMBasicBlockRef target = llvm_clone_block(c, e.edge->to);

	e.block = LLVMAppendBasicBlockInContext(c->context, c->function, "entry");
	LLVMPositionBuilderAtEnd(c->builder, e.block);
	e.bytes = llvm_call(c, "cleave_rt_handoff", c->ptr, &c->packet, 1);
	restore_bytes(&e);
	for (size_t i = 0; i < e.edge->restored_count; i++) {
		LLVMValueRef restored = e.edge->restored[i];
		LLVMValueRef value = rebuild(&e, llvm_edge_source(c->program, e.edge, restored));

		store_demoted(c, value, find_demoted(d, restored));
	}
	for (LLVMValueRef phi = LLVMGetFirstInstruction(target); phi && LLVMIsAPHINode(phi);
	     phi = LLVMGetNextInstruction(phi)) {
		LLVMValueRef in = LLVMGetUndef(LLVMTypeOf(phi));

		for (size_t i = 0; i < e.edge->restored_count; i++)
			if (llvm_clone_value(c, e.edge->restored[i]) == phi)
				in = LLVMBuildLoad2(c->builder, LLVMTypeOf(phi),
						    find_demoted(d, e.edge->restored[i]), "");
		LLVMAddIncoming(phi, &in, &e.block, 1);
	}
	LLVMBuildBr(c->builder, target);
	return e.block;
}

int llvm_enter_behind_cuts(struct llvm_clone *c, struct diag *diag)
{
	LLVMBasicBlockRef start = LLVMGetEntryBasicBlock(c->function);
	LLVMBasicBlockRef enter = LLVMInsertBasicBlockInContext(c->context, start, "enter");
	LLVMBasicBlockRef unknown =
	    LLVMAppendBasicBlockInContext(c->context, c->function, "unknown");
	struct demotions d = {0};

	LLVMSetCurrentDebugLocation2(c->builder, NULL);
	llvm_drop_lifetimes(c);
	llvm_move_allocas(c->builder, start, enter);
	demote_restored(c, &d);
	LLVMPositionBuilderAtEnd(c->builder, unknown);
	LLVMBuildRet(c->builder,
		     llvm_u32(c, c->program->kind == IR_PROGRAM_TC ? TC_ACT_SHOT : XDP_ABORTED));
	LLVMPositionBuilderAtEnd(c->builder, enter);
	LLVMValueRef entry = llvm_call(c, "cleave_rt_entry", c->i32, &c->packet, 1);
	LLVMValueRef choose =
	    LLVMBuildSwitch(c->builder, entry, unknown, (unsigned)c->plan->cut_count + 1);
	for (size_t n = 0; n < c->plan->cut_count; n++) {
		const struct plan_cut *cut = &c->plan->cuts[n];
		bool whole = ir_edge_behind(c->program, cut->edge)->from == IR_NONE;

		if (c->native && cut->held_only)
			continue;
		LLVMAddCase(choose, llvm_u32(c, cut->entry),
			    whole ? start : build_entry(c, &d, cut));
	}
	return 0;
}
