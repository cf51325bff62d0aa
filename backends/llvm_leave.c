/* Handoff blocks at cut edges. */
#include "backends/llvm_leave.h"
#include "backends/llvm_shadows.h"
#include "bundle/kernel_abi.h"
#include "ir/llvm_blocks.h"
#include "support/arena.h"

#include <errno.h>
#include <string.h>

struct leaving {
	struct llvm_clone *clone;
	struct llvm_shadows *indices, *keys;
	const struct plan_cut *cut;
	const struct ir_edge *edge;
	struct handoff layout;
	LLVMBasicBlockRef from, block;
	LLVMValueRef
	    *ready; /* per item: what is stored, computed before the packet's shape changes */
	LLVMValueRef place;
};

static LLVMValueRef null_flag(struct llvm_clone *c, LLVMValueRef pointer)
{
	LLVMValueRef set = LLVMBuildIsNotNull(c->builder, pointer, "");

	return LLVMBuildZExt(c->builder, set, c->i32, "");
}

static uint32_t value_at(const struct llvm_clone *c, int map)
{
	return (uint32_t)sizeof(struct cleave_value_slot) +
	       ((c->program->maps[map].key_size + 7) & ~7u);
}

/* Shadows are built where the values are; the builder comes back to the handoff block afterwards.
 */
static LLVMValueRef shadow_for(struct leaving *l, const struct handoff_item *item, bool keys)
{
	LLVMValueRef shadow = llvm_shadow_of(keys ? l->keys : l->indices, item->live->value);

	llvm_set_place(l->clone, l->place);
	LLVMPositionBuilderAtEnd(l->clone->builder, l->block);
	return shadow;
}

static LLVMValueRef ready_map_value(struct leaving *l, const struct handoff_item *item)
{
	struct llvm_clone *c = l->clone;
	LLVMValueRef pointer = llvm_clone_value(c, item->live->value);
	int map = item->live->map;

	switch (item->value) {
	case HANDOFF_VALUE_NATIVE:
		return LLVMBuildPtrToInt(c->builder, pointer, c->i64, "");
	case HANDOFF_VALUE_INDEX:
		if (c->plan->maps[map].home == MAP_HOME_SHARED_ARRAY)
			return shadow_for(l, item, false);
		LLVMValueRef arguments[] = {pointer, llvm_u32(c, value_at(c, map))};
		return llvm_call(c, "cleave_rt_values_index", c->i32, arguments, 2);
	case HANDOFF_VALUE_KEY:
		return shadow_for(l, item, true);
	case HANDOFF_VALUE_FLAG:
		break;
	}
	return null_flag(c, pointer);
}

static LLVMValueRef packet_start(struct llvm_clone *c)
{
	return llvm_call(c, "cleave.pkt.data", c->ptr, &c->packet, 1);
}

static LLVMBasicBlockRef add_block(struct llvm_clone *c, const char *name)
{
	return LLVMAppendBasicBlockInContext(c->context, c->function, name);
}

/*
 * LLVM would subtract 32-bit halves of the pointers, or take the start from a number that is added
 * to one of them; the verifier allows neither.
 */
static LLVMValueRef packet_offset(struct llvm_clone *c, LLVMValueRef value)
{
	LLVMValueRef start = LLVMBuildPtrToInt(c->builder, packet_start(c), c->i64, "");

	if (LLVMGetTypeKind(LLVMTypeOf(value)) == LLVMPointerTypeKind)
		value = LLVMBuildPtrToInt(c->builder, value, c->i64, "");
	value = llvm_opaque(c, LLVMBuildSub(c->builder, llvm_opaque(c, value), start, "offset"));
	return LLVMBuildTrunc(c->builder, value, c->i32, "");
}

/*
 * On a path where the pointer is NULL the verifier sees a number, from which no pointer can be
 * taken: such a path must not come to the subtraction. The barrier in it keeps LLVM from hoisting
 * it.
 */
static LLVMValueRef ready_offset(struct leaving *l, LLVMValueRef original, LLVMValueRef value)
{
	struct llvm_clone *c = l->clone;
	LLVMBasicBlockRef before = l->block, some, join;

	if (!llvm_pointer_region(c->program, original).nullable)
		return packet_offset(c, value);
	some = add_block(c, "some");
	join = add_block(c, "join");
	LLVMBuildCondBr(c->builder, LLVMBuildIsNull(c->builder, value, ""), join, some);
	LLVMPositionBuilderAtEnd(c->builder, some);
	LLVMValueRef in[] = {llvm_u32(c, HANDOFF_NO_OFFSET), packet_offset(c, value)};
	LLVMBasicBlockRef from[] = {before, some};
	LLVMBuildBr(c->builder, join);
	LLVMPositionBuilderAtEnd(c->builder, join);
	LLVMValueRef offset = LLVMBuildPhi(c->builder, c->i32, "");
	LLVMAddIncoming(offset, in, from, 2);
	l->block = join;
	return offset;
}

static LLVMValueRef ready_item(struct leaving *l, const struct handoff_item *item)
{
	struct llvm_clone *c = l->clone;
	LLVMValueRef value = item->live->value ? llvm_clone_value(c, item->live->value) : NULL;

	switch (item->live->kind) {
	case IR_LIVE_SCALAR:
		return value;
	case IR_LIVE_PACKET:
		return ready_offset(l, item->live->value, value);
	case IR_LIVE_MAP_VALUE:
		return ready_map_value(l, item);
	case IR_LIVE_STACK:
		return value;
	case IR_LIVE_MAP_BYTES:
		return llvm_local_element(c, item->live->map);
	}
	return NULL;
}

/* A look-up that cannot fail still has to be tested, or the verifier does not believe it. */
static void store_map_bytes(struct leaving *l, const struct handoff_item *item,
			    LLVMValueRef element, LLVMValueRef to)
{
	struct llvm_clone *c = l->clone;
	LLVMBasicBlockRef copy = add_block(c, "copy"), done = add_block(c, "copied");

	LLVMBuildCondBr(c->builder, LLVMBuildIsNull(c->builder, element, ""), done, copy);
	LLVMPositionBuilderAtEnd(c->builder, copy);
	llvm_copy(c, to, item->align < 4 ? item->align : 4, llvm_at(c, element, item->live->from),
		  item->align, item->size);
	LLVMBuildBr(c->builder, done);
	LLVMPositionBuilderAtEnd(c->builder, done);
}

/* Packet memory is never known to be aligned to more than what the verifier asks of it: 4 at most.
 */
static void store_item(struct leaving *l, const struct handoff_item *item, LLVMValueRef ready,
		       LLVMValueRef header)
{
	struct llvm_clone *c = l->clone;
	LLVMValueRef to = llvm_at(c, header, item->offset);
	unsigned align = item->align < 4 ? item->align : 4;

	switch (item->live->kind) {
	case IR_LIVE_STACK:
		llvm_copy(c, to, align, llvm_at(c, ready, item->live->from),
			  llvm_known_align(c, item->live->value) < item->align
			      ? llvm_known_align(c, item->live->value)
			      : item->align,
			  item->size);
		return;
	case IR_LIVE_MAP_BYTES:
		store_map_bytes(l, item, ready, to);
		return;
	case IR_LIVE_MAP_VALUE:
		if (item->value != HANDOFF_VALUE_KEY)
			break;
		LLVMSetAlignment(
		    LLVMBuildStore(c->builder, null_flag(c, llvm_clone_value(c, item->live->value)),
				   to),
		    4);
		llvm_copy(c, llvm_at(c, to, 4), 4, ready, 8, item->size - 4);
		return;
	case IR_LIVE_SCALAR: {
		LLVMTypeRef whole = LLVMIntTypeInContext(c->context, item->size * 8);

		if (LLVMTypeOf(ready) != whole)
			ready = LLVMBuildZExt(c->builder, ready, whole, "");
		break;
	}
	default:
		break;
	}
	LLVMSetAlignment(LLVMBuildStore(c->builder, ready, to), align);
}

static void store_ticket(struct leaving *l, LLVMValueRef block, LLVMValueRef ticket,
			 LLVMValueRef *after)
{
	struct llvm_clone *c = l->clone;
	if (!l->layout.ticket)
		return;
	for (uint32_t n = 0; n <= c->plan->ordered_maps; n++) {
		LLVMValueRef word = n ? after[n - 1] : ticket;

		LLVMSetAlignment(LLVMBuildStore(c->builder, word ? word : llvm_u64(c, 0),
						llvm_at(c, block, 8 * n)),
				 4);
	}
}

static LLVMValueRef claim_cells(struct leaving *l, LLVMValueRef *after)
{
	struct llvm_clone *c = l->clone;
	LLVMValueRef cells[CLEAVE_ORDER_MAPS] = {NULL};

	if (!l->layout.ticket || c->native)
		return NULL;
	llvm_order_cells_of_cut(c, l->cut, cells);
	LLVMValueRef ticket = llvm_call(c, "cleave_rt_ticket", c->i64, &c->packet, 1);
	for (uint32_t n = 0; n < c->plan->ordered_maps; n++) {
		LLVMValueRef arguments[] = {cells[n], ticket};

		if (cells[n])
			after[n] = llvm_call(c, "cleave_rt_claim", c->i64, arguments, 2);
	}
	return ticket;
}

/* Metadata that the program may keep here stays, in front of the block. */
static LLVMValueRef open_block(struct leaving *l, LLVMValueRef *own)
{
	struct llvm_clone *c = l->clone;
	LLVMValueRef open[] = {c->packet, llvm_u32(c, l->layout.length), NULL, NULL};

	if (!l->edge->own_metadata)
		return llvm_call(c, "cleave_rt_open", c->ptr, open, 2);
	*own = llvm_call(c, "cleave_rt_own", c->i32, &c->packet, 1);
	open[2] = *own;
	open[3] = llvm_u32(c, l->edge->own_metadata);
	return llvm_call(c, "cleave_rt_open_behind", c->ptr, open, 4);
}

static void build_handoff(struct leaving *l)
{
	struct llvm_clone *c = l->clone;
	LLVMBasicBlockRef store = add_block(c, "store"), refused = add_block(c, "no_room");
	LLVMValueRef after[CLEAVE_ORDER_MAPS] = {NULL};
	LLVMValueRef length = llvm_u32(c, l->layout.length);
	LLVMValueRef entry = llvm_u32(c, l->cut->entry);

	for (size_t i = 0; i < l->layout.count; i++)
		l->ready[i] = ready_item(l, &l->layout.items[i]);
	LLVMValueRef ticket = claim_cells(l, after);
	LLVMValueRef own = llvm_u32(c, 0), header = open_block(l, &own);
	LLVMBuildCondBr(c->builder, LLVMBuildIsNull(c->builder, header, ""), refused, store);
	LLVMPositionBuilderAtEnd(c->builder, refused);
	LLVMBuildRet(c->builder, llvm_call(c, "cleave_rt_no_room", c->i32, NULL, 0));
	LLVMPositionBuilderAtEnd(c->builder, store);
	LLVMValueRef head[] = {llvm_at(c, header, l->layout.length - 8), entry, length, own};
	llvm_call(c, "cleave_rt_header", c->none, head, 4);
	store_ticket(l, header, ticket, after);
	for (size_t i = 0; i < l->layout.count; i++)
		store_item(l, &l->layout.items[i], l->ready[i], header);
	LLVMValueRef send[] = {c->packet, entry, llvm_u32(c, l->cut->held_only)};
	LLVMBuildRet(c->builder, llvm_call(c, "cleave_rt_send", c->i32, send, 3));
}

/* In the phis of the far side what came over this edge comes from `now`, or not at all (NULL). */
static void move_incoming(struct llvm_clone *c, LLVMBasicBlockRef to, LLVMBasicBlockRef from,
			  LLVMBasicBlockRef now)
{
	for (LLVMValueRef i = LLVMGetFirstInstruction(to), next; i && LLVMIsAPHINode(i); i = next) {
		next = LLVMGetNextInstruction(i);
		LLVMPositionBuilderBefore(c->builder, i);
		LLVMSetCurrentDebugLocation2(c->builder, LLVMInstructionGetDebugLoc(i));
		LLVMValueRef phi = LLVMBuildPhi(c->builder, LLVMTypeOf(i), "");
		bool moved = false;

		for (unsigned n = 0; n < LLVMCountIncoming(i); n++) {
			LLVMValueRef value = LLVMGetIncomingValue(i, n);
			LLVMBasicBlockRef block = LLVMGetIncomingBlock(i, n);

			/* Two edges of one switch have two entries: only one goes. */
			if (block == from && !moved) {
				moved = true;
				block = now;
			}
			if (block)
				LLVMAddIncoming(phi, &value, &block, 1);
		}
		if (!LLVMCountIncoming(phi)) {
			LLVMReplaceAllUsesWith(i, LLVMGetUndef(LLVMTypeOf(i)));
			LLVMInstructionEraseFromParent(phi);
		} else {
			LLVMReplaceAllUsesWith(i, phi);
		}
		LLVMInstructionEraseFromParent(i);
	}
}

/* Is anything of what the edge watches in flight? */
static LLVMValueRef build_watch(struct leaving *l)
{
	struct llvm_clone *c = l->clone;
	const struct plan_cut *cut = l->cut;
	LLVMTypeRef bit = LLVMInt1TypeInContext(c->context);
	LLVMValueRef held = NULL;

	for (size_t i = 0; i <= cut->early_count; i++) {
		LLVMValueRef cell, one;

		if (i == cut->early_count && cut->map == IR_NONE)
			break;
		cell = i < cut->early_count
			   ? llvm_order_cell_of_map(c, cut->early[i])
			   : llvm_order_cell(c, ir_first_op(c->program, (size_t)l->edge->to));
		one = llvm_call(c, "cleave_rt_in_flight", bit, &cell, 1);
		held = held ? LLVMBuildOr(c->builder, held, one, "") : one;
		if (c->plan->ordered_as_one)
			break;
	}
	return held;
}

/* At the program's start: in front of everything. */
static void take_start(struct leaving *l)
{
	struct llvm_clone *c = l->clone;
	LLVMBasicBlockRef start = LLVMGetEntryBasicBlock(c->function);
	LLVMBasicBlockRef watch = LLVMInsertBasicBlockInContext(c->context, start, "watch");

	llvm_move_allocas(c->builder, start, watch);
	LLVMPositionBuilderAtEnd(c->builder, watch);
	LLVMBuildCondBr(c->builder, build_watch(l), l->block, start);
}

/*
 * Only packets of what is in flight take a held edge. It gets a block of its own where others
 * begin at the same place, of which tell_phis then tells the phis.
 */
static void take_held(struct leaving *l, LLVMValueRef end, LLVMBasicBlockRef to)
{
	struct llvm_clone *c = l->clone;
	LLVMBasicBlockRef watch = l->from;

	if (LLVMGetNumSuccessors(end) > 1) {
		watch = add_block(c, "watch");
		LLVMSetSuccessor(end, (unsigned)l->edge->successor, watch);
		LLVMPositionBuilderAtEnd(c->builder, watch);
	} else {
		LLVMPositionBuilderBefore(c->builder, end);
	}
	llvm_set_place(c, end);
	LLVMBuildCondBr(c->builder, build_watch(l), l->block, to);
	if (watch == l->from)
		LLVMInstructionEraseFromParent(end);
}

static void take_edge(struct leaving *l, LLVMBasicBlockRef to)
{
	LLVMValueRef end = LLVMGetBasicBlockTerminator(l->from);

	if (l->cut->held_only)
		take_held(l, end, to);
	else
		LLVMSetSuccessor(end, (unsigned)l->edge->successor, l->block);
}

/* Where packets leave: a block that the edge, or the program's start, leads to. */
static void take(struct leaving *l)
{
	struct llvm_clone *c = l->clone;

	if (l->edge->from == IR_NONE && !l->cut->held_only) {
		/* everything goes: a start of its own in front */
		l->block = LLVMInsertBasicBlockInContext(
		    c->context, LLVMGetEntryBasicBlock(c->function), "all");
		return;
	}
	l->block = add_block(c, "leave");
	if (l->edge->from == IR_NONE) {
		take_start(l);
		return;
	}
	l->from = llvm_clone_block(c, l->edge->from);
	llvm_set_place(c, LLVMGetBasicBlockTerminator(l->from));
	take_edge(l, llvm_clone_block(c, l->edge->to));
	l->place = LLVMGetBasicBlockTerminator(l->from);
}

static int leave_at(struct leaving l, const struct plan_cut *cut, struct diag *diag)
{
	struct llvm_clone *c = l.clone;
	const struct ir_edge *edge = &c->program->edges[cut->edge];
	const struct ir_block *target = &c->program->blocks[edge->to];

	l.cut = cut;
	l.edge = edge;
	l.layout = handoff_layout(c->arena, c->plan, cut, c->native);
	uint32_t bytes = l.layout.length + edge->own_metadata;
	if (bytes > c->plan->target.handoff_bytes_max && !c->native) {
		diag_error(diag, target->loc,
			   "a packet that leaves here carries %u bytes; %s takes %u", bytes,
			   c->plan->target.name, c->plan->target.handoff_bytes_max);
		return -E2BIG;
	}
	l.ready = arena_array(c->arena, l.layout.count + 1, sizeof(LLVMValueRef));
	llvm_set_place(c, NULL);
	take(&l);
	llvm_set_place(c, l.place);
	LLVMPositionBuilderAtEnd(c->builder, l.block);
	build_handoff(&l);
	return 0;
}

/* Is the object read where packets leave? */
static bool is_read_at_cuts(struct llvm_clone *c, LLVMValueRef object)
{
	for (size_t n = 0; n < c->plan->cut_count; n++) {
		const struct ir_edge *edge = ir_edge_behind(c->program, c->plan->cuts[n].edge);

		for (size_t i = 0; i < edge->live_count; i++)
			if (edge->live[i].kind == IR_LIVE_STACK && edge->live[i].value == object)
				return true;
	}
	return !c->native && llvm_order_is_key(c, object);
}

/* Only these: the others may go on sharing their places, or there is not enough of a stack. */
static void lengthen_lives(struct llvm_clone *c)
{
	LLVMValueRef i =
	    LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(c->program->llvm->function));

	for (; i && c->plan->cut_count; i = LLVMGetNextInstruction(i))
		if (LLVMIsAAllocaInst(i) && is_read_at_cuts(c, i))
			llvm_drop_lifetime(c, i);
}

/*
 * Carried stack bytes are copied whole, so all of them have to be set on every path: the verifier
 * of older kernels refuses to read stack that nobody wrote.
 */
static void clear_carried_stack(struct llvm_clone *c)
{
	for (size_t n = 0; n < c->plan->cut_count; n++) {
		const struct ir_edge *edge = ir_edge_behind(c->program, c->plan->cuts[n].edge);

		for (size_t i = 0; i < edge->live_count; i++)
			if (edge->live[i].kind == IR_LIVE_STACK)
				llvm_clear_object(c, edge->live[i].value);
	}
}

/* When all edges are taken: phis that are made anew have no way from their originals. */
static void tell_phis(struct llvm_clone *c, const struct plan_cut *cut)
{
	const struct ir_edge *edge = &c->program->edges[cut->edge];
	LLVMBasicBlockRef from, now = NULL;

	if (edge->from == IR_NONE || (c->native && cut->held_only))
		return;
	from = llvm_clone_block(c, edge->from);
	if (cut->held_only) {
		now =
		    LLVMGetSuccessor(LLVMGetBasicBlockTerminator(from), (unsigned)edge->successor);
		if (c->program->blocks[edge->from].out_count == 1)
			return; /* taken where it was */
	}
	move_incoming(c, llvm_clone_block(c, edge->to), from, now);
}

int llvm_leave_at_cuts(struct llvm_clone *c, struct diag *diag)
{
	struct llvm_shadows indices = {.clone = c}, keys = {.clone = c, .keys = true};
	const struct leaving l = {.clone = c, .indices = &indices, .keys = &keys};
	int err = 0;

	lengthen_lives(c);
	clear_carried_stack(c);
	if (!c->native)
		llvm_order_clear_keys(c);
	for (size_t n = 0; n < c->plan->cut_count && !err; n++)
		if (!c->native || !c->plan->cuts[n].held_only)
			err = leave_at(l, &c->plan->cuts[n], diag);
	for (size_t n = 0; n < c->plan->cut_count && !err; n++)
		tell_phis(c, &c->plan->cuts[n]);
	return err;
}
