#include "runtime/frame_handoff.h"

#include <assert.h>
#include <string.h>

#include "bundle/bundle.h"
#include "support/limits.h"

void frame_format_init(struct frame_format *format, const struct bundle *bundle,
		       uint32_t generation)
{
	*format = (struct frame_format){.generation = generation};
	for (size_t i = 0; i < bundle->cut_count; i++) {
		const struct bundle_cut *cut = &bundle->cuts[i];

		assert(cut->entry < CLEAVE_ENTRIES_MAX && cut->length <= HANDOFF_BYTES_MAX);
		format->length_of[cut->entry] = (uint16_t)cut->length;
	}
}

bool frame_handoff_find(const struct frame_format *format, uint8_t *data, uint64_t before,
			struct frame_handoff *handoff)
{
	struct cleave_handoff header;

	if (before < sizeof header)
		return false;
	memcpy(&header, data - sizeof header, sizeof header);
	if (header.generation != format->generation || header.length < sizeof header ||
	    header.length > before || header.length != format->length_of[header.entry] ||
	    header.own > before - header.length)
		return false;
	*handoff = (struct frame_handoff){
	    .bytes = data - header.length,
	    .length = header.length,
	    .entry = header.entry,
	    .own = header.own,
	};
	return true;
}

void frame_handoff_take(const struct frame_handoff *handoff, uint8_t *copy)
{
	uint8_t *end = handoff->bytes + handoff->length;

	memcpy(copy, handoff->bytes, handoff->length);
	memset(end - sizeof(struct cleave_handoff), 0, sizeof(struct cleave_handoff));
	memmove(end - handoff->own, handoff->bytes - handoff->own, handoff->own);
}
