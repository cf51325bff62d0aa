// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"flows": 12, "weights": {"icmp": 80, "ipv6": 50, "fragments": 5},
// GEN "daddr4": ["192.0.2.1", "192.0.2.2"], "daddr6": ["2001:db8::1", "2001:db8::2"]}
// MAPS {"own": [{"key": "::ffff:192.0.2.1", "value": 3}, {"key": "2001:db8::1", "value": 1000}]}
/*
 * Answers echo requests to its own addresses, ICMP and ICMPv6, a limited number for each.
 */
#include "net.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct in6_addr);
	__type(value, __u32); /* answers left */
} own SEC(".maps");

static __always_inline bool may_answer(const struct in6_addr *address)
{
	__u32 *left = bpf_map_lookup_elem(&own, address);

	if (!left || !*left)
		return false;
	--*left;
	return true;
}

static __always_inline int answer4(struct ethhdr *eth, void *data_end)
{
	struct iphdr *ip4 = (void *)(eth + 1);
	struct icmphdr *icmp = (void *)(ip4 + 1);
	struct in6_addr address = {};
	__be32 from;

	if ((void *)(icmp + 1) > data_end || ip4->ihl != 5 || is_fragment(ip4) ||
	    ip4->protocol != IPPROTO_ICMP || icmp->type != ICMP_ECHO)
		return XDP_PASS;
	address.in6_u.u6_addr32[2] = bpf_htonl(0xffff);
	address.in6_u.u6_addr32[3] = ip4->daddr;
	if (!may_answer(&address))
		return XDP_DROP;
	eth_swap(eth);
	from = ip4->saddr;
	ip4->saddr = ip4->daddr;
	ip4->daddr = from;
	csum_replace2(&ip4->check, bpf_htons(ip4->ttl << 8), bpf_htons(64 << 8));
	ip4->ttl = 64;
	icmp->type = ICMP_ECHOREPLY;
	csum_replace2(&icmp->checksum, bpf_htons(ICMP_ECHO << 8), 0);
	return XDP_TX;
}

static __always_inline int answer6(struct ethhdr *eth, void *data_end)
{
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct icmp6hdr *icmp = (void *)(ip6 + 1);
	struct in6_addr address;

	if ((void *)(icmp + 1) > data_end || ip6->nexthdr != IPPROTO_ICMPV6 ||
	    icmp->icmp6_type != ICMPV6_ECHO_REQUEST)
		return XDP_PASS;
	address = ip6->daddr;
	if (!may_answer(&address))
		return XDP_DROP;
	eth_swap(eth);
	ip6->daddr = ip6->saddr;
	ip6->saddr = address;
	ip6->hop_limit = 64;
	icmp->icmp6_type = ICMPV6_ECHO_REPLY;
	csum_replace2(&icmp->icmp6_cksum, bpf_htons(ICMPV6_ECHO_REQUEST << 8),
		      bpf_htons(ICMPV6_ECHO_REPLY << 8));
	return XDP_TX;
}

SEC("xdp")
int icmp_echo(struct xdp_md *ctx)
{
	struct ethhdr *eth = DATA(ctx);
	void *data_end = DATA_END(ctx);

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return answer4(eth, data_end);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return answer6(eth, data_end);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
