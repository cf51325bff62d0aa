/* Layout of a handoff. */
#include "backends/handoff.h"
#include "bundle/kernel_abi.h"
#include "support/arena.h"

#include <stdlib.h>

static enum handoff_value value_form(enum map_home home, bool native)
{
	if (native)
		return HANDOFF_VALUE_NATIVE;
	switch (home) {
	case MAP_HOME_SHARED_ARRAY:
	case MAP_HOME_SHARED_VALUES:
		return HANDOFF_VALUE_INDEX;
	case MAP_HOME_KERNEL_BATCHED:
		return HANDOFF_VALUE_KEY;
	default:
		return HANDOFF_VALUE_FLAG;
	}
}

static struct handoff_item size_item(const struct plan *plan, const struct ir_live *live,
				     bool native)
{
	struct handoff_item item = {.live = live, .size = live->size, .align = live->size};

	switch (live->kind) {
	case IR_LIVE_MAP_VALUE:
		item.value = value_form(plan->maps[live->map].home, native);
		item.size = item.value == HANDOFF_VALUE_NATIVE ? 8 : 4;
		item.align = item.size;
		if (item.value == HANDOFF_VALUE_KEY)
			item.size += plan->program->maps[live->map].key_size;
		break;
	case IR_LIVE_STACK:
	case IR_LIVE_MAP_BYTES:
		/* As the bytes lie in their object, so that both sides can copy in words. */
		item.align = 8;
		while (item.align > 1 && (live->from % item.align || live->size % item.align))
			item.align /= 2;
		break;
	default:
		break;
	}
	return item;
}

static int by_alignment(const void *a, const void *b)
{
	const struct handoff_item *x = a, *y = b;

	if (x->align != y->align)
		return x->align < y->align ? 1 : -1;
	return x->live < y->live ? -1 : 1;
}

struct handoff handoff_layout(struct arena *arena, const struct plan *plan,
			      const struct plan_cut *cut, bool native)
{
	const struct ir_edge *edge = ir_edge_behind(plan->program, cut->edge);
	struct handoff h = {.count = edge->live_count};
	uint32_t at = 0;

	h.ticket = plan->strict && plan->ordered_maps;
	if (h.ticket)
		at = (uint32_t)sizeof(struct cleave_ticket) + 8 * plan->ordered_maps;
	h.items = arena_array(arena, edge->live_count, sizeof *h.items);
	for (size_t i = 0; i < h.count; i++)
		h.items[i] = size_item(plan, &edge->live[i], native);
	qsort(h.items, h.count, sizeof *h.items, by_alignment);
	for (size_t i = 0; i < h.count; i++) {
		at = (at + h.items[i].align - 1) / h.items[i].align * h.items[i].align;
		h.items[i].offset = at;
		at += h.items[i].size;
	}
	h.length = ((at + 3) & ~3u) + (uint32_t)sizeof(struct cleave_handoff);
	if (plan->program->kind == IR_PROGRAM_TC)
		h.length += (uint32_t)sizeof(struct cleave_skb);
	return h;
}

const struct handoff_item *handoff_find(const struct handoff *handoff, const void *value)
{
	for (size_t i = 0; i < handoff->count; i++)
		if (handoff->items[i].live->value == value &&
		    handoff->items[i].live->kind != IR_LIVE_STACK)
			return &handoff->items[i];
	return NULL;
}

const char *handoff_item_kind(const struct handoff_item *item)
{
	static const char *const value[] = {"map index", "map key", "map null flag", "map pointer"};

	switch (item->live->kind) {
	case IR_LIVE_SCALAR:
		return "scalar";
	case IR_LIVE_PACKET:
		return "packet offset";
	case IR_LIVE_MAP_VALUE:
		return value[item->value];
	case IR_LIVE_STACK:
		return "stack bytes";
	case IR_LIVE_MAP_BYTES:
		return "map bytes";
	}
	return "?";
}
