/*
 * The packet generator. A flow keeps addresses, ports, its encapsulation and, for TCP, the sequence
 * numbers of both ends; every step takes a flow at random and emits its next packet. A finished
 * flow is replaced by a new one.
 */
#include "runtime/packet_gen.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/packet_build.h"
#include "runtime/packet_list.h"
#include "runtime/packet_pools.h"
#include "runtime/packet_random.h"

enum { SEGMENT_BYTES_MAX = 1400, TIME_START_NS = 1000000000 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct endpoint {
	uint8_t mac[6], addr4[4], addr6[16];
	uint16_t port;
	uint32_t ifindex;
	uint32_t seq; /* next to send */
};

struct flow {
	enum packet_weight kind;   /* TCP .. OTHER */
	enum packet_weight around; /* VLAN .. VXLAN, or COUNT for nothing */
	bool v6, options, extensions, fragments;
	uint8_t other;          /* IP protocol of kind OTHER */
	unsigned frame;         /* the first one of kind FRAME */
	struct endpoint end[2]; /* who opened it, and the other */
	unsigned step, steps;
	/* A datagram of which only the first fragment was sent. */
	uint32_t fragment_at, fragment_id;
	unsigned fragment_from;
};

struct gen {
	const struct packet_pools *pools;
	uint64_t random;
	uint64_t time_ns;
	struct flow flows[PACKET_FLOWS_MAX];
	struct packet_build build;
};

static uint32_t below(struct gen *g, uint32_t count)
{
	return packet_random_below(&g->random, count);
}

static bool chance(struct gen *g, enum packet_weight weight)
{
	return packet_random_percent(&g->random, g->pools->weights[weight]);
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

static void draw_addr(struct gen *g, enum packet_pool_addr pool, uint8_t *addr, unsigned bytes)
{
	const struct packet_range *r =
	    &g->pools->addrs[pool][below(g, (uint32_t)g->pools->addr_count[pool])];

	memcpy(addr, r->bytes, bytes);
	for (unsigned bit = r->prefix; bit < bytes * 8; bit++)
		if (packet_random(&g->random) >> 63)
			addr[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

static uint16_t draw_port(struct gen *g, const struct packet_ports *ports, size_t count)
{
	const struct packet_ports *p = &ports[below(g, (uint32_t)count)];

	return (uint16_t)(p->first + below(g, p->last - p->first + 1u));
}

static unsigned kind_weight(const struct gen *g, enum packet_weight kind)
{
	if (kind == PACKET_WEIGHT_FRAME && !g->pools->frame_count)
		return 0;
	return g->pools->weights[kind];
}

/* A kind of flow by the relative weights; TCP when all are 0. */
static enum packet_weight draw_kind(struct gen *g)
{
	uint32_t total = 0, at;

	for (unsigned i = 0; i <= PACKET_WEIGHT_OTHER; i++)
		total += kind_weight(g, i);
	at = total ? below(g, total) : 0;
	for (unsigned i = 0; i <= PACKET_WEIGHT_OTHER; i++) {
		if (at < kind_weight(g, i))
			return i;
		at -= kind_weight(g, i);
	}
	return PACKET_WEIGHT_TCP;
}

static void draw_ends(struct gen *g, struct flow *f)
{
	const struct packet_pools *p = g->pools;
	uint32_t from = below(g, (uint32_t)p->ifindex_count);
	struct endpoint *a = &f->end[0], *b = &f->end[1];

	draw_addr(g, PACKET_POOL_SADDR4, a->addr4, 4);
	draw_addr(g, PACKET_POOL_DADDR4, b->addr4, 4);
	draw_addr(g, PACKET_POOL_SADDR6, a->addr6, 16);
	draw_addr(g, PACKET_POOL_DADDR6, b->addr6, 16);
	a->port = draw_port(g, p->sports, p->sport_count);
	b->port = draw_port(g, p->dports, p->dport_count);
	memcpy(a->mac, "\x02\x00\x00\x00\x01", 5);
	a->mac[5] = a->addr4[3];
	memcpy(b->mac, p->dmacs[below(g, (uint32_t)p->dmac_count)], 6);
	a->ifindex = p->ifindexes[from];
	b->ifindex = p->ifindexes[(from + 1) % p->ifindex_count];
	a->seq = (uint32_t)packet_random(&g->random);
	b->seq = (uint32_t)packet_random(&g->random);
}

static void start_flow(struct gen *g, struct flow *f)
{
	*f = (struct flow){.kind = draw_kind(g), .around = PACKET_WEIGHT_COUNT};
	f->v6 = chance(g, PACKET_WEIGHT_IPV6);
	if (f->kind == PACKET_WEIGHT_ARP)
		f->v6 = false;
	if (f->kind == PACKET_WEIGHT_ND)
		f->v6 = true;
	for (unsigned w = PACKET_WEIGHT_VLAN; w <= PACKET_WEIGHT_VXLAN; w++)
		if (f->around == PACKET_WEIGHT_COUNT && chance(g, w))
			f->around = w;
	f->options = chance(g, PACKET_WEIGHT_OPTIONS);
	f->extensions = chance(g, PACKET_WEIGHT_EXTENSIONS);
	f->fragments = f->kind == PACKET_WEIGHT_UDP && chance(g, PACKET_WEIGHT_FRAGMENTS);
	f->other = (uint8_t)below(g, 256);
	f->steps = f->kind == PACKET_WEIGHT_TCP ? 7 + below(g, 12) : 2 + below(g, 6);
	draw_ends(g, f);
	if (f->kind == PACKET_WEIGHT_FRAME) {
		f->frame = below(g, (uint32_t)g->pools->frame_count);
		f->steps = 4 + below(g, 8);
	}
}

/* Outermost headers: Ethernet, tags, and the tunnel the flow is in. */
static void build_around(struct gen *g, const struct flow *f, const struct endpoint *from,
			 const struct endpoint *to)
{
	struct packet_build *b = &g->build;

	packet_build_eth(b, to->mac, from->mac);
	switch (f->around) {
	case PACKET_WEIGHT_QINQ:
		packet_build_vlan(b, 0x88a8, 100);
		packet_build_vlan(b, 0x8100, 1 + (f->other & 15));
		break;
	case PACKET_WEIGHT_VLAN:
		packet_build_vlan(b, 0x8100, 1 + (f->other & 15));
		break;
	case PACKET_WEIGHT_GRE:
		packet_build_ipv4(b, from->addr4, to->addr4, NULL, 0);
		packet_build_gre(b, f->other & 1, f->other);
		if (f->other & 2)
			packet_build_eth(b, to->mac, from->mac);
		break;
	case PACKET_WEIGHT_IPIP:
		packet_build_ipv4(b, from->addr4, to->addr4, NULL, 0);
		break;
	case PACKET_WEIGHT_IP6IP6:
		packet_build_ipv6(b, from->addr6, to->addr6);
		break;
	case PACKET_WEIGHT_VXLAN:
		packet_build_ipv4(b, from->addr4, to->addr4, NULL, 0);
		packet_build_udp(b, from->port, 4789);
		packet_build_vxlan(b, f->other);
		packet_build_eth(b, to->mac, from->mac);
		break;
	default:
		break;
	}
}

static void build_extensions(struct gen *g, const struct flow *f)
{
	struct packet_build *b = &g->build;
	uint8_t *h;

	if (f->other & 1) {
		h = packet_build_extension(b, PACKET_HOPOPTS, 8);
		h[2] = 1; /* PadN */
		h[3] = 4;
	}
	if (f->other & 2) {
		h = packet_build_extension(b, PACKET_DSTOPTS, 16);
		h[2] = 1;
		h[3] = 12;
	}
	if (f->other & 4) {
		h = packet_build_extension(b, PACKET_ROUTING, 24);
		h[2] = 2;
		h[3] = (f->other >> 3) & 1;
	}
	if (!(f->other & 7) || f->other & 16) {
		h = packet_build_extension(b, PACKET_AH, 24);
		put32(h + 4, f->other);
	}
}

/* The flow's own IP header; returns it. */
static uint8_t *build_ip(struct gen *g, const struct flow *f, const struct endpoint *from,
			 const struct endpoint *to)
{
	/* NOP, record route with one slot; or a timestamp */
	static const uint8_t options[] = {1, 7, 7, 4, 0, 0, 0, 0};
	struct packet_build *b = &g->build;
	uint8_t *h;

	if (f->v6) {
		h = packet_build_ipv6(b, from->addr6, to->addr6);
		h[7] = (uint8_t)(below(g, 16) ? 64 : below(g, 3));
		if (f->extensions)
			build_extensions(g, f);
		return h;
	}
	h = packet_build_ipv4(b, from->addr4, to->addr4, options,
			      f->options ? 4 + 4 * (f->other & 1u) : 0);
	h[1] = f->other & 0xfc;
	put16(h + 4, (uint32_t)packet_random(&g->random) & 0xffff);
	h[6] = f->other & 0x40;
	h[8] = (uint8_t)(below(g, 16) ? 64 : below(g, 3));
	return h;
}

/* Payload of a size that is often small, sometimes all that fits, rarely jumbo. */
static uint32_t build_payload(struct gen *g)
{
	const struct packet_pools *p = g->pools;
	struct packet_build *b = &g->build;
	uint32_t limit = b->size < SEGMENT_BYTES_MAX ? SEGMENT_BYTES_MAX - b->size : 0;
	uint32_t start = b->size, size, at;
	uint8_t bytes[PACKET_GEN_BYTES_MAX];

	if (chance(g, PACKET_WEIGHT_JUMBO))
		limit = PACKET_GEN_BYTES_MAX - b->size - 64;
	size = below(g, 4) ? below(g, limit < 160 ? limit + 1 : 160) : below(g, limit + 1);
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(packet_random(&g->random) >> 56);
	if (p->payload_count && below(g, 3) == 0) {
		const char *text = p->payloads[below(g, (uint32_t)p->payload_count)];
		uint32_t length = (uint32_t)strlen(text);

		if (length > 1024)
			length = 1024;
		at = size > length ? below(g, size - length + 1) : 0;
		memcpy(bytes + at, text, length);
		if (at + length > size)
			size = at + length;
	}
	packet_build_payload(b, bytes, size);
	return b->size - start;
}

/* Handshake, data both ways, the end: FIN from both or a reset. */
static void build_tcp(struct gen *g, struct flow *f, unsigned who)
{
	struct endpoint *from = &f->end[who], *to = &f->end[!who];
	unsigned left = f->steps - f->step;
	uint8_t flags = ACK, *h;
	uint32_t bytes = 0;

	if (f->step < 2)
		flags = f->step ? SYN | ACK : SYN;
	else if (left <= 3)
		flags = left == 3 && f->other < 40 ? RST : left > 1 ? FIN | ACK : ACK;
	else if (f->step > 2)
		flags = below(g, 2) ? PSH | ACK : ACK;
	h = packet_build_tcp(&g->build, from->port, to->port, flags,
			     flags & SYN ? 12 : 4 * below(g, 3));
	put32(h + 4, from->seq);
	put32(h + 8, flags & ACK ? to->seq : 0);
	if (f->step > 2 && left > 3)
		bytes = build_payload(g);
	from->seq += bytes + !!(flags & (SYN | FIN));
}

/* A query or answer of DNS shape on port 53, anything on others. */
static void build_udp(struct gen *g, struct flow *f, unsigned who)
{
	static const uint8_t query[] = {1,   0,   0,   1,   0,   0,   0,   0,   0,   0,   3,
					'w', 'w', 'w', 7,   'e', 'x', 'a', 'm', 'p', 'l', 'e',
					3,   'o', 'r', 'g', 0,   0,   1,   0,   1};
	const struct endpoint *from = &f->end[who], *to = &f->end[!who];
	uint8_t id[2];

	packet_build_udp(&g->build, from->port, to->port);
	if (f->end[1].port == 53) {
		put16(id, f->end[0].seq);
		packet_build_payload(&g->build, id, 2);
		packet_build_payload(&g->build, query, sizeof query);
		if (who) /* QR */
			g->build.bytes[g->build.size - sizeof query] |= 0x80;
	}
	build_payload(g);
}

static void build_icmp(struct gen *g, struct flow *f, unsigned who)
{
	uint8_t *h =
	    packet_build_icmp(&g->build, f->v6, f->v6 ? (who ? 129 : 128) : (who ? 0 : 8), 0);

	put16(h + 4, f->end[0].port);
	put16(h + 6, f->step / 2 + 1);
	build_payload(g);
}

/* Neighbour solicitation with the source's link address, advertisement with the target's. */
static void build_nd(struct gen *g, struct flow *f, unsigned who)
{
	uint8_t body[24] = {0};
	uint8_t *h = packet_build_icmp(&g->build, true, who ? 136 : 135, 0);

	if (who)
		h[4] = 0x60;
	memcpy(body, f->end[1].addr6, 16);
	body[16] = who ? 2 : 1;
	body[17] = 1;
	memcpy(body + 18, f->end[who].mac, 6);
	packet_build_payload(&g->build, body, sizeof body);
}

static void build_arp(struct gen *g, struct flow *f, unsigned who)
{
	const struct endpoint *from = &f->end[who], *to = &f->end[!who];
	uint8_t *h = packet_build_arp(&g->build, who ? 2 : 1);

	memcpy(h + 8, from->mac, 6);
	memcpy(h + 14, from->addr4, 4);
	if (who)
		memcpy(h + 18, to->mac, 6);
	memcpy(h + 24, to->addr4, 4);
	if (!who)
		memset(g->build.bytes, 0xff, 6);
}

/*
 * Turns the datagram just built into its first fragment, or builds a later one: only the IP header
 * and bytes, no header behind it.
 */
static void build_first_fragment(struct gen *g, struct flow *f, uint8_t *ip)
{
	f->fragment_id = (uint32_t)packet_random(&g->random);
	if (f->v6) {
		uint8_t *h = packet_build_extension(&g->build, PACKET_FRAGMENT, 8);

		h[3] = 1;
		put32(h + 4, f->fragment_id);
		return;
	}
	put16(ip + 4, f->fragment_id);
	ip[6] = 0x20;
}

static void build_later_fragment(struct gen *g, struct flow *f, uint8_t *ip)
{
	bool more = below(g, 2);

	if (f->v6) {
		uint8_t *h = packet_build_extension(&g->build, PACKET_FRAGMENT, 8);

		put16(h + 2, f->fragment_at | more);
		put32(h + 4, f->fragment_id);
	} else {
		put16(ip + 4, f->fragment_id);
		put16(ip + 6, f->fragment_at / 8 | (more ? 0x2000 : 0));
	}
	packet_build_next(&g->build, 17);
	build_payload(g);
	f->fragment_at = more ? f->fragment_at + 1024 : 0;
}

/* Fragments need payloads of whole 8-byte units; the first one is cut to that. */
static void trim_fragment(struct gen *g, const struct flow *f)
{
	struct packet_build *b = &g->build;
	uint32_t l4 = b->layers[b->layer_count - 1].offset;

	b->size = l4 + (b->size - l4) / 8 * 8;
}

static void build_transport(struct gen *g, struct flow *f, unsigned who)
{
	switch (f->kind) {
	case PACKET_WEIGHT_TCP:
		build_tcp(g, f, who);
		break;
	case PACKET_WEIGHT_UDP:
		build_udp(g, f, who);
		break;
	case PACKET_WEIGHT_ICMP:
		build_icmp(g, f, who);
		break;
	case PACKET_WEIGHT_ND:
		build_nd(g, f, who);
		break;
	default:
		packet_build_next(&g->build, f->other);
		build_payload(g);
		break;
	}
}

/* The next packet of a flow into g->build; returns the end that sends it. */
static const struct endpoint *build_packet(struct gen *g, struct flow *f)
{
	/* The opener sends two out of three once both have spoken. */
	unsigned who = f->step < 3                    ? f->step & 1
		       : f->kind == PACKET_WEIGHT_TCP ? !below(g, 3)
						      : f->step & 1;
	bool later = f->fragment_at != 0;
	uint8_t *ip;

	if (later)
		who = f->fragment_from;
	packet_build_start(&g->build);
	build_around(g, f, &f->end[who], &f->end[!who]);
	if (f->kind == PACKET_WEIGHT_ARP) {
		build_arp(g, f, who);
	} else {
		ip = build_ip(g, f, &f->end[who], &f->end[!who]);
		if (later) {
			build_later_fragment(g, f, ip);
		} else {
			if (f->fragments)
				build_first_fragment(g, f, ip);
			build_transport(g, f, who);
		}
	}
	packet_build_finish(&g->build);
	if (f->fragments && !later) {
		f->fragment_from = who;
		f->fragment_at = 1024;
		trim_fragment(g, f);
	}
	return &f->end[who];
}

/* The next of the frames in turn into g->build, from who opened the flow; returns its interface. */
static uint32_t build_frame(struct gen *g, const struct flow *f)
{
	const struct endpoint *a = &f->end[0], *b = &f->end[1];
	const struct packet_frame_ends ends = {.mac = {a->mac, b->mac},
					       .addr4 = {a->addr4, b->addr4},
					       .addr6 = {a->addr6, b->addr6},
					       .port = {a->port, b->port},
					       .seq = {a->seq, b->seq}};
	size_t index = (f->frame + f->step) % g->pools->frame_count;
	const struct packet_frame *frame = &g->pools->frames[index];

	packet_frame_build(frame, &g->build, &ends, &g->random);
	return frame->ifindex ? frame->ifindex : a->ifindex;
}

/* Wrong lengths where parsers look for them, or a few bytes changed anywhere. */
static void damage(struct gen *g)
{
	struct packet_build *b = &g->build;
	const struct packet_layer *layer = &b->layers[below(g, b->layer_count)];
	uint8_t *h = b->bytes + layer->offset;
	uint8_t noise = (uint8_t)(packet_random(&g->random) >> 56);

	switch (below(g, 4)) {
	case 0: /* the byte with the header's length or version */
		h[layer->proto == PACKET_TCP ? 12 : layer->proto == PACKET_IPV4 ? 0 : 1] = noise;
		break;
	case 1: /* total or payload length */
		h[layer->proto == PACKET_IPV4 ? 2 + (noise & 1) : 4 + (noise & 1)] = noise;
		break;
	case 2: /* the next protocol */
		h[layer->proto == PACKET_IPV4 ? 9 : layer->proto == PACKET_ETH ? 13 : 3] = noise;
		break;
	default:
		for (unsigned i = 0; i < 4; i++)
			b->bytes[below(g, b->size)] ^= (uint8_t)(packet_random(&g->random) >> 56);
		break;
	}
}

static uint64_t draw_pause_ns(struct gen *g)
{
	uint32_t kind = below(g, 256);

	if (kind == 0) /* past the timeouts that firewalls use */
		return (uint64_t)(1 + below(g, 400)) * 1000000000;
	if (kind < 4)
		return (uint64_t)(1 + below(g, 2000)) * 1000000;
	return 1000 + below(g, 1000000);
}

static void emit(struct gen *g, struct packet_list *list)
{
	struct flow *f = &g->flows[below(g, g->pools->flows)];
	struct packet_build *b = &g->build;
	uint32_t ifindex;

	if (f->kind == PACKET_WEIGHT_FRAME)
		ifindex = build_frame(g, f);
	else
		ifindex = build_packet(g, f)->ifindex;

	if (chance(g, PACKET_WEIGHT_MALFORMED))
		damage(g);
	if (b->size > PACKET_GEN_BYTES_MAX)
		b->size = PACKET_GEN_BYTES_MAX;
	if (chance(g, PACKET_WEIGHT_TRUNCATED)) {
		/* mostly inside the headers, where a length check matters */
		uint32_t limit = b->size > 128 && below(g, 8) ? 128 : b->size;

		b->size = PACKET_GEN_BYTES_MIN + below(g, limit - PACKET_GEN_BYTES_MIN + 1);
	}
	g->time_ns += draw_pause_ns(g);
	packet_list_add(list, b->bytes, b->size, ifindex, g->time_ns);
	if (++f->step >= f->steps)
		start_flow(g, f);
}

void packet_gen_fill(struct packet_list *list, const struct packet_pools *pools, uint64_t seed,
		     size_t count)
{
	struct gen *g = calloc(1, sizeof *g);

	assert(g);
	g->pools = pools;
	g->random = packet_random_seed(seed);
	g->time_ns = (uint64_t)TIME_START_NS * 1000;
	for (unsigned i = 0; i < pools->flows; i++)
		start_flow(g, &g->flows[i]);
	for (size_t i = 0; i < count; i++)
		emit(g, list);
	free(g);
}
