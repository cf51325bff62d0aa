/*
 * Packet headers by name: what support/fields.def lists, and a dissector that finds the headers of
 * a packet.
 *
 *     packet_field_find(PACKET_IPV4, 12, 4)->text          "ipv4.saddr"
 *     packet_field_find_text("tcp.dport")->byte            2
 *
 *     struct packet_layer layers[PACKET_LAYERS_MAX];
 *     unsigned count = packet_dissect(bytes, size, layers, PACKET_LAYERS_MAX);
 *
 * The dissector reads only inside the packet, whatever the packet claims about itself.
 */
#ifndef CLEAVE_SUPPORT_PACKET_FIELDS_H
#define CLEAVE_SUPPORT_PACKET_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum packet_proto {
#define PROTO(id, text, min_bytes) PACKET_##id,
#include "support/fields.def"
	PACKET_PROTO_COUNT
};

/* PACKET_FIELD_IPV4_SADDR and so on: fields and groups in the order of fields.def. */
enum packet_field_id {
#define FIELD(proto, id, byte, bit, bits, show, text) PACKET_FIELD_##proto##_##id,
#define GROUP(proto, id, byte, bit, bits, show, text) PACKET_FIELD_##proto##_##id,
#include "support/fields.def"
	PACKET_FIELD_COUNT
};

enum packet_show {
	PACKET_SHOW_DEC,
	PACKET_SHOW_HEX,
	PACKET_SHOW_MAC,
	PACKET_SHOW_IP4,
	PACKET_SHOW_IP6,
	PACKET_SHOW_BYTES,
};

struct packet_field {
	enum packet_field_id id;
	enum packet_proto proto;
	const char *text; /* "ipv4.saddr" */
	uint16_t byte,
	    bit;       /* from the start of the header; bit 0 is the most significant of its byte */
	uint16_t bits; /* width; 0: the rest of the header */
	enum packet_show show;
	bool group; /* several fields read as one */
};

enum { PACKET_LAYERS_MAX = 16 };

struct packet_layer {
	enum packet_proto proto;
	uint32_t offset; /* of the header, from the start of the packet */
	uint32_t length; /* of the header with its options, as far as it is inside the packet */
	bool whole;      /* the header is all there */
};

const char *packet_proto_text(enum packet_proto proto); /* "ipv4" */
uint32_t packet_proto_bytes_min(enum packet_proto proto);
/* The protocol whose header programs describe with this struct ("iphdr"), or PACKET_PROTO_COUNT. */
enum packet_proto packet_proto_find_struct(const char *struct_name);
/* What follows a header of proto whose next-protocol field (host order) is key, or
 * PACKET_PROTO_COUNT. */
enum packet_proto packet_proto_next(enum packet_proto proto, uint32_t key);

/* Any field; id < PACKET_FIELD_COUNT. */
const struct packet_field *packet_field_get(enum packet_field_id id);
/*
 * The field that an access of size bytes at offset in the header touches: the one of just these
 * bytes, else the narrowest that contains them. NULL when the access spans fields that have no
 * group.
 */
const struct packet_field *packet_field_find(enum packet_proto proto, uint32_t offset,
					     uint32_t size);
/* The same for bits, counted from the start of the header. */
const struct packet_field *packet_field_find_bits(enum packet_proto proto, uint32_t bit,
						  uint32_t bits);
const struct packet_field *packet_field_find_text(const char *text);

/* The headers of an Ethernet frame, outermost first. Returns how many, at most max. */
unsigned packet_dissect(const uint8_t *bytes, size_t size, struct packet_layer *layers,
			unsigned max);

/*
 * Writes the field's value in the header of this layer as text ("10.0.0.1", "0x86dd"), at most size
 * bytes with the NUL. Returns false (and text "-") when the field is not inside the packet.
 */
bool packet_field_print(const struct packet_field *field, const uint8_t *bytes, size_t packet_size,
			const struct packet_layer *layer, char *text, size_t size);

#endif
