// EXPECT layers: kernel
// EVERY --cuts 10 --packets 200: short
// GEN {"saddr4": ["100.64.0.0/29"], "daddr4": ["198.51.100.7", "192.0.2.9"],
// GEN "sports": ["1024-1027"], "dports": [53, 443], "ifindexes": [1], "flows": 16,
// GEN "weights": {"ipv6": 5}, "frames": [
// GEN ["in 1", "eth", "ipv4 100.64.0.0/30 198.51.100.7", "udp 4000-4001 53", "random 0-20"],
// GEN ["in 2", "eth", "ipv4 198.51.100.7 203.0.113.0/31", "udp 53 1024-1029", "random 0-20"],
// GEN ["in 1", "eth", "ipv4 100.64.0.0/31 192.0.2.9", "tcp 5000 443 2"],
// GEN ["in 2", "eth", "ipv4 192.0.2.77 203.0.113.0/31", "tcp 443 1024-1029 18"],
// GEN ["in 1", "eth", "ipv4 100.64.0.1 192.0.2.9", "icmp 8", "set 4 0001"],
// GEN ["in 2", "eth", "ipv4 192.0.2.9 203.0.113.1", "icmp 0", "set 4 0400"],
// GEN ["in 2", "eth", "ipv4 192.0.2.1 203.0.113.0/31", "icmp 3 1",
// GEN "ipv4 203.0.113.0/31 198.51.100.7", "udp 1024-1029 53"]]}
// MAPS {"subscribers": [
// MAPS {"key": "100.64.0.0", "value": {"public": "203.0.113.0", "first": 1024, "count": 4}},
// MAPS {"key": "100.64.0.1", "value": {"public": "203.0.113.1", "first": 1024, "count": 8}},
// MAPS {"key": "100.64.0.2", "value": {"public": "203.0.113.0", "first": 1032, "count": 1}}]}
/*
 * Carrier grade NAT44 (RFC 6888) with a block of ports for each subscriber, assigned beforehand, so
 * that nothing has to be logged. Mapping and filtering are endpoint independent ("full cone", RFC
 * 4787): whoever outside sends to a mapped port reaches the subscriber. Inside is interface 1.
 */
#include "net.h"

enum { INSIDE = 1, PROBES = 4 };

struct endpoint {
	__be32 addr;
	__be16 port; /* or the ICMP query's identifier */
	__u16 proto;
};

struct subscriber {
	__be32 public;
	__u16 first, count;
	__u32 next;
	__u32 refused;
};

struct mapping {
	struct endpoint other;
	__u64 used_ns;
};

const volatile __u64 idle_ns = 300000000000ULL;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct subscriber);
} subscribers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct endpoint);
	__type(value, struct mapping);
} outbound SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct endpoint);
	__type(value, struct mapping);
} inbound SEC(".maps");

/* Where a packet's mapped address and port stand, and its transport checksum. */
struct place {
	__be32 *addr;
	__be16 *port;
	__u16 *check;
	bool pseudo; /* the checksum covers the address too */
	__u16 proto;
};

static __always_inline bool find_transport(struct iphdr *ip4, void *data_end, bool source,
					   struct place *place)
{
	void *l4 = (void *)(ip4 + 1);

	place->addr = source ? &ip4->saddr : &ip4->daddr;
	place->proto = ip4->protocol;
	place->pseudo = true;
	if (ip4->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = l4;

		if ((void *)(tcp + 1) > data_end)
			return false;
		place->port = source ? &tcp->source : &tcp->dest;
		place->check = &tcp->check;
	} else if (ip4->protocol == IPPROTO_UDP) {
		struct udphdr *udp = l4;

		if ((void *)(udp + 1) > data_end)
			return false;
		place->port = source ? &udp->source : &udp->dest;
		place->check = &udp->check;
	} else if (ip4->protocol == IPPROTO_ICMP) {
		struct icmphdr *icmp = l4;

		if ((void *)(icmp + 1) > data_end ||
		    icmp->type != (source ? ICMP_ECHO : ICMP_ECHOREPLY))
			return false;
		place->port = &icmp->un.echo.id;
		place->check = &icmp->checksum;
		place->pseudo = false;
	} else {
		return false;
	}
	return true;
}

static __always_inline void rewrite(struct iphdr *ip4, const struct place *place, __be32 addr,
				    __be16 port)
{
	__u16 check = *place->check;

	/* A UDP checksum of 0 says that there is none. */
	if (check || place->proto != IPPROTO_UDP) {
		if (place->pseudo)
			csum_replace4(&check, *place->addr, addr);
		csum_replace2(&check, *place->port, port);
		if (!check && place->proto == IPPROTO_UDP)
			check = 0xffff;
		*place->check = check;
	}
	csum_replace4(&ip4->check, *place->addr, addr);
	*place->addr = addr;
	*place->port = port;
	ip4_decrease_ttl(ip4);
}

/* A free port of the subscriber's block, or an idle one; both directions are entered. */
static __always_inline struct mapping *new_mapping(const struct endpoint *inside, __u64 now)
{
	struct subscriber *s = bpf_map_lookup_elem(&subscribers, &inside->addr);
	struct mapping out = {.used_ns = now}, in = {.other = *inside, .used_ns = now};

	if (!s || !s->count)
		return NULL;
	for (int i = 0; i < PROBES; i++) {
		__u32 n = __sync_fetch_and_add(&s->next, 1) % s->count;
		struct mapping *taken;

		out.other = (struct endpoint){s->public, bpf_htons(s->first + n), inside->proto};
		taken = bpf_map_lookup_elem(&inbound, &out.other);
		if (taken && now - taken->used_ns < idle_ns)
			continue;
		if (taken)
			bpf_map_delete_elem(&outbound, &taken->other);
		if (bpf_map_update_elem(&inbound, &out.other, &in, BPF_ANY) ||
		    bpf_map_update_elem(&outbound, inside, &out, BPF_ANY))
			return NULL;
		return bpf_map_lookup_elem(&outbound, inside);
	}
	__sync_fetch_and_add(&s->refused, 1);
	return NULL;
}

static __always_inline int translate_out(struct iphdr *ip4, void *data_end)
{
	struct endpoint inside = {};
	struct mapping *m, *back;
	struct place place = {};
	__u64 now;

	if (!find_transport(ip4, data_end, true, &place))
		return XDP_PASS;
	inside.addr = *place.addr;
	inside.port = *place.port;
	inside.proto = place.proto;
	now = bpf_ktime_get_ns();
	m = bpf_map_lookup_elem(&outbound, &inside);
	if (!m)
		m = new_mapping(&inside, now);
	if (!m)
		return XDP_DROP;
	m->used_ns = now;
	back = bpf_map_lookup_elem(&inbound, &m->other);
	if (back)
		back->used_ns = now;
	rewrite(ip4, &place, m->other.addr, m->other.port);
	return XDP_TX;
}

/*
 * An error about a packet of ours: the packet inside has the public address as its source. Changes
 * of the inner addresses cancel out in the ICMP checksum with those of the inner header's.
 */
static __always_inline int translate_error(struct iphdr *ip4, void *data_end)
{
	struct icmphdr *icmp = (void *)(ip4 + 1);
	struct iphdr *inner = (void *)(icmp + 1);
	struct udphdr *ports = (void *)(inner + 1);
	struct endpoint outside = {};
	struct mapping *m;

	if ((void *)(ports + 1) > data_end || inner->ihl != 5 ||
	    (inner->protocol != IPPROTO_UDP && inner->protocol != IPPROTO_TCP))
		return XDP_PASS;
	outside.addr = inner->saddr;
	outside.port = ports->source;
	outside.proto = inner->protocol;
	m = bpf_map_lookup_elem(&inbound, &outside);
	if (!m)
		return XDP_DROP;
	csum_replace4(&inner->check, inner->saddr, m->other.addr);
	csum_replace2(&icmp->checksum, ports->source, m->other.port);
	inner->saddr = m->other.addr;
	ports->source = m->other.port;
	csum_replace4(&ip4->check, ip4->daddr, m->other.addr);
	ip4->daddr = m->other.addr;
	ip4_decrease_ttl(ip4);
	return XDP_TX;
}

static __always_inline int translate_in(struct iphdr *ip4, void *data_end)
{
	struct endpoint outside = {};
	struct icmphdr *icmp = (void *)(ip4 + 1);
	struct place place = {};
	struct mapping *m;

	if (ip4->protocol == IPPROTO_ICMP && (void *)(icmp + 1) <= data_end &&
	    (icmp->type == ICMP_DEST_UNREACH || icmp->type == ICMP_TIME_EXCEEDED))
		return translate_error(ip4, data_end);
	if (!find_transport(ip4, data_end, false, &place))
		return XDP_PASS;
	outside.addr = *place.addr;
	outside.port = *place.port;
	outside.proto = place.proto;
	m = bpf_map_lookup_elem(&inbound, &outside);
	if (!m)
		return XDP_DROP;
	m->used_ns = bpf_ktime_get_ns();
	rewrite(ip4, &place, m->other.addr, m->other.port);
	return XDP_TX;
}

SEC("xdp")
int cgnat44(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);

	if (!ip4 || ip4->ihl != 5 || is_fragment(ip4))
		return XDP_PASS;
	if (ip4->ttl <= 1)
		return XDP_DROP;
	return ctx->ingress_ifindex == INSIDE ? translate_out(ip4, data_end)
					      : translate_in(ip4, data_end);
}

char _license[] SEC("license") = "Dual BSD/GPL";
