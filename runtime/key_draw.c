/* Random keys and values made of packets' fields. */
#include "runtime/key_draw.h"

#include <string.h>
#include <strings.h>

#include "runtime/host_btf.h"
#include "runtime/packet_list.h"
#include "runtime/packet_random.h"

/* Most keys are a flow as it stands on the wire, some in the host's order, others anything. */
enum {
	SWAPPED_PERCENT = 25,
	MIXED_PERCENT = 30,
	SMALL_PERCENT = 15,
	VALUE_FIELD_PERCENT = 25,
	DEPTH_MAX = 16
};

/* Words in members' names, and the fields that they speak of. */
static const struct {
	const char *word, *field;
} hints[] = {
    {"sport", "sport"},    {"src_port", "sport"}, {"srcport", "sport"},  {"dport", "dport"},
    {"dst_port", "dport"}, {"dstport", "dport"},  {"proto", "protocol"}, {"nexthdr", "nexthdr"},
    {"smac", "src"},       {"saddr", "saddr"},    {"daddr", "daddr"},    {"sip", "saddr"},
    {"dip", "daddr"},      {"src", "saddr"},      {"dst", "daddr"},      {"dest", "daddr"},
    {"vip", "daddr"},      {"source", "saddr"},   {"vlan", "id"},        {"port", "dport"},
    {"teid", "teid"},      {"vni", "vni"},
};

static void add_field(struct key_draw *draw, const char *name, const uint8_t *bytes, uint32_t size)
{
	if (draw->field_count < KEY_DRAW_FIELDS_MAX && size <= KEY_DRAW_PART_BYTES_MAX)
		draw->fields[draw->field_count++] =
		    (struct key_draw_field){.name = name, .bytes = bytes, .size = size};
}

/* Addresses and ports first: they are what most keys are made of. */
static bool is_common(const char *name)
{
	return strstr(name, "addr") || strstr(name, "port");
}

static void add_layer(struct key_draw *draw, const struct packet_layer *layer, const uint8_t *bytes,
		      bool common)
{
	for (unsigned i = 0; i < PACKET_FIELD_COUNT; i++) {
		const struct packet_field *f = packet_field_get((enum packet_field_id)i);
		const char *dot = strchr(f->text, '.'), *name = dot ? dot + 1 : f->text;

		if (f->proto != layer->proto || f->group || f->bit || !f->bits || f->bits % 8 ||
		    f->byte + f->bits / 8u > layer->length || is_common(name) != common)
			continue;
		add_field(draw, name, bytes + layer->offset + f->byte, f->bits / 8u);
	}
}

void key_draw_begin(struct key_draw *draw, const struct test_packet *packet)
{
	struct packet_layer layers[PACKET_LAYERS_MAX];
	unsigned count = packet_dissect(packet->bytes, packet->size, layers, PACKET_LAYERS_MAX);

	draw->mixed = packet_random_percent(draw->random, MIXED_PERCENT);
	draw->swapped = packet_random_percent(draw->random, SWAPPED_PERCENT);
	draw->field_count = 0;
	for (unsigned common = 2; common-- > 0;)
		for (unsigned l = 0; l < count; l++)
			add_layer(draw, &layers[l], packet->bytes, common);
	memcpy(draw->own, &packet->ifindex, 4);
	memcpy(draw->own + 4, &packet->size, 4);
	add_field(draw, "ifindex", draw->own, 4);
	add_field(draw, "length", draw->own + 4, 4);
}

static const char *hinted_field(const char *member)
{
	for (size_t i = 0; *member && i < sizeof hints / sizeof *hints; i++)
		if (strcasestr(member, hints[i].word))
			return hints[i].field;
	return NULL;
}

/* By the member's name, else the first that is free; now and then any of that size. */
static struct key_draw_field *choose_field(struct key_draw *draw, const char *member, uint32_t size)
{
	const char *wanted = hinted_field(member);
	struct key_draw_field *same[KEY_DRAW_FIELDS_MAX], *free_one = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < draw->field_count; i++) {
		struct key_draw_field *f = &draw->fields[i];

		if (f->size != size)
			continue;
		if (wanted && !f->taken && !strcmp(f->name, wanted))
			return f;
		if (!free_one && !f->taken)
			free_one = f;
		same[count++] = f;
	}
	if (!count)
		return NULL;
	if (free_one && (!draw->mixed || packet_random_percent(draw->random, 50)))
		return free_one;
	return same[packet_random_below(draw->random, count)];
}

static void store_small(uint64_t *random, uint8_t *bytes, uint32_t size)
{
	static const uint32_t below[] = {2, 4, 16, 64, 256};

	if (size)
		bytes[0] = (uint8_t)packet_random_below(
		    random, below[packet_random_below(random, sizeof below / sizeof *below)]);
}

/* A field that is narrower than the member: as a number, in the host's order. */
static bool store_widened(struct key_draw *draw, const char *member, uint8_t *bytes, uint32_t size)
{
	const struct key_draw_field *f;

	if (size != 4 && size != 8 && size != 2)
		return false;
	f = choose_field(draw, member, size / 2);
	if (!f || !draw->mixed || !packet_random_percent(draw->random, 30))
		return false;
	for (uint32_t i = 0; i < f->size; i++)
		bytes[i] = f->bytes[f->size - 1 - i];
	return true;
}

static void store_part(struct key_draw *draw, const char *member, bool big_endian, uint8_t *bytes,
		       uint32_t size)
{
	bool swap = !big_endian && size <= 4 && draw->swapped;
	struct key_draw_field *f;

	if (store_widened(draw, member, bytes, size))
		return;
	f = choose_field(draw, member, size);
	if (!f || (draw->mixed && packet_random_percent(draw->random, SMALL_PERCENT))) {
		store_small(draw->random, bytes, size);
		return;
	}
	f->taken = true;
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = f->bytes[swap ? size - 1 - i : i];
}

/* value: mostly small numbers, for these say how much, how often, which. */
struct filling {
	struct key_draw *draw;
	bool value;
};

static void fill(const struct filling *f, const char *member, uint32_t type, uint8_t *bytes,
		 uint32_t size, unsigned depth);

static void fill_struct(const struct filling *f, uint32_t type, uint8_t *bytes, uint32_t size,
			uint32_t members, unsigned depth)
{
	for (uint32_t i = 0; i < members; i++) {
		struct btf_member_view member;
		struct btf_type_view view;

		host_btf_member(f->draw->btf, type, i, &member);
		host_btf_type(f->draw->btf, member.type, &view);
		if (member.bit % 8 || member.bits || member.bit / 8 + (uint64_t)view.size > size)
			continue; /* bit fields stay zero */
		/* Members of a union lie on one another: the last wins. */
		memset(bytes + member.bit / 8, 0, view.size);
		fill(f, member.name, member.type, bytes + member.bit / 8, view.size, depth + 1);
	}
}

static void fill_array(const struct filling *f, const char *member,
		       const struct btf_type_view *view, uint8_t *bytes, uint32_t size,
		       unsigned depth)
{
	uint32_t one = view->count ? size / view->count : 0;

	for (uint32_t i = 0; i < view->count && one; i++)
		fill(f, member, view->element, bytes + i * one, one, depth + 1);
}

/* Addresses are often arrays of bytes or words. */
static bool is_whole(const struct btf_type_view *view, uint32_t size)
{
	return view->shape == BTF_SHAPE_NUMBER || view->shape == BTF_SHAPE_UNKNOWN ||
	       (view->shape == BTF_SHAPE_ARRAY && (size == 4 || size == 6 || size == 16)) ||
	       (view->shape == BTF_SHAPE_STRUCT && !strcmp(view->name, "in6_addr"));
}

static void fill(const struct filling *f, const char *member, uint32_t type, uint8_t *bytes,
		 uint32_t size, unsigned depth)
{
	struct btf_type_view view = {0};

	if (type)
		host_btf_type(f->draw->btf, type, &view);
	if (depth > DEPTH_MAX)
		return;
	if (view.shape == BTF_SHAPE_STRUCT && strcmp(view.name, "in6_addr") != 0) {
		/* What only the kernel may write begins as zero. */
		if (strncmp(view.name, "bpf_", 4) != 0)
			fill_struct(f, type, bytes, size, view.count, depth);
	} else if (!is_whole(&view, size)) {
		fill_array(f, member, &view, bytes, size, depth);
	} else if (f->value && !packet_random_percent(f->draw->random, VALUE_FIELD_PERCENT)) {
		store_small(f->draw->random, bytes, size);
	} else {
		store_part(f->draw, member, view.big_endian, bytes, size);
	}
}

void key_draw_fill(struct key_draw *draw, uint32_t type, uint8_t *bytes, uint32_t size)
{
	fill(&(struct filling){draw, false}, "", type, bytes, size, 0);
}

void key_draw_value(struct key_draw *draw, uint32_t type, uint8_t *bytes, uint32_t size)
{
	fill(&(struct filling){draw, true}, "", type, bytes, size, 0);
}
