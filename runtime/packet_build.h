/*
 * Building one packet, outermost header first; lengths and checksums are filled in at the end.
 *
 *     struct packet_build b;
 *     packet_build_start(&b);
 *     packet_build_eth(&b, dst, src);
 *     packet_build_ipv4(&b, saddr, daddr, 64);
 *     packet_build_udp(&b, 5353, 53);
 *     packet_build_payload(&b, "x", 1);
 *     packet_build_finish(&b);             b.bytes, b.size
 *
 * The functions return their header, for what they do not set. Each header names the next one.
 */
#ifndef CLEAVE_RUNTIME_PACKET_BUILD_H
#define CLEAVE_RUNTIME_PACKET_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/packet_fields.h"

enum { PACKET_BUILD_BYTES_MAX = 4096 };

struct packet_build {
	uint8_t bytes[PACKET_BUILD_BYTES_MAX];
	uint32_t size;
	struct packet_layer layers[PACKET_LAYERS_MAX];
	unsigned layer_count;
};

void packet_build_start(struct packet_build *b);
uint8_t *packet_build_eth(struct packet_build *b, const uint8_t dst[6], const uint8_t src[6]);
/* tpid (0x8100 or 0x88a8) goes into the header before. */
uint8_t *packet_build_vlan(struct packet_build *b, uint16_t tpid, uint16_t id);
uint8_t *packet_build_arp(struct packet_build *b, uint16_t op);
/* options is padded to a multiple of 4; may be NULL with 0 bytes. */
uint8_t *packet_build_ipv4(struct packet_build *b, const uint8_t saddr[4], const uint8_t daddr[4],
			   const uint8_t *options, uint32_t option_bytes);
uint8_t *packet_build_ipv6(struct packet_build *b, const uint8_t saddr[16],
			   const uint8_t daddr[16]);
/* An extension header: PACKET_HOPOPTS, ROUTING, FRAGMENT, DSTOPTS or AH (all zero but its length).
 */
uint8_t *packet_build_extension(struct packet_build *b, enum packet_proto proto, uint32_t bytes);
uint8_t *packet_build_gre(struct packet_build *b, bool with_key, uint32_t key);
uint8_t *packet_build_tcp(struct packet_build *b, uint16_t sport, uint16_t dport, uint8_t flags,
			  uint32_t option_bytes);
uint8_t *packet_build_udp(struct packet_build *b, uint16_t sport, uint16_t dport);
uint8_t *packet_build_icmp(struct packet_build *b, bool v6, uint8_t type, uint8_t code);
uint8_t *packet_build_vxlan(struct packet_build *b, uint32_t vni);
/* A header that has no function here, zeroed; the one before does not name it. */
uint8_t *packet_build_raw(struct packet_build *b, uint32_t bytes);
/* Bytes after the last header; as many as fit. */
void packet_build_payload(struct packet_build *b, const void *bytes, uint32_t size);
/* The last header's next-protocol field, for a protocol that has no function here. */
void packet_build_next(struct packet_build *b, uint32_t key);
/* The Internet checksum of the packet's bytes from `from` on. */
uint16_t packet_build_sum(const struct packet_build *b, uint32_t from);
void packet_build_finish(struct packet_build *b);

#endif
