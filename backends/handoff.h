/*
 * Where each live value lies in a handoff: the widest alignment first, so that nothing is lost
 * between them. docs/handoff-format.md.
 */
#ifndef CLEAVE_BACKENDS_HANDOFF_H
#define CLEAVE_BACKENDS_HANDOFF_H

#include "partitioner/plan.h"

/*
 * How a map-value pointer travels, by the map's home. NATIVE is for both parts in one process
 * (replay): the pointer itself.
 */
enum handoff_value {
	HANDOFF_VALUE_INDEX, /* u32, ~0 for NULL */
	HANDOFF_VALUE_KEY,   /* u32 1 or 0 for NULL, then the key */
	HANDOFF_VALUE_FLAG,  /* u32 1 or 0 for NULL: nothing behind the pointer is touched */
	HANDOFF_VALUE_NATIVE,
};

/* Offset of a packet pointer that is NULL. */
#define HANDOFF_NO_OFFSET 0x80000000u

struct handoff_item {
	const struct ir_live *live;
	uint32_t offset, size, align; /* bytes from the start of the metadata */
	enum handoff_value value;     /* IR_LIVE_MAP_VALUE */
};

struct handoff {
	uint32_t length; /* all of it, a multiple of 4; the header is its last 8 bytes */
	bool ticket;     /* struct cleave_ticket stands at its start */
	struct handoff_item *items;
	size_t count;
};

/* The layout for a cut; in the arena. */
struct handoff handoff_layout(struct arena *arena, const struct plan *plan,
			      const struct plan_cut *cut, bool native);

const struct handoff_item *handoff_find(const struct handoff *handoff, const void *value);

/* Plain word for the manifest: "scalar", "packet offset" ... */
const char *handoff_item_kind(const struct handoff_item *item);

#endif
