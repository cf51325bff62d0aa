// EXPECT layers: kernel
// EVERY --cuts 10 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/29"], "daddr4": ["198.51.100.1", "198.51.100.9"],
// GEN "saddr6": ["2001:db8:1::/125"], "daddr6": ["2001:db8:ff::1"], "dports": [443, 80],
// GEN "flows": 24, "frames": [
// GEN ["eth", "ipv4 - 198.51.100.1", "udp - 443", "hex c00000000108000b01????????????08"],
// GEN ["eth", "ipv4 - 198.51.100.1", "udp - 443", "hex 40000201????????????"],
// GEN ["eth", "ipv4 - 198.51.100.1", "udp - 443", "hex 40000301????????????"],
// GEN ["eth", "ipv6 - 2001:db8:ff::1", "udp - 443", "hex e00000000108000102????????????08"],
// GEN ["eth", "ipv6 - 2001:db8:ff::1", "udp - 443", "hex 4000ff02????????????????"],
// GEN ["eth", "ipv4 - 198.51.100.1", "tcp - 443 2"],
// GEN ["eth", "ipv6 - 2001:db8:ff::1", "tcp - 443 16"]]}
// MAPS {"vips": [
// MAPS {"key": {"addr": "::ffff:198.51.100.1", "port": 443, "proto": 17},
// MAPS "value": {"ring": 0, "quic": 1}},
// MAPS {"key": {"addr": "::ffff:198.51.100.1", "port": 443, "proto": 6}, "value": {"ring": 0}},
// MAPS {"key": {"addr": "2001:db8:ff::1", "port": 443, "proto": 17},
// MAPS "value": {"ring": 1, "quic": 1}},
// MAPS {"key": {"addr": "2001:db8:ff::1", "port": 443, "proto": 6}, "value": {"ring": 1}}],
// MAPS "reals": [{"key": 1, "value": {"addr": "::ffff:10.1.0.1", "mac": "02:00:00:00:01:01"}},
// MAPS {"key": 2, "value": {"addr": "::ffff:10.1.0.2", "mac": "02:00:00:00:01:02"}},
// MAPS {"key": 3, "value": {"addr": "2001:db8:a::3", "mac": "02:00:00:00:01:03"}}],
// MAPS "server_ids": [{"key": 513, "value": 2}, {"key": 11, "value": 1}, {"key": 1, "value": 3}],
// MAPS "rings": [{"key": 0, "value": 1}, {"key": 1, "value": 2}, {"key": 2, "value": 1},
// MAPS {"key": 3, "value": 2}, {"key": 4, "value": 2}, {"key": 5, "value": 1},
// MAPS {"key": 6, "value": 9},
// MAPS {"key": 7, "value": 3}, {"key": 8, "value": 3}, {"key": 9, "value": 1},
// MAPS {"key": 10, "value": 3}, {"key": 11, "value": 2}, {"key": 12, "value": 1},
// MAPS {"key": 13, "value": 3}]}
/*
 * A layer 4 load balancer: Maglev rings (Eisenbud et al., NSDI 2016) chosen by the flow's hash,
 * with what a flow got remembered. QUIC flows move between addresses, so they go where the server
 * id in their connection id says (draft-ietf-quic-load-balancers); a first packet, whose connection
 * id is the client's choice, goes by the ring. Packets leave in an IP tunnel of the real server's
 * family.
 */
#include "net.h"

enum { RING = 7, RINGS = 8, QUIC_PORT = 443 };

struct vip_key {
	__u32 addr[4];
	__u16 port, proto;
};

struct vip {
	__u32 ring;
	__u32 quic;
};

struct real {
	__u32 addr[4];
	__u8 mac[6];
	__u16 pad;
};

struct flow {
	__u32 saddr[4], daddr[4];
	__u16 sport, dport;
	__u16 proto, pad;
};

struct seen {
	__u32 real;
	__u32 packets;
};

const volatile __be32 own4 = __builtin_bswap32(0xc6336401);
const volatile __u32 own6[4] = {0xb80d0120, 0, 0, 0x02000000};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct vip_key);
	__type(value, struct vip);
} vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RING *RINGS);
	__type(key, __u32);
	__type(value, __u32);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct real);
} reals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} server_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct flow);
	__type(value, struct seen);
} flows SEC(".maps");

/* Real server by the connection id; 0 when it says nothing. */
static __always_inline __u32 find_by_connection(__u8 *quic, void *data_end)
{
	__u32 id, *real;
	__u8 *cid = quic + 1, type;

	if ((void *)(quic + 1) > data_end)
		return 0;
	if (quic[0] & 0x80) { /* long header: version, length of the id */
		type = quic[0] >> 4 & 3;
		if ((void *)(quic + 6) > data_end || type == 0 || type == 1)
			return 0; /* Initial and 0-RTT: the client chose it */
		if (quic[5] < 4)
			return 0;
		cid = quic + 6;
	}
	if ((void *)(cid + 3) > data_end || cid[0] >> 6 == 3)
		return 0;
	id = cid[1] << 8 | cid[2];
	real = bpf_map_lookup_elem(&server_ids, &id);
	return real ? *real : 0;
}

static __always_inline __u32 find_by_ring(const struct flow *flow, __u32 ring)
{
	__u32 hash = hash_words(flow, sizeof *flow / 4, 0x6d61676c);
	__u32 slot = ring * RING + hash % RING, *real;

	real = bpf_map_lookup_elem(&rings, &slot);
	return real ? *real : 0;
}

static __always_inline __u32 choose(const struct flow *flow, const struct vip *vip, __u8 *payload,
				    void *data_end)
{
	struct seen *seen, first = {.packets = 1};
	__u32 real = 0;

	if (vip->quic)
		real = find_by_connection(payload, data_end);
	if (real)
		return real;
	seen = bpf_map_lookup_elem(&flows, flow);
	if (seen) {
		seen->packets++;
		return seen->real;
	}
	first.real = find_by_ring(flow, vip->ring);
	bpf_map_update_elem(&flows, flow, &first, BPF_ANY);
	return first.real;
}

/* In front of the packet: Ethernet and an IP header of the real server's family. */
static __always_inline int tunnel(struct xdp_md *ctx, const struct real *real, bool inner6,
				  __u32 hash, const struct ethhdr *was)
{
	bool outer6 = real->addr[2] != bpf_htonl(0xffff);
	int room = outer6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	struct ethhdr *eth, old = *was;
	__u32 bytes;
	void *data, *data_end;

	if (bpf_xdp_adjust_head(ctx, -room))
		return XDP_ABORTED;
	data = DATA(ctx);
	data_end = DATA_END(ctx);
	eth = data;
	bytes = data_end - data - sizeof *eth;
	if (outer6) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end)
			return XDP_ABORTED;
		*ip6 = (struct ipv6hdr){.version = 6,
					.payload_len = bpf_htons(bytes - sizeof *ip6),
					.nexthdr = inner6 ? IPPROTO_IPV6 : IPPROTO_IPIP,
					.hop_limit = 64};
		ip6->flow_lbl[1] = hash >> 8;
		ip6->flow_lbl[2] = hash;
		for (int i = 0; i < 4; i++) {
			ip6->saddr.in6_u.u6_addr32[i] = own6[i];
			ip6->daddr.in6_u.u6_addr32[i] = real->addr[i];
		}
	} else {
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end)
			return XDP_ABORTED;
		*ip4 = (struct iphdr){.version = 4,
				      .ihl = 5,
				      .tot_len = bpf_htons(bytes),
				      .id = hash,
				      .ttl = 64,
				      .protocol = inner6 ? IPPROTO_IPV6 : IPPROTO_IPIP,
				      .saddr = own4,
				      .daddr = real->addr[3]};
		ip4_set_check(ip4);
	}
	mac_copy(eth->h_dest, real->mac);
	mac_copy(eth->h_source, old.h_dest);
	eth->h_proto = outer6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	return XDP_TX;
}

SEC("xdp")
int maglev_quic(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct flow flow = {};
	struct vip_key key = {};
	struct vip *vip;
	struct real *real;
	struct udphdr *l4;
	bool inner6 = false;
	__u32 index;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end || ip4->ihl != 5 || is_fragment(ip4))
			return XDP_PASS;
		flow.saddr[2] = flow.daddr[2] = bpf_htonl(0xffff);
		flow.saddr[3] = ip4->saddr;
		flow.daddr[3] = ip4->daddr;
		flow.proto = ip4->protocol;
		l4 = (void *)(ip4 + 1);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end)
			return XDP_PASS;
		__builtin_memcpy(flow.saddr, &ip6->saddr, 32);
		flow.proto = ip6->nexthdr;
		l4 = (void *)(ip6 + 1);
		inner6 = true;
	} else {
		return XDP_PASS;
	}
	if ((flow.proto != IPPROTO_TCP && flow.proto != IPPROTO_UDP) || (void *)(l4 + 1) > data_end)
		return XDP_PASS;
	flow.sport = bpf_ntohs(l4->source);
	flow.dport = bpf_ntohs(l4->dest);
	__builtin_memcpy(key.addr, flow.daddr, 16);
	key.port = flow.dport;
	key.proto = flow.proto;
	vip = bpf_map_lookup_elem(&vips, &key);
	if (!vip)
		return XDP_PASS;
	index = choose(&flow, vip, (void *)(l4 + 1), data_end);
	real = index ? bpf_map_lookup_elem(&reals, &index) : NULL;
	if (!real || !real->addr[3])
		return XDP_DROP;
	return tunnel(ctx, real, inner6, hash_words(flow.saddr, 4, flow.sport), eth);
}

char _license[] SEC("license") = "Dual BSD/GPL";
