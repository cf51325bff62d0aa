/*
 * Finding the handoff of a received packet: the only bytes that the agent takes from a packet's
 * frame as its own. The frame is what the kernel wrote, or what an earlier packet left in it, so
 * nothing of it is believed before it fits the generation that runs here and the manifest.
 * bundle/kernel_abi.h has the layout.
 *
 *     struct frame_handoff h;
 *     if (frame_handoff_find(&format, data, bytes_before_data, &h))
 *         h.bytes .. h.bytes + h.length is the block, and format.length_of[h.entry] == h.length
 */
#ifndef CLEAVE_RUNTIME_FRAME_HANDOFF_H
#define CLEAVE_RUNTIME_FRAME_HANDOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "bundle/kernel_abi.h"

struct bundle;

/* What a handoff must be. */
struct frame_format {
	uint32_t generation;
	uint16_t length_of[CLEAVE_ENTRIES_MAX]; /* by entry; 0: no such cut */
};

/* Where it lies in the frame. */
struct frame_handoff {
	uint8_t *bytes; /* of the block: ticket, live values, header */
	uint32_t length, entry;
	uint32_t own; /* bytes of the program's own metadata before it */
};

/* The lengths come from a bundle whose manifest was checked: none is above HANDOFF_BYTES_MAX. */
void frame_format_init(struct frame_format *format, const struct bundle *bundle,
		       uint32_t generation);

/*
 * The block right before data, of which `before` bytes are readable. False: there is none of this
 * generation, or not one that the manifest describes.
 */
bool frame_handoff_find(const struct frame_format *format, uint8_t *data, uint64_t before,
			struct frame_handoff *handoff);

/*
 * Copies the block (the packet may grow over it) and erases its header in the frame, so that no
 * later packet of this frame is taken for one that was handed over. The program's own metadata
 * then stands where it stood before: right before the packet.
 */
void frame_handoff_take(const struct frame_handoff *handoff, uint8_t *copy);

#endif
