/* The field table is complete and consistent, look-ups find what programs touch, the dissector
 * stays inside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/packet_fields.h"

static const char *found(enum packet_proto proto, uint32_t offset, uint32_t size)
{
	const struct packet_field *f = packet_field_find(proto, offset, size);

	return f ? f->text : "none";
}

static void finds_fields_by_offset(void **state)
{
	assert_string_equal(found(PACKET_ETH, 0, 6), "eth.dst");
	assert_string_equal(found(PACKET_ETH, 4, 2), "eth.dst");
	assert_string_equal(found(PACKET_ETH, 4, 4), "none");
	assert_string_equal(found(PACKET_IPV4, 12, 4), "ipv4.saddr");
	assert_string_equal(found(PACKET_IPV4, 12, 8), "ipv4.addrs");
	assert_string_equal(found(PACKET_IPV4, 0, 1), "ipv4.version_ihl");
	assert_string_equal(found(PACKET_IPV4, 24, 4), "ipv4.options");
	assert_string_equal(found(PACKET_IPV6, 7, 1), "ipv6.hoplimit");
	assert_string_equal(found(PACKET_IPV6, 32, 4), "ipv6.daddr");
	assert_string_equal(found(PACKET_TCP, 2, 2), "tcp.dport");
	assert_string_equal(found(PACKET_TCP, 0, 4), "tcp.ports");
	assert_string_equal(found(PACKET_UDP, 40, 1), "none");
	assert_string_equal(packet_field_find_bits(PACKET_IPV4, 4, 4)->text, "ipv4.ihl");
	assert_string_equal(packet_field_find_bits(PACKET_VLAN, 4, 12)->text, "vlan.id");
	assert_int_equal(packet_field_find_text("tcp.dport")->id, PACKET_FIELD_TCP_DPORT);
	assert_null(packet_field_find_text("tcp.port"));
	assert_int_equal(packet_proto_find_struct("ipv6hdr"), PACKET_IPV6);
	assert_int_equal(packet_proto_find_struct("nosuch"), PACKET_PROTO_COUNT);
}

/* Every bit of a minimum header belongs to exactly one field, or to the options behind them. */
static void fields_cover_headers(void **state)
{
	for (unsigned p = 0; p < PACKET_PROTO_COUNT; p++) {
		uint32_t bits = packet_proto_bytes_min(p) * 8, at = 0;

		for (unsigned i = 0; i < PACKET_FIELD_COUNT; i++) {
			const struct packet_field *f = packet_field_get(i);

			if (f->proto != p || f->group)
				continue;
			assert_int_equal(f->byte * 8u + f->bit, at);
			assert_memory_equal(f->text, packet_proto_text(p),
					    strlen(packet_proto_text(p)));
			at = f->bits ? at + f->bits : bits;
		}
		assert_int_equal(at, bits);
	}
}

/* Ethernet, QinQ, IPv6, hop-by-hop, UDP, VXLAN, Ethernet, IPv4, IPv4, TCP. */
static size_t deep_packet(uint8_t *p)
{
	uint8_t *h = p;

	memset(p, 0, 512);
	h[12] = 0x88, h[13] = 0xa8, h += 14;
	h[1] = 5, h[2] = 0x81, h += 4;
	h[2] = 0x86, h[3] = 0xdd, h += 4;
	h[0] = 0x60, h[6] = 0, h[7] = 64, h += 40;
	h[0] = 17, h[1] = 1, h += 16;
	h[2] = 4789 >> 8, h[3] = 4789 & 255, h += 8;
	h += 8;
	h[12] = 0x08, h += 14;
	h[0] = 0x46, h[9] = 4, h += 24;
	h[0] = 0x45, h[9] = 6, h[15] = 9, h += 20;
	h[12] = 0x60, h += 24;
	return (size_t)(h - p);
}

static void dissects_nested_headers(void **state)
{
	static const enum packet_proto want[] = {
	    PACKET_ETH,   PACKET_VLAN, PACKET_VLAN, PACKET_IPV6, PACKET_HOPOPTS, PACKET_UDP,
	    PACKET_VXLAN, PACKET_ETH,  PACKET_IPV4, PACKET_IPV4, PACKET_TCP};
	struct packet_layer layers[PACKET_LAYERS_MAX];
	uint8_t p[512];
	char text[64];
	size_t size = deep_packet(p);
	unsigned count = packet_dissect(p, size, layers, PACKET_LAYERS_MAX);

	assert_int_equal(count, sizeof want / sizeof *want);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(layers[i].proto, want[i]);
	assert_int_equal(layers[9].offset, 14 + 8 + 40 + 16 + 8 + 8 + 14 + 24);
	assert_int_equal(layers[10].length, 24);
	assert_true(packet_field_print(packet_field_get(PACKET_FIELD_IPV4_SADDR), p, size,
				       &layers[9], text, sizeof text));
	assert_string_equal(text, "0.0.0.9");
	packet_field_print(packet_field_get(PACKET_FIELD_VLAN_ID), p, size, &layers[1], text,
			   sizeof text);
	assert_string_equal(text, "5");
}

/* A copy of just the right length, so that a sanitizer sees any byte read too far. */
static void stays_inside_truncated_packets(void **state)
{
	uint8_t p[512];
	size_t size = deep_packet(p);

	for (size_t cut = 0; cut <= size; cut++) {
		struct packet_layer layers[PACKET_LAYERS_MAX];
		uint8_t *copy = malloc(cut ? cut : 1);
		unsigned count;

		memcpy(copy, p, cut);
		count = packet_dissect(copy, cut, layers, PACKET_LAYERS_MAX);
		for (unsigned i = 0; i < count; i++) {
			assert_true(layers[i].offset + layers[i].length <= cut);
			for (unsigned f = 0; f < PACKET_FIELD_COUNT; f++) {
				char text[64];

				if (packet_field_get(f)->proto == layers[i].proto)
					packet_field_print(packet_field_get(f), copy, cut,
							   &layers[i], text, sizeof text);
			}
		}
		assert_int_equal(!count, !cut);
		free(copy);
	}
}

static void later_fragments_end_the_headers(void **state)
{
	struct packet_layer layers[PACKET_LAYERS_MAX];
	uint8_t p[64] = {[12] = 0x08, [14] = 0x45, [21] = 1, [23] = 6};

	assert_int_equal(packet_dissect(p, sizeof p, layers, PACKET_LAYERS_MAX), 2);
	p[21] = 0;
	assert_int_equal(packet_dissect(p, sizeof p, layers, PACKET_LAYERS_MAX), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_fields_by_offset),
	    cmocka_unit_test(fields_cover_headers),
	    cmocka_unit_test(dissects_nested_headers),
	    cmocka_unit_test(stays_inside_truncated_packets),
	    cmocka_unit_test(later_fragments_end_the_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
