/* Building one packet. */
#include "runtime/packet_build.h"

#include <assert.h>
#include <string.h>

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

void packet_build_start(struct packet_build *b)
{
	b->size = 0;
	b->layer_count = 0;
}

void packet_build_next(struct packet_build *b, uint32_t key)
{
	const struct packet_layer *last;
	uint8_t *h;

	if (!b->layer_count)
		return;
	last = &b->layers[b->layer_count - 1];
	h = b->bytes + last->offset;
	switch (last->proto) {
	case PACKET_ETH:
		put16(h + 12, key);
		break;
	case PACKET_VLAN:
	case PACKET_GRE:
		put16(h + 2, key);
		break;
	case PACKET_IPV4:
		h[9] = (uint8_t)key;
		break;
	case PACKET_IPV6:
		h[6] = (uint8_t)key;
		break;
	case PACKET_HOPOPTS:
	case PACKET_ROUTING:
	case PACKET_FRAGMENT:
	case PACKET_DSTOPTS:
	case PACKET_AH:
		h[0] = (uint8_t)key;
		break;
	default:
		break; /* UDP's port already says it; nothing follows the others */
	}
}

/* Appends a zeroed header. */
static uint8_t *append(struct packet_build *b, enum packet_proto proto, uint32_t bytes)
{
	uint8_t *h = b->bytes + b->size;

	assert(b->size + bytes <= sizeof b->bytes && b->layer_count < PACKET_LAYERS_MAX);
	memset(h, 0, bytes);
	b->layers[b->layer_count++] = (struct packet_layer){
	    .proto = proto, .offset = b->size, .length = bytes, .whole = true};
	b->size += bytes;
	return h;
}

/* Appends a zeroed header that the one before names by the key. */
static uint8_t *push(struct packet_build *b, enum packet_proto proto, uint32_t bytes, uint32_t key)
{
	packet_build_next(b, key);
	return append(b, proto, bytes);
}

uint8_t *packet_build_raw(struct packet_build *b, uint32_t bytes)
{
	return append(b, PACKET_PROTO_COUNT, bytes);
}

/* Ethertype or IP protocol, by what the new header follows. */
static bool follows_ethertype(const struct packet_build *b)
{
	enum packet_proto last = b->layer_count ? b->layers[b->layer_count - 1].proto : PACKET_ETH;

	return last == PACKET_ETH || last == PACKET_VLAN || last == PACKET_GRE;
}

uint8_t *packet_build_eth(struct packet_build *b, const uint8_t dst[6], const uint8_t src[6])
{
	uint8_t *h = push(b, PACKET_ETH, 14, 0x6558);

	memcpy(h, dst, 6);
	memcpy(h + 6, src, 6);
	return h;
}

uint8_t *packet_build_vlan(struct packet_build *b, uint16_t tpid, uint16_t id)
{
	uint8_t *h = push(b, PACKET_VLAN, 4, tpid);

	put16(h, id);
	return h;
}

uint8_t *packet_build_arp(struct packet_build *b, uint16_t op)
{
	uint8_t *h = push(b, PACKET_ARP, 28, 0x0806);

	put16(h, 1);
	put16(h + 2, 0x0800);
	h[4] = 6;
	h[5] = 4;
	put16(h + 6, op);
	return h;
}

uint8_t *packet_build_ipv4(struct packet_build *b, const uint8_t saddr[4], const uint8_t daddr[4],
			   const uint8_t *options, uint32_t option_bytes)
{
	uint32_t bytes = 20 + (option_bytes + 3) / 4 * 4;
	uint8_t *h = push(b, PACKET_IPV4, bytes, follows_ethertype(b) ? 0x0800 : 4);

	h[0] = (uint8_t)(0x40 | bytes / 4);
	h[8] = 64;
	memcpy(h + 12, saddr, 4);
	memcpy(h + 16, daddr, 4);
	if (option_bytes)
		memcpy(h + 20, options, option_bytes);
	return h;
}

uint8_t *packet_build_ipv6(struct packet_build *b, const uint8_t saddr[16], const uint8_t daddr[16])
{
	uint8_t *h = push(b, PACKET_IPV6, 40, follows_ethertype(b) ? 0x86dd : 41);

	h[0] = 0x60;
	h[6] = 59;
	h[7] = 64;
	memcpy(h + 8, saddr, 16);
	memcpy(h + 24, daddr, 16);
	return h;
}

uint8_t *packet_build_extension(struct packet_build *b, enum packet_proto proto, uint32_t bytes)
{
	static const uint8_t keys[PACKET_PROTO_COUNT] = {[PACKET_HOPOPTS] = 0,
							 [PACKET_ROUTING] = 43,
							 [PACKET_FRAGMENT] = 44,
							 [PACKET_DSTOPTS] = 60,
							 [PACKET_AH] = 51};
	uint8_t *h = push(b, proto, bytes, keys[proto]);

	h[0] = 59;
	if (proto == PACKET_AH)
		h[1] = (uint8_t)(bytes / 4 - 2);
	else if (proto != PACKET_FRAGMENT)
		h[1] = (uint8_t)(bytes / 8 - 1);
	return h;
}

uint8_t *packet_build_gre(struct packet_build *b, bool with_key, uint32_t key)
{
	uint8_t *h = push(b, PACKET_GRE, with_key ? 8 : 4, 47);

	if (with_key) {
		h[0] = 0x20;
		put32(h + 4, key);
	}
	return h;
}

uint8_t *packet_build_tcp(struct packet_build *b, uint16_t sport, uint16_t dport, uint8_t flags,
			  uint32_t option_bytes)
{
	uint32_t bytes = 20 + option_bytes / 4 * 4;
	uint8_t *h = push(b, PACKET_TCP, bytes, 6);

	put16(h, sport);
	put16(h + 2, dport);
	h[12] = (uint8_t)(bytes / 4 << 4);
	h[13] = flags;
	put16(h + 14, 64240);
	memset(h + 20, 1, bytes - 20); /* NOP */
	if (bytes >= 24) {
		h[20] = 2; /* MSS 1460 */
		h[21] = 4;
		put16(h + 22, 1460);
	}
	return h;
}

uint8_t *packet_build_udp(struct packet_build *b, uint16_t sport, uint16_t dport)
{
	uint8_t *h = push(b, PACKET_UDP, 8, 17);

	put16(h, sport);
	put16(h + 2, dport);
	return h;
}

uint8_t *packet_build_icmp(struct packet_build *b, bool v6, uint8_t type, uint8_t code)
{
	uint8_t *h = push(b, v6 ? PACKET_ICMPV6 : PACKET_ICMP, 8, v6 ? 58 : 1);

	h[0] = type;
	h[1] = code;
	return h;
}

uint8_t *packet_build_vxlan(struct packet_build *b, uint32_t vni)
{
	uint8_t *h = push(b, PACKET_VXLAN, 8, 0);

	h[0] = 8;
	put32(h + 4, vni << 8);
	return h;
}

void packet_build_payload(struct packet_build *b, const void *bytes, uint32_t size)
{
	uint32_t room = (uint32_t)sizeof b->bytes - b->size;

	if (size > room)
		size = room;
	if (size)
		memcpy(b->bytes + b->size, bytes, size);
	b->size += size;
}

static uint32_t sum(const uint8_t *p, uint32_t size, uint32_t total)
{
	for (uint32_t i = 0; i + 1 < size; i += 2)
		total += (uint32_t)p[i] << 8 | p[i + 1];
	if (size & 1)
		total += (uint32_t)p[size - 1] << 8;
	return total;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

/* The Internet checksum of a transport header and all behind it, with the pseudo header of its IP.
 */
static uint16_t transport_checksum(const struct packet_build *b, unsigned index, uint32_t protocol)
{
	const uint8_t *h = b->bytes + b->layers[index].offset;
	uint32_t size = b->size - b->layers[index].offset, total = protocol + size;

	for (unsigned i = index; i-- > 0;) {
		const uint8_t *ip = b->bytes + b->layers[i].offset;

		if (b->layers[i].proto == PACKET_IPV4) {
			total = sum(ip + 12, 8, total);
			break;
		}
		if (b->layers[i].proto == PACKET_IPV6) {
			total = sum(ip + 8, 32, total);
			break;
		}
	}
	return fold(sum(h, size, total));
}

uint16_t packet_build_sum(const struct packet_build *b, uint32_t from)
{
	return fold(sum(b->bytes + from, b->size - from, 0));
}

static void finish_layer(struct packet_build *b, unsigned index)
{
	const struct packet_layer *layer = &b->layers[index];
	uint8_t *h = b->bytes + layer->offset;
	uint32_t size = b->size - layer->offset;
	uint16_t checksum;

	switch (layer->proto) {
	case PACKET_IPV4:
		put16(h + 2, size);
		put16(h + 10, 0);
		put16(h + 10, fold(sum(h, layer->length, 0)));
		break;
	case PACKET_IPV6:
		put16(h + 4, size - 40);
		break;
	case PACKET_TCP:
		put16(h + 16, transport_checksum(b, index, 6));
		break;
	case PACKET_UDP:
		put16(h + 4, size);
		checksum = transport_checksum(b, index, 17);
		put16(h + 6, checksum ? checksum : 0xffff);
		break;
	case PACKET_ICMP:
		put16(h + 2, fold(sum(h, size, 0)));
		break;
	case PACKET_ICMPV6:
		put16(h + 2, transport_checksum(b, index, 58));
		break;
	default:
		break;
	}
}

void packet_build_finish(struct packet_build *b)
{
	for (unsigned i = b->layer_count; i-- > 0;)
		finish_layer(b, i);
}
