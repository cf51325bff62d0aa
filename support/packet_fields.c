/* The tables of support/fields.def, look-ups in them, the dissector and the printing of values. */
#include "support/packet_fields.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *text;
	uint32_t min_bytes;
} protos[] = {
#define PROTO(id, text, min_bytes) [PACKET_##id] = {text, min_bytes},
#include "support/fields.def"
};
static_assert(sizeof protos / sizeof *protos == PACKET_PROTO_COUNT, "a row for every protocol");

static const struct packet_field fields[] = {
#define ROW(proto, id, byte, bit, bits, show, text, group)                                         \
	[PACKET_FIELD_##proto##_##                                                                 \
	    id] = {PACKET_FIELD_##proto##_##id, PACKET_##proto, text, byte, bit, bits,             \
		   PACKET_SHOW_##show,          group},
#define FIELD(proto, id, byte, bit, bits, show, text)                                              \
	ROW(proto, id, byte, bit, bits, show, text, false)
#define GROUP(proto, id, byte, bit, bits, show, text)                                              \
	ROW(proto, id, byte, bit, bits, show, text, true)
#include "support/fields.def"
#undef ROW
};
static_assert(sizeof fields / sizeof *fields == PACKET_FIELD_COUNT, "a row for every field");

/* A field of known width lies in the header that is always there; options begin behind it. */
enum {
#define PROTO(id, text, min_bytes) BYTES_MIN_##id = (min_bytes),
#include "support/fields.def"
};
#define FIELD(proto, id, byte, bit, bits, show, text)                                              \
	static_assert((byte) * 8 + (bit) + (bits) <= BYTES_MIN_##proto * 8 && (bit) < 8 &&         \
			  ((bits) || !(bit)),                                                      \
		      text " is outside its header");
#define GROUP FIELD
#include "support/fields.def"

static const struct {
	const char *name;
	enum packet_proto proto;
} structs[] = {
#define STRUCT(proto, name) {name, PACKET_##proto},
#include "support/fields.def"
};

static const struct {
	enum packet_proto proto, next;
	uint32_t key;
} nexts[] = {
#define NEXT(proto, key, next) {PACKET_##proto, PACKET_##next, key},
#include "support/fields.def"
};

const char *packet_proto_text(enum packet_proto proto)
{
	assert(proto < PACKET_PROTO_COUNT);
	return protos[proto].text;
}

uint32_t packet_proto_bytes_min(enum packet_proto proto)
{
	assert(proto < PACKET_PROTO_COUNT);
	return protos[proto].min_bytes;
}

enum packet_proto packet_proto_find_struct(const char *struct_name)
{
	for (size_t i = 0; i < sizeof structs / sizeof *structs; i++)
		if (!strcmp(structs[i].name, struct_name))
			return structs[i].proto;
	return PACKET_PROTO_COUNT;
}

static bool is_extension(enum packet_proto proto)
{
	return proto == PACKET_HOPOPTS || proto == PACKET_ROUTING || proto == PACKET_FRAGMENT ||
	       proto == PACKET_DSTOPTS || proto == PACKET_AH;
}

enum packet_proto packet_proto_next(enum packet_proto proto, uint32_t key)
{
	if (is_extension(proto))
		proto = PACKET_IPV6;
	for (size_t i = 0; i < sizeof nexts / sizeof *nexts; i++)
		if (nexts[i].proto == proto && nexts[i].key == key)
			return nexts[i].next;
	return PACKET_PROTO_COUNT;
}

const struct packet_field *packet_field_get(enum packet_field_id id)
{
	assert(id < PACKET_FIELD_COUNT);
	return &fields[id];
}

const struct packet_field *packet_field_find_bits(enum packet_proto proto, uint32_t bit,
						  uint32_t bits)
{
	const struct packet_field *best = NULL, *rest = NULL;

	for (size_t i = 0; i < PACKET_FIELD_COUNT; i++) {
		const struct packet_field *f = &fields[i];
		uint32_t start = f->byte * 8u + f->bit;

		if (f->proto != proto || bit < start)
			continue;
		if (!f->bits)
			rest = f;
		else if (bit + bits <= start + f->bits && (!best || f->bits < best->bits))
			best = f;
	}
	return best ? best : rest;
}

const struct packet_field *packet_field_find(enum packet_proto proto, uint32_t offset,
					     uint32_t size)
{
	return packet_field_find_bits(proto, offset * 8, size * 8);
}

const struct packet_field *packet_field_find_text(const char *text)
{
	for (size_t i = 0; i < PACKET_FIELD_COUNT; i++)
		if (!strcmp(fields[i].text, text))
			return &fields[i];
	return NULL;
}

static uint32_t get_be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* GRE's optional words: checksum, key and sequence number (RFC 2890). */
static uint32_t gre_bytes(uint8_t flags)
{
	return 4 + 4 * (!!(flags & 0x80) + !!(flags & 0x20) + !!(flags & 0x10));
}

/* Length of the header at h, by its own word for it; all of the minimum header is there. */
static uint32_t header_bytes(enum packet_proto proto, const uint8_t *h)
{
	uint32_t min = protos[proto].min_bytes, bytes = min;

	switch (proto) {
	case PACKET_IPV4:
		bytes = (h[0] & 15) * 4u;
		break;
	case PACKET_TCP:
		bytes = (h[12] >> 4) * 4u;
		break;
	case PACKET_HOPOPTS:
	case PACKET_DSTOPTS:
	case PACKET_ROUTING:
		bytes = h[1] * 8u + 8;
		break;
	case PACKET_AH:
		bytes = h[1] * 4u + 8;
		break;
	case PACKET_GRE:
		bytes = gre_bytes(h[0]);
		break;
	default:
		break;
	}
	return bytes < min ? min : bytes;
}

/* The protocol after the whole header at h. Later fragments carry no header: nothing follows them.
 */
static enum packet_proto next_proto(enum packet_proto proto, const uint8_t *h)
{
	enum packet_proto next;

	switch (proto) {
	case PACKET_ETH:
		return packet_proto_next(proto, get_be16(h + 12));
	case PACKET_VLAN:
	case PACKET_GRE:
		return packet_proto_next(proto, get_be16(h + 2));
	case PACKET_IPV4:
		return get_be16(h + 6) & 0x1fff ? PACKET_PROTO_COUNT
						: packet_proto_next(proto, h[9]);
	case PACKET_IPV6:
		return packet_proto_next(proto, h[6]);
	case PACKET_FRAGMENT:
		return get_be16(h + 2) & 0xfff8 ? PACKET_PROTO_COUNT
						: packet_proto_next(proto, h[0]);
	case PACKET_HOPOPTS:
	case PACKET_ROUTING:
	case PACKET_DSTOPTS:
	case PACKET_AH:
		return packet_proto_next(proto, h[0]);
	case PACKET_UDP:
		next = packet_proto_next(proto, get_be16(h + 2));
		return next != PACKET_PROTO_COUNT ? next : packet_proto_next(proto, get_be16(h));
	case PACKET_VXLAN:
		return PACKET_ETH;
	default:
		return PACKET_PROTO_COUNT;
	}
}

unsigned packet_dissect(const uint8_t *bytes, size_t size, struct packet_layer *layers,
			unsigned max)
{
	enum packet_proto proto = PACKET_ETH;
	size_t offset = 0;
	unsigned count = 0;

	while (count < max && proto != PACKET_PROTO_COUNT && offset < size) {
		struct packet_layer *layer = &layers[count++];
		size_t left = size - offset;
		size_t need = protos[proto].min_bytes;
		bool fixed_part = left >= need;

		if (fixed_part)
			need = header_bytes(proto, bytes + offset);
		*layer = (struct packet_layer){.proto = proto,
					       .offset = (uint32_t)offset,
					       .length = (uint32_t)(left < need ? left : need),
					       .whole = left >= need};
		if (!layer->whole)
			break;
		proto = next_proto(proto, bytes + offset);
		offset += need;
	}
	return count;
}

static void print_number(const struct packet_field *f, const uint8_t *h, char *text, size_t size)
{
	uint64_t value = 0;

	assert(f->bits <= 64);
	for (unsigned i = 0; i < f->bits; i++) {
		unsigned bit = f->bit + i;

		value = value << 1 | ((h[f->byte + bit / 8] >> (7 - bit % 8)) & 1);
	}
	snprintf(text, size, f->show == PACKET_SHOW_DEC ? "%llu" : "0x%llx",
		 (unsigned long long)value);
}

static void print_bytes(const uint8_t *p, size_t count, char separator, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count && at + 4 < size; i++) {
		if (i && separator)
			text[at++] = separator;
		at += (size_t)snprintf(text + at, size - at, "%02x", p[i]);
	}
}

bool packet_field_print(const struct packet_field *field, const uint8_t *bytes, size_t packet_size,
			const struct packet_layer *layer, char *text, size_t size)
{
	uint32_t end =
	    field->bits ? (field->byte * 8u + field->bit + field->bits + 7) / 8 : layer->length;
	const uint8_t *h = bytes + layer->offset;

	if (end > layer->length || field->byte >= end || layer->offset + end > packet_size) {
		snprintf(text, size, "-");
		return false;
	}
	switch (field->show) {
	case PACKET_SHOW_DEC:
	case PACKET_SHOW_HEX:
		print_number(field, h, text, size);
		break;
	case PACKET_SHOW_MAC:
		print_bytes(h + field->byte, 6, ':', text, size);
		break;
	case PACKET_SHOW_IP4:
		inet_ntop(AF_INET, h + field->byte, text, (socklen_t)size);
		break;
	case PACKET_SHOW_IP6:
		inet_ntop(AF_INET6, h + field->byte, text, (socklen_t)size);
		break;
	case PACKET_SHOW_BYTES:
		print_bytes(h + field->byte, end - field->byte, 0, text, size);
		break;
	}
	return true;
}
