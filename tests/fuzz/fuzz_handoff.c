/*
 * Fuzz target of the reader of handoffs. The input is what lies in a frame in front of a packet,
 * whatever the kernel, a foreign program or an earlier packet wrote there:
 *
 *     byte 0      bit 7: the header's generation is made to fit
 *     the rest    what lies there, all of it; a whole block ends with a header
 *
 * What is found lies in the frame and has the length that the manifest gives its entry, and is
 * found only once. Its ticket and list are then used as a worker uses them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "runtime/frame_handoff.h"
#include "runtime/order.h"
#include "support/limits.h"

enum { GENERATION = 0x12345678, AFTER = 3, PACKET_BYTES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "fuzz_handoff: %s\n", what);
	abort();
}

/* Entries 0, 1 and 255, of the shortest, a middle and the greatest length with a ticket. */
static void make_format(struct frame_format *format)
{
	static struct bundle_cut cuts[] = {
	    {.entry = 0, .length = 8 + 8 + 8 * AFTER},
	    {.entry = 1, .length = 96},
	    {.entry = CLEAVE_ENTRIES_MAX - 1, .length = HANDOFF_BYTES_MAX},
	};
	struct bundle bundle = {.cuts = cuts, .cut_count = sizeof cuts / sizeof *cuts};

	frame_format_init(format, &bundle, GENERATION);
}

static void use_ticket(const uint8_t *ticket)
{
	static struct cleave_order order;
	static struct order_port port;
	struct order_port *port_of[CLEAVE_PORTS_MAX] = {&port};
	uint64_t number, before = port.run, lost;

	memcpy(&number, ticket, sizeof number);
	lost = order_note_next(&port, number);
	require(port.run >= before && port.run - before == lost, "lost tickets miscounted");
	order_is_ready(&order, port_of, ticket, AFTER);
	order_note_run(&port, number);
	require(port.run >= before, "a port went back");
	order_publish(&order, &port);
	port = (struct order_port){0};
	order.done[0] = 0;
}

static void check_found(const struct frame_format *format, uint8_t *frame, size_t before,
			const struct frame_handoff *h)
{
	uint8_t copy[HANDOFF_BYTES_MAX] __attribute__((aligned(8)));
	struct frame_handoff again;

	require(h->entry < CLEAVE_ENTRIES_MAX && h->length == format->length_of[h->entry] &&
		    h->length >= sizeof(struct cleave_handoff),
		"not the manifest's length");
	require(h->bytes - frame >= (ptrdiff_t)h->own && h->bytes + h->length == frame + before,
		"not in the frame");
	frame_handoff_take(h, copy);
	use_ticket(copy);
	require(h->own || !frame_handoff_find(format, frame + before, before, &again),
		"found twice");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct frame_format format;
	struct frame_handoff handoff;
	uint32_t generation = GENERATION;
	uint8_t *frame;
	size_t before;

	if (!format.generation)
		make_format(&format);
	if (!size)
		return 0;
	before = size - 1;
	/* Exactly so large: a read in front of the frame is seen. */
	frame = malloc(before + PACKET_BYTES);
	require(frame != NULL, "no memory");
	memcpy(frame, data + 1, before);
	memset(frame + before, 0xff, PACKET_BYTES);
	if (data[0] & 0x80 && before >= sizeof(struct cleave_handoff))
		memcpy(frame + before - sizeof(struct cleave_handoff), &generation,
		       sizeof generation);
	if (frame_handoff_find(&format, frame + before, before, &handoff))
		check_found(&format, frame, before, &handoff);
	free(frame);
	return 0;
}
