// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/31"], "daddr4": ["192.0.2.1"], "flows": 8, "frames": [ ["eth",
// GEN "ipv4", "next 50", "hex 00000101000000??", "random 40"], ["eth", "ipv4", "next 51",
// GEN "hex 320400000000020200000003", "random 12", "hex 0000010100000001"], ["eth", "ipv6",
// GEN "next 51", "hex 06040000000002020000000?", "random 12", "tcp"], ["eth", "ipv4",
// GEN "udp - 4500", "hex 00000101000000??", "random 40"], ["eth", "ipv4", "udp - 4500",
// GEN "hex 00000000", "random 28"], ["eth", "ipv4", "udp - 4500", "hex ff"], ["eth", "ipv6",
// GEN "next 50", "hex 00000999", "random 20"]]}
// MAPS {"associations": [{"key": {"spi": 257, "proto": 50}, "value": {"window": 64}},
// MAPS {"key": {"spi": 514, "proto": 51}, "value": {"window": 8}}]}
/*
 * Lets IPsec through (RFC 4302, 4303, 3948) only for security associations that are known: ESP, AH
 * and ESP in UDP, with the anti-replay window of each association looked at before the gateway has
 * to decrypt anything. Keep-alives are swallowed, IKE passes.
 */
#include "net.h"

struct association_key {
	__u32 spi;
	__u32 proto;
};

struct association {
	__u64 bitmap;
	__u32 highest, window;
	__u32 passed, replayed;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct association_key);
	__type(value, struct association);
} associations SEC(".maps");

/* RFC 4303, 3.4.3, without the check of the ICV, which comes later. */
static __always_inline bool is_fresh(struct association *a, __u32 sequence)
{
	__u32 behind;

	if (!sequence)
		return false;
	if (sequence > a->highest) {
		__u32 ahead = sequence - a->highest;

		a->bitmap = ahead < 64 ? a->bitmap << ahead | 1 : 1;
		a->highest = sequence;
		return true;
	}
	behind = a->highest - sequence;
	if (behind >= a->window || behind >= 64 || a->bitmap >> behind & 1)
		return false;
	a->bitmap |= 1ULL << behind;
	return true;
}

static __always_inline int judge(void *at, void *data_end, __u32 proto)
{
	struct association_key key = {.proto = proto};
	__be32 *word = at + (proto == IPPROTO_AH ? 4 : 0);
	struct association *a;

	if ((void *)(word + 2) > data_end)
		return XDP_DROP;
	key.spi = bpf_ntohl(word[0]);
	a = bpf_map_lookup_elem(&associations, &key);
	if (!a)
		return XDP_DROP;
	if (!is_fresh(a, bpf_ntohl(word[1]))) {
		a->replayed++;
		return XDP_DROP;
	}
	a->passed++;
	return XDP_PASS;
}

static __always_inline int judge_udp(struct udphdr *udp, void *data_end)
{
	__be32 *marker = (void *)(udp + 1);

	if ((void *)(udp + 1) > data_end || udp->dest != bpf_htons(4500))
		return XDP_PASS;
	if (udp->len == bpf_htons(sizeof *udp + 1))
		return XDP_DROP;
	if ((void *)(marker + 1) > data_end)
		return XDP_DROP;
	return *marker ? judge(marker, data_end, IPPROTO_ESP) : XDP_PASS;
}

SEC("xdp")
int ipsec_filter(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *l4;
	struct ethhdr *eth = data;
	__u8 proto;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end || ip4->ihl < 5 ||
		    (ip4->frag_off & bpf_htons(IP_OFFSET)))
			return XDP_PASS;
		proto = ip4->protocol;
		l4 = (void *)ip4 + ip4->ihl * 4;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end)
			return XDP_PASS;
		proto = ip6->nexthdr;
		l4 = ip6 + 1;
	} else {
		return XDP_PASS;
	}
	if (proto == IPPROTO_ESP || proto == IPPROTO_AH)
		return judge(l4, data_end, proto);
	return proto == IPPROTO_UDP ? judge_udp(l4, data_end) : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
