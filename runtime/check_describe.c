/* Differences in words. */
#include "runtime/check_describe.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/check_compare.h"
#include "runtime/map.h"
#include "support/packet_fields.h"

enum { TEXT_BYTES = 256, HEX_BYTES_MAX = 96 };

static void print_hex(FILE *out, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size && i < HEX_BYTES_MAX; i++)
		fprintf(out, "%s%02x", i && i % 4 == 0 ? " " : "", bytes[i]);
	if (size > HEX_BYTES_MAX)
		fprintf(out, " ... (%zu bytes)", size);
}

void check_describe_headers(FILE *out, const uint8_t *bytes, uint32_t size)
{
	struct packet_layer layers[PACKET_LAYERS_MAX];
	unsigned count = packet_dissect(bytes, size, layers, PACKET_LAYERS_MAX);

	for (unsigned i = 0; i < count; i++)
		fprintf(out, "%s%s%s", i ? " " : "", packet_proto_text(layers[i].proto),
			layers[i].whole ? "" : " (cut)");
}

struct packet_view {
	const uint8_t *bytes;
	uint32_t size;
	struct packet_layer layers[PACKET_LAYERS_MAX];
	unsigned count;
};

static void view(struct packet_view *v, const uint8_t *bytes, uint32_t size)
{
	v->bytes = bytes;
	v->size = size;
	v->count = packet_dissect(bytes, size, v->layers, PACKET_LAYERS_MAX);
}

static bool same_headers(const struct packet_view *a, const struct packet_view *b)
{
	if (a->count != b->count)
		return false;
	for (unsigned i = 0; i < a->count; i++)
		if (a->layers[i].proto != b->layers[i].proto ||
		    a->layers[i].offset != b->layers[i].offset ||
		    a->layers[i].length != b->layers[i].length)
			return false;
	return true;
}

static void describe_fields(FILE *out, const struct packet_view *a, const struct packet_view *b,
			    unsigned layer)
{
	for (unsigned i = 0; i < PACKET_FIELD_COUNT; i++) {
		const struct packet_field *f = packet_field_get(i);
		char text_a[TEXT_BYTES], text_b[TEXT_BYTES];

		if (f->proto != a->layers[layer].proto || f->group)
			continue;
		packet_field_print(f, a->bytes, a->size, &a->layers[layer], text_a, sizeof text_a);
		packet_field_print(f, b->bytes, b->size, &b->layers[layer], text_b, sizeof text_b);
		if (strcmp(text_a, text_b))
			fprintf(out, "  %s: oracle %s, here %s\n", f->text, text_a, text_b);
	}
}

/* Behind the last header that both have. */
static void describe_rest(FILE *out, const struct packet_view *a, const struct packet_view *b,
			  uint32_t from)
{
	uint32_t end = a->size < b->size ? a->size : b->size, at = from;

	while (at < end && a->bytes[at] == b->bytes[at])
		at++;
	if (at == end)
		return;
	fprintf(out, "  bytes from %u: oracle ", at);
	print_hex(out, a->bytes + at, end - at < 16 ? end - at : 16);
	fputs(", here ", out);
	print_hex(out, b->bytes + at, end - at < 16 ? end - at : 16);
	fputc('\n', out);
}

void check_describe_packets(FILE *out, const uint8_t *a_bytes, uint32_t a_size,
			    const uint8_t *b_bytes, uint32_t b_size)
{
	struct packet_view a, b;
	uint32_t from = 0;

	view(&a, a_bytes, a_size);
	view(&b, b_bytes, b_size);
	if (a.size != b.size)
		fprintf(out, "  length: oracle %u, here %u\n", a.size, b.size);
	if (!same_headers(&a, &b)) {
		fputs("  headers: oracle ", out);
		check_describe_headers(out, a.bytes, a.size);
		fputs(", here ", out);
		check_describe_headers(out, b.bytes, b.size);
		fputc('\n', out);
	} else {
		for (unsigned i = 0; i < a.count; i++) {
			describe_fields(out, &a, &b, i);
			from = a.layers[i].offset + a.layers[i].length;
		}
	}
	describe_rest(out, &a, &b, from);
}

static void describe_verdict(FILE *out, const char *who, const struct check_outcome *o)
{
	fprintf(out, "%s %s", who, check_verdict_text(o->tc, o->verdict));
	if (o->handed_over)
		fprintf(out, " (in user, entry %u)", o->entry);
}

static void print_entry(FILE *out, struct cleave_map *map, const uint8_t *key)
{
	size_t size = map_value_bytes(map);
	uint8_t *value = calloc(1, size ? size : 1);

	if (!value)
		return;
	if (map_read(map, key, value))
		fputs("not there", out);
	else
		print_hex(out, value, size);
	free(value);
}

static void describe_entry(FILE *out, const struct check_side *oracle,
			   const struct check_side *tested, const struct check_diff *diff)
{
	const struct bundle_map *map = &tested->bundle->maps[diff->index];

	fprintf(out, "  map \"%s\" (%s), key ", map->name, map_home_text(map->home));
	print_hex(out, diff->key, map->key_size);
	fputs("\n    oracle ", out);
	print_entry(out, oracle->maps[diff->index], diff->key);
	fputs("\n    here   ", out);
	print_entry(out, tested->maps[diff->index], diff->key);
	fputc('\n', out);
}

/* The next one out, which is not the one that differs when others come before it. */
static void print_next(FILE *out, struct cleave_map *map)
{
	size_t size = map_value_bytes(map);
	uint8_t *value = calloc(1, size ? size : 1);

	if (!value)
		return;
	if (map_peek(map, value))
		fputs("empty", out);
	else
		print_hex(out, value, size);
	free(value);
}

static void describe_queue(FILE *out, const struct check_side *oracle,
			   const struct check_side *tested, const struct check_diff *diff)
{
	const struct bundle_map *map = &tested->bundle->maps[diff->index];
	uint32_t at;

	memcpy(&at, diff->key, sizeof at);
	fprintf(out, "  %s \"%s\" (%s), different behind the next %u; next out:\n    oracle ",
		map_type_find(map->type)->title, map->name, map_home_text(map->home), at);
	print_next(out, oracle->maps[diff->index]);
	fputs("\n    here   ", out);
	print_next(out, tested->maps[diff->index]);
	fputc('\n', out);
}

static void describe_global(FILE *out, const struct check_side *oracle,
			    const struct check_side *tested, uint32_t index)
{
	const struct bundle_global *g = &tested->bundle->globals[index];

	fprintf(out, "  global variable \"%s\": oracle ", g->name);
	print_hex(out, oracle->globals[index], g->size);
	fputs(", here ", out);
	print_hex(out, tested->globals[index], g->size);
	fputc('\n', out);
}

static void describe_redirect(FILE *out, const char *who, const struct check_outcome *o)
{
	if (o->redirect_kind == CLEAVE_REDIRECT_MAP)
		fprintf(out, "%s map %u, key %u", who, o->redirect_map, o->redirect_target);
	else if (o->redirect_kind == CLEAVE_REDIRECT_PEER)
		fprintf(out, "%s the peer of interface %u", who, o->redirect_target);
	else if (o->redirect_kind == CLEAVE_REDIRECT_IFINDEX)
		fprintf(out, "%s interface %u", who, o->redirect_target);
	else
		fprintf(out, "%s nowhere", who);
	fprintf(out, " (flags 0x%llx)", (unsigned long long)o->redirect_flags);
}

static void describe_events(FILE *out, const char *who, const struct bundle *bundle,
			    const struct events *events)
{
	struct event event;
	size_t at = 0;

	fprintf(out, "  events, %s:%s\n", who, events->used ? "" : " none");
	while (events_next(events, &at, &event)) {
		fprintf(out, "    \"%s\": ",
			event.map < bundle->map_count ? bundle->maps[event.map].name : "?");
		print_hex(out, event.bytes, event.size);
		fputc('\n', out);
	}
	if (events->lost)
		fputs("    and some were lost\n", out);
}

static void print_skb(FILE *out, const char *who, const struct cleave_skb *skb)
{
	fprintf(out,
		"  %-6s mark %u, priority %u, tstamp %llu, interface %u, from %u, hash %u, "
		"tc_index %u, classid %u, queue %u, protocol 0x%04x, tag 0x%04x:%u, type %u, "
		"cb %x %x %x %x %x\n",
		who, skb->mark, skb->priority, (unsigned long long)skb->tstamp, skb->ifindex,
		skb->ingress_ifindex, skb->hash, skb->tc_index, skb->tc_classid, skb->queue_mapping,
		__builtin_bswap16(skb->protocol), __builtin_bswap16(skb->vlan_proto), skb->vlan_tci,
		skb->pkt_type, skb->cb[0], skb->cb[1], skb->cb[2], skb->cb[3], skb->cb[4]);
}

static void describe_fields_of_context(FILE *out, const struct check_outcome *expected,
				       const struct check_outcome *got)
{
	fprintf(out, "  context field %s:\n", check_compare_skb(&expected->skb, &got->skb));
	print_skb(out, "oracle", &expected->skb);
	print_skb(out, "here", &got->skb);
}

void check_describe(FILE *out, const struct check_side *oracle, const struct check_side *tested,
		    const struct check_outcome *expected, const struct check_outcome *got,
		    const struct check_diff *diff)
{
	switch (diff->kind) {
	case CHECK_VERDICT:
	case CHECK_PACKET:
		describe_verdict(out, "  verdict: oracle", expected);
		describe_verdict(out, ", here", got);
		fputc('\n', out);
		check_describe_packets(out, expected->bytes, expected->size, got->bytes, got->size);
		break;
	case CHECK_METADATA:
		fputs("  metadata: oracle ", out);
		print_hex(out, expected->meta_bytes, expected->meta);
		fputs(", here ", out);
		print_hex(out, got->meta_bytes, got->meta);
		fputc('\n', out);
		break;
	case CHECK_REDIRECT:
		describe_redirect(out, "  redirect: oracle to", expected);
		describe_redirect(out, ", here to", got);
		fputc('\n', out);
		break;
	case CHECK_EVENTS:
		describe_events(out, "oracle", tested->bundle, &expected->events);
		describe_events(out, "here", tested->bundle, &got->events);
		break;
	case CHECK_FIELD:
		describe_fields_of_context(out, expected, got);
		break;
	case CHECK_ENTRY:
		describe_entry(out, oracle, tested, diff);
		break;
	case CHECK_INNER:
		fprintf(out, "  map \"%s\", another in the map at key ",
			tested->bundle->maps[diff->index].name);
		print_hex(out, diff->key, tested->bundle->maps[diff->index].key_size);
		fputc('\n', out);
		break;
	case CHECK_QUEUE:
		describe_queue(out, oracle, tested, diff);
		break;
	case CHECK_GLOBAL:
		describe_global(out, oracle, tested, diff->index);
		break;
	case CHECK_SAME:
		break;
	}
}
