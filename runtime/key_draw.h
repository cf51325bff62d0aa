/*
 * Random bytes for a BTF type that are like what programs make their keys of: fields of one packet
 * (either byte order), numbers of its interface and length, small numbers.
 *
 *     struct key_draw draw = {.btf = btf, .random = &state, .packet = packet};
 *     key_draw_begin(&draw, packet);
 *     key_draw_fill(&draw, key_type, key, key_size);
 *
 * A member takes a field of its size: one that its name speaks of (saddr, dst_port, proto), else
 * the next that no other has taken, so that {addr, addr, port, port} is a flow of the packet.
 * Padding stays zero. The same state and packet give the same bytes.
 */
#ifndef CLEAVE_RUNTIME_KEY_DRAW_H
#define CLEAVE_RUNTIME_KEY_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "support/packet_fields.h"

struct host_btf;
struct test_packet;

enum { KEY_DRAW_FIELDS_MAX = 128, KEY_DRAW_PART_BYTES_MAX = 16 };

struct key_draw_field {
	const char *name; /* "saddr" */
	const uint8_t *bytes;
	uint32_t size;
	bool taken;
};

struct key_draw {
	const struct host_btf *btf;
	uint64_t *random;
	struct key_draw_field fields[KEY_DRAW_FIELDS_MAX];
	unsigned field_count;
	bool swapped, mixed; /* this key: in the host's order; not in the order of the members */
	uint8_t own[8];      /* interface and length of the packet, as numbers of this host */
};

/* From now on the fields are this packet's, none of them taken. */
void key_draw_begin(struct key_draw *draw, const struct test_packet *packet);
/* A key, or a part of one. type may be 0: size bytes in one piece. The bytes are zero before. */
void key_draw_fill(struct key_draw *draw, uint32_t type, uint8_t *bytes, uint32_t size);
/* A value: the same, but mostly small numbers. */
void key_draw_value(struct key_draw *draw, uint32_t type, uint8_t *bytes, uint32_t size);

#endif
