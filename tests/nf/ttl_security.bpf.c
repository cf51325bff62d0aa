// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/30"], "dports": [179, 80, 646], "flows": 12,
// GEN "weights": {"tcp": 70}, "frames": [["eth", "ipv4 10.0.0.1", "set 8 ff", "tcp - 179"],
// GEN ["eth", "ipv4 10.0.0.1", "tcp - 179"], ["eth", "ipv6 2001:db8::7", "set 7 fe",
// GEN "tcp 179 40000"], ["eth", "ipv4 10.0.0.2", "set 8 fc", "udp - 3784"]]}
// MAPS {"peers": [{"key": "::ffff:10.0.0.1", "value": {"hops": 1}},
// MAPS {"key": "::ffff:10.0.0.2", "value": {"hops": 5}},
// MAPS {"key": "2001:db8::7", "value": {"hops": 2}}]}
/*
 * The generalised TTL security mechanism (RFC 5082): routing protocols are only taken from peers
 * that are as near as configured, which a packet from farther away cannot fake.
 */
#include "net.h"

struct peer {
	__u32 hops;
	__u32 dropped;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct in6_addr);
	__type(value, struct peer);
} peers SEC(".maps");

static __always_inline bool is_routing(const struct udphdr *ports, __u8 proto)
{
	__u16 to = bpf_ntohs(ports->dest), from = bpf_ntohs(ports->source);

	if (proto == IPPROTO_TCP) /* BGP, LDP */
		return to == 179 || from == 179 || to == 646 || from == 646;
	return proto == IPPROTO_UDP && (to == 646 || to == 3784 || to == 3785); /* LDP, BFD */
}

SEC("xdp")
int ttl_security(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *l4;
	struct ethhdr *eth = data;
	struct in6_addr from = {};
	struct peer *peer;
	__u8 proto, ttl;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end || ip4->ihl < 5)
			return XDP_PASS;
		from.in6_u.u6_addr32[2] = bpf_htonl(0xffff);
		from.in6_u.u6_addr32[3] = ip4->saddr;
		proto = ip4->protocol;
		ttl = ip4->ttl;
		l4 = (void *)ip4 + ip4->ihl * 4;
		if (ip4->frag_off & bpf_htons(IP_OFFSET)) {
			/* Fragments have no ports: all of a configured peer's are suspect. */
			peer = bpf_map_lookup_elem(&peers, &from);
			return peer && ttl < 256 - peer->hops ? XDP_DROP : XDP_PASS;
		}
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end)
			return XDP_PASS;
		from = ip6->saddr;
		proto = ip6->nexthdr;
		ttl = ip6->hop_limit;
		l4 = ip6 + 1;
	} else {
		return XDP_PASS;
	}
	if (l4 + sizeof(struct udphdr) > data_end || !is_routing(l4, proto))
		return XDP_PASS;
	peer = bpf_map_lookup_elem(&peers, &from);
	if (!peer)
		return XDP_DROP;
	if (ttl >= 256 - peer->hops)
		return XDP_PASS;
	__sync_fetch_and_add(&peer->dropped, 1);
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
