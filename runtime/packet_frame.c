/*
 * Frames described part by part. All that can be wrong with a description is found when it is read:
 * a frame that was accepted can be built.
 */
#include "runtime/packet_frame.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/packet_build.h"
#include "runtime/packet_random.h"
#include "runtime/packet_words.h"
#include "support/arena.h"

enum { PARTS_MAX = 32, WORDS_MAX = 4, FRAME_BYTES_MAX = 2048, FIXUPS_MAX = 16 };

/*
 * PART(id, name, words, header bytes): words of a part: m hardware address, 4 and 6 addresses, n
 * number, h hex, f hex with fields, t text. Bytes 0: not a header.
 */
#define PARTS                                                                                      \
	PART(IN, "in", "n", 0)                                                                     \
	PART(ETH, "eth", "mm", 14)                                                                 \
	PART(VLAN, "vlan", "nn", 4)                                                                \
	PART(ARP, "arp", "n44", 28)                                                                \
	PART(IPV4, "ipv4", "44h", 20)                                                              \
	PART(IPV6, "ipv6", "66", 40)                                                               \
	PART(TCP, "tcp", "nnnh", 20)                                                               \
	PART(UDP, "udp", "nn", 8)                                                                  \
	PART(ICMP, "icmp", "nn", 8)                                                                \
	PART(ICMPV6, "icmpv6", "nn", 8)                                                            \
	PART(GRE, "gre", "n", 4)                                                                   \
	PART(VXLAN, "vxlan", "n", 8)                                                               \
	PART(NEXT, "next", "n", 0)                                                                 \
	PART(SET, "set", "nh", 0)                                                                  \
	PART(HEX, "hex", "f", 0)                                                                   \
	PART(TEXT, "text", "t", 0)                                                                 \
	PART(RANDOM, "random", "n", 0)

enum part_kind {
#define PART(id, name, words, bytes) PART_##id,
	PARTS
#undef PART
	    PART_COUNT
};

static const struct {
	const char *name, *words;
	uint32_t bytes;
} table[] = {
#define PART(id, name, words, bytes) {name, words, bytes},
    PARTS
#undef PART
};

struct word {
	bool given;
	uint8_t mac[6];
	struct packet_range range;
	struct packet_numbers numbers;
	const char *text;
	uint32_t bytes; /* of hex or text */
};

struct packet_frame_part {
	enum part_kind kind;
	struct word words[WORDS_MAX];
};

/* Two bytes that are known when the frame is whole. */
struct fixup {
	bool sum; /* else the length behind `to`, plus more */
	uint32_t at, from, to;
	int more;
};

struct building {
	struct packet_build *b;
	const struct packet_frame_ends *ends;
	uint64_t *random;
	struct fixup fixups[FIXUPS_MAX];
	unsigned fixup_count;
};

/* "{len+2}" at text: its length, or 0. */
static unsigned read_field(const char *text, struct fixup *fixup)
{
	int length = 0;
	char sign;

	*fixup = (struct fixup){.sum = strncmp(text, "{sum}", 5) == 0};
	if (fixup->sum || strncmp(text, "{len}", 5) == 0)
		return 5;
	if (sscanf(text, "{len%c%5d}%n", &sign, &fixup->more, &length) < 2 || !length ||
	    !strchr("+-", sign) || fixup->more < 0)
		return 0;
	if (sign == '-')
		fixup->more = -fixup->more;
	return (unsigned)length;
}

/* Bytes that hex stands for; false when it is none. */
static bool measure_hex(const char *text, bool fields, uint32_t *bytes)
{
	unsigned digits = 0, length;
	struct fixup fixup;

	for (; *text; text += length) {
		length = 1;
		if (*text == '{') {
			length = fields && digits % 2 == 0 ? read_field(text, &fixup) : 0;
			if (!length)
				return false;
			digits += 4;
		} else if (isxdigit((unsigned char)*text) || *text == '?') {
			digits++;
		} else {
			return false;
		}
	}
	*bytes = digits / 2;
	return digits && digits % 2 == 0;
}

static unsigned count_fields(const char *text)
{
	unsigned count = 0;

	for (; *text; text++)
		count += *text == '{';
	return count;
}

static bool read_word(struct word *w, char kind, char *text)
{
	w->given = strcmp(text, "-") != 0 || kind == 't';
	w->text = text;
	if (!w->given)
		return true;
	switch (kind) {
	case 'm':
		return packet_word_mac(text, w->mac);
	case '4':
	case '6':
		return packet_word_range(text, kind == '6', &w->range);
	case 'n':
		return packet_word_numbers(text, &w->numbers);
	case 'h':
	case 'f':
		return measure_hex(text, kind == 'f', &w->bytes);
	default:
		w->bytes = (uint32_t)strlen(text);
		return true;
	}
}

/* Splits the text, which is ours, into the part's words. */
static bool read_part(struct packet_frame_part *part, char *text)
{
	size_t length = strcspn(text, " ");
	char *rest = text + length + (text[length] != '\0');

	text[length] = '\0';
	while (part->kind < PART_COUNT && strcmp(table[part->kind].name, text) != 0)
		part->kind++;
	if (part->kind == PART_COUNT)
		return false;
	for (const char *kind = table[part->kind].words; *kind && *rest; kind++) {
		char *word = rest;

		if (*kind == 't') {
			rest += strlen(rest);
		} else {
			length = strcspn(rest, " ");
			rest += length + (rest[length] != '\0');
			word[length] = '\0';
		}
		if (!read_word(&part->words[kind - table[part->kind].words], *kind, word))
			return false;
	}
	return !*rest;
}

/* How the parts so far limit the next one. */
struct measure {
	uint32_t bytes, header; /* of the frame, of the last header */
	unsigned layers, fixups;
};

/* Bytes of a header with its options or behind it; false where a part cannot stand here. */
static bool measure_part(struct measure *m, const struct packet_frame_part *part)
{
	const struct word *w = part->words;
	uint32_t header = table[part->kind].bytes, rest = 0;

	if (m->layers == 0 && part->kind != PART_ETH && part->kind != PART_IN)
		return false;
	switch (part->kind) {
	case PART_IPV4:
	case PART_TCP:
		rest = w[part->kind == PART_IPV4 ? 2 : 3].bytes;
		if (rest > 40)
			return false;
		header += (rest + 3) / 4 * 4;
		break;
	case PART_GRE:
		header += w[0].given ? 4 : 0;
		break;
	case PART_IN:
		return w[0].given && w[0].numbers.first > 0 && w[0].numbers.last < INT32_MAX;
	case PART_NEXT:
		return w[0].given;
	case PART_SET:
		return w[0].given && w[1].given &&
		       (uint64_t)w[0].numbers.last + w[1].bytes <= m->header;
	case PART_HEX:
		if (!w[0].given)
			return false;
		header = w[0].bytes;
		m->fixups += count_fields(w[0].text);
		break;
	case PART_TEXT:
		m->bytes += w[0].bytes;
		break;
	case PART_RANDOM:
		if (w[0].numbers.last > FRAME_BYTES_MAX)
			return false;
		m->bytes += w[0].numbers.last;
		break;
	default:
		break;
	}
	m->layers += header != 0;
	m->header = header ? header : m->header;
	m->bytes += header;
	return m->bytes <= FRAME_BYTES_MAX && m->layers <= PACKET_LAYERS_MAX &&
	       m->fixups <= FIXUPS_MAX;
}

bool packet_frame_read(struct packet_frame *frame, struct arena *arena, const json_t *value)
{
	size_t count = json_array_size(value);
	struct measure m = {0};

	if (!json_is_array(value) || count == 0 || count > PARTS_MAX)
		return false;
	*frame = (struct packet_frame){.count = (unsigned)count};
	frame->parts = arena_array(arena, count, sizeof *frame->parts);
	for (size_t i = 0; i < count; i++) {
		const json_t *text = json_array_get(value, i);
		struct packet_frame_part *part = &frame->parts[i];

		if (!json_is_string(text) ||
		    !read_part(part, arena_strdup(arena, json_string_value(text))) ||
		    !measure_part(&m, part))
			return false;
		if (part->kind == PART_IN)
			frame->ifindex = part->words[0].numbers.first;
	}
	return m.layers > 0;
}

static uint32_t draw_number(const struct building *g, const struct word *w, uint32_t own)
{
	uint32_t span = w->numbers.last - w->numbers.first;

	if (!w->given)
		return own;
	return w->numbers.first + (uint32_t)(packet_random(g->random) % ((uint64_t)span + 1));
}

/* The word's address, what its prefix leaves open drawn; or the flow's. */
static const uint8_t *draw_addr(const struct building *g, const struct word *w, unsigned bytes,
				const uint8_t *own, uint8_t *space)
{
	if (!w->given)
		return own;
	memcpy(space, w->range.bytes, bytes);
	for (unsigned bit = w->range.prefix; bit < bytes * 8; bit++)
		if (packet_random(g->random) >> 63)
			space[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	return space;
}

static uint8_t draw_digit(const struct building *g, char digit)
{
	if (digit == '?')
		return (uint8_t)(packet_random(g->random) >> 60);
	return (uint8_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

/* The bytes of a checked hex text; fields are zero. */
static void put_hex(const struct building *g, const struct word *w, uint8_t *bytes)
{
	const char *text = w->given ? w->text : "";
	struct fixup fixup;

	while (*text) {
		if (*text == '{') {
			*bytes++ = 0;
			*bytes++ = 0;
			text += read_field(text, &fixup);
			continue;
		}
		*bytes = (uint8_t)(draw_digit(g, text[0]) << 4);
		*bytes++ |= draw_digit(g, text[1]);
		text += 2;
	}
}

/* Notes where the fields of the hex part at `from` are. */
static void note_fields(struct building *g, const struct word *w, uint32_t from)
{
	uint32_t digits = 0;

	for (const char *text = w->text; *text;) {
		struct fixup *fixup = &g->fixups[g->fixup_count];

		if (*text != '{') {
			digits++;
			text++;
			continue;
		}
		text += read_field(text, fixup);
		fixup->at = from + digits / 2;
		fixup->from = from;
		fixup->to = from + w->bytes;
		g->fixup_count++;
		digits += 4;
	}
}

static void put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void put32(uint8_t *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p + 2, value);
}

static void build_arp(struct building *g, const struct word *w)
{
	const struct packet_frame_ends *e = g->ends;
	uint8_t a[4], b[4], *h = packet_build_arp(g->b, (uint16_t)draw_number(g, w, 1));

	memcpy(h + 8, e->mac[0], 6);
	memcpy(h + 14, draw_addr(g, &w[1], 4, e->addr4[0], a), 4);
	memcpy(h + 24, draw_addr(g, &w[2], 4, e->addr4[1], b), 4);
}

static void build_ip(struct building *g, const struct packet_frame_part *part)
{
	const struct packet_frame_ends *e = g->ends;
	const struct word *w = part->words;
	uint8_t a[16], b[16], options[40];

	if (part->kind == PART_IPV6) {
		packet_build_ipv6(g->b, draw_addr(g, w, 16, e->addr6[0], a),
				  draw_addr(g, w + 1, 16, e->addr6[1], b));
		return;
	}
	memset(options, 0, sizeof options);
	put_hex(g, &w[2], options);
	packet_build_ipv4(g->b, draw_addr(g, w, 4, e->addr4[0], a),
			  draw_addr(g, w + 1, 4, e->addr4[1], b), options, w[2].bytes);
}

static void build_tcp(struct building *g, const struct word *w)
{
	const struct packet_frame_ends *e = g->ends;
	uint16_t sport = (uint16_t)draw_number(g, w, e->port[0]);
	uint16_t dport = (uint16_t)draw_number(g, w + 1, e->port[1]);
	uint8_t flags = (uint8_t)draw_number(g, w + 2, 0x10);
	uint8_t *h = packet_build_tcp(g->b, sport, dport, flags, (w[3].bytes + 3) / 4 * 4);

	put32(h + 4, e->seq[0]);
	put32(h + 8, flags & 0x10 ? e->seq[1] : 0);
	put_hex(g, &w[3], h + 20);
}

static void build_hex(struct building *g, const struct word *w)
{
	uint32_t from = g->b->size;

	put_hex(g, w, packet_build_raw(g->b, w->bytes));
	note_fields(g, w, from);
}

static void build_random(struct building *g, const struct word *w)
{
	uint32_t count = draw_number(g, w, 0);

	for (uint32_t i = 0; i < count; i++) {
		uint8_t byte = (uint8_t)(packet_random(g->random) >> 56);

		packet_build_payload(g->b, &byte, 1);
	}
}

static void set_bytes(struct building *g, const struct word *w)
{
	const struct packet_layer *last = &g->b->layers[g->b->layer_count - 1];

	put_hex(g, &w[1], g->b->bytes + last->offset + draw_number(g, w, 0));
}

static void build_part(struct building *g, const struct packet_frame_part *part)
{
	const struct packet_frame_ends *e = g->ends;
	const struct word *w = part->words;
	uint32_t first;

	switch (part->kind) {
	case PART_ETH:
		packet_build_eth(g->b, w[0].given ? w[0].mac : e->mac[1],
				 w[1].given ? w[1].mac : e->mac[0]);
		break;
	case PART_VLAN:
		first = draw_number(g, w, 1);
		packet_build_vlan(g->b, (uint16_t)draw_number(g, w + 1, 0x8100), (uint16_t)first);
		break;
	case PART_ARP:
		build_arp(g, w);
		break;
	case PART_IPV4:
	case PART_IPV6:
		build_ip(g, part);
		break;
	case PART_TCP:
		build_tcp(g, w);
		break;
	case PART_UDP:
		first = draw_number(g, w, e->port[0]);
		packet_build_udp(g->b, (uint16_t)first,
				 (uint16_t)draw_number(g, w + 1, e->port[1]));
		break;
	case PART_ICMP:
	case PART_ICMPV6:
		first = draw_number(g, w, 0);
		packet_build_icmp(g->b, part->kind == PART_ICMPV6, (uint8_t)first,
				  (uint8_t)draw_number(g, w + 1, 0));
		break;
	case PART_GRE:
		packet_build_gre(g->b, w[0].given, draw_number(g, w, 0));
		break;
	case PART_VXLAN:
		packet_build_vxlan(g->b, draw_number(g, w, 0));
		break;
	case PART_NEXT:
		packet_build_next(g->b, draw_number(g, w, 0));
		break;
	case PART_SET:
		set_bytes(g, w);
		break;
	case PART_HEX:
		build_hex(g, w);
		break;
	case PART_TEXT:
		packet_build_payload(g->b, w->text, w->bytes);
		break;
	case PART_RANDOM:
		build_random(g, w);
		break;
	default:
		break;
	}
}

void packet_frame_build(const struct packet_frame *frame, struct packet_build *b,
			const struct packet_frame_ends *ends, uint64_t *random)
{
	struct building g = {.b = b, .ends = ends, .random = random};

	packet_build_start(b);
	for (unsigned i = 0; i < frame->count; i++)
		build_part(&g, &frame->parts[i]);
	/* Lengths first: checksums are over them; those of the outer headers come last. */
	for (unsigned i = 0; i < g.fixup_count; i++)
		if (!g.fixups[i].sum)
			put16(b->bytes + g.fixups[i].at,
			      (uint32_t)((int)(b->size - g.fixups[i].to) + g.fixups[i].more));
	for (unsigned i = g.fixup_count; i-- > 0;)
		if (g.fixups[i].sum)
			put16(b->bytes + g.fixups[i].at, packet_build_sum(b, g.fixups[i].from));
	packet_build_finish(b);
}
