// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"ifindexes": [1, 2], "flows": 10, "weights": {"ipv6": 90, "nd": 20, "extensions": 40},
// GEN "frames": [ ["in 1", "eth", "ipv6 fe80::1 ff02::1", "set 7 ff", "icmpv6 134",
// GEN "hex 0000000000000000", "hex 030440c0000151800000007800000000",
// GEN "hex 20010db8000100000000000000000000"], ["in 2", "eth", "ipv6 fe80::1 ff02::1",
// GEN "set 7 ff", "icmpv6 134", "hex 0000000000000000", "hex 030440c0000151800000007800000000",
// GEN "hex 20010db8000100000000000000000000"], ["in 2", "eth", "ipv6 fe80::1 ff02::1",
// GEN "set 7 ff", "icmpv6 134", "hex 0000000000000000", "hex 030440c0000151800000007800000000",
// GEN "hex 20010db8000200000000000000000000"], ["in 1", "eth", "ipv6 fe80::1 ff02::1",
// GEN "next 60", "hex 3a00010400000000", "icmpv6 134"], ["in 1", "eth", "ipv6 fe80::1 ff02::1",
// GEN "next 0", "hex 2c00010400000000", "hex 3a00000100000007", "icmpv6 134"], ["in 2", "eth",
// GEN "ipv6 2001:db8::1 ff02::1", "set 7 ff", "icmpv6 134", "random 24"], ["in 2", "eth",
// GEN "ipv6 fe80::1 ff02::1", "icmpv6 134", "random 24"]]}
// MAPS {"router_ports": [{"key": 2, "value": 1}],
// MAPS "prefixes": [{"key": {"prefix": "2001:db8:1::/48"}, "value": 1}]}
/*
 * RA guard (RFC 6105, 7113): router advertisements and redirects are taken from router ports only,
 * and from those with allowed prefixes only. Extension headers are walked as far as they go; a
 * first fragment without its upper layer is dropped, so that nothing hides behind it.
 */
#include "net.h"

enum { ND_ROUTER_ADVERT = 134, ND_REDIRECT = 137, OPTION_PREFIX = 3, EXTENSIONS_MAX = 4 };
enum { OPTIONS_MAX = 4 };

struct prefix_option {
	__u8 type, length, prefix_length, flags;
	__be32 valid, preferred, reserved;
	struct in6_addr prefix;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} router_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix6);
	__type(value, __u32);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, struct in6_addr);
	__type(value, __u64);
} offenders SEC(".maps");

static __always_inline int refuse(const struct in6_addr *from)
{
	struct in6_addr key = *from;
	__u64 *times = bpf_map_lookup_elem(&offenders, &key), one = 1;

	if (times)
		__sync_fetch_and_add(times, 1);
	else
		bpf_map_update_elem(&offenders, &key, &one, BPF_ANY);
	return XDP_DROP;
}

static __always_inline bool has_good_prefixes(void *at, void *data_end)
{
	for (int i = 0; i < OPTIONS_MAX; i++) {
		struct prefix_option *option = at;
		struct prefix6 key = {};

		if (at + 2 > data_end)
			return true;
		if (!option->length)
			return false;
		if (option->type == OPTION_PREFIX) {
			if ((void *)(option + 1) > data_end || option->prefix_length > 128)
				return false;
			key.length = option->prefix_length;
			__builtin_memcpy(key.addr, &option->prefix, 16);
			if (!bpf_map_lookup_elem(&prefixes, &key))
				return false;
		}
		at += option->length * 8;
	}
	return true;
}

SEC("xdp")
int ra_guard(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *at;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	__u32 port = ctx->ingress_ifindex;
	struct icmp6hdr *icmp;
	bool fragment = false;
	__u8 next;

	if ((void *)(ip6 + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	next = ip6->nexthdr;
	at = ip6 + 1;
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		__u8 *ext = at;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT)
			break;
		if (at + 8 > data_end)
			return fragment ? refuse(&ip6->saddr) : XDP_PASS;
		if (next == IPPROTO_FRAGMENT) {
			fragment = true;
			if (ext[2] || ext[3] & 0xf8)
				return XDP_PASS; /* not the first: harmless without it */
			at += 8;
		} else {
			at += (ext[1] + 1) * 8;
		}
		next = ext[0];
	}
	icmp = at;
	if ((void *)(icmp + 1) > data_end)
		return fragment ? refuse(&ip6->saddr) : XDP_PASS;
	if (next != IPPROTO_ICMPV6 ||
	    (icmp->icmp6_type != ND_ROUTER_ADVERT && icmp->icmp6_type != ND_REDIRECT))
		return XDP_PASS;
	if (fragment || ip6->hop_limit != 255 || icmp->icmp6_code ||
	    (ip6->saddr.in6_u.u6_addr16[0] & bpf_htons(0xffc0)) != bpf_htons(0xfe80))
		return refuse(&ip6->saddr);
	if (!bpf_map_lookup_elem(&router_ports, &port))
		return refuse(&ip6->saddr);
	if (icmp->icmp6_type == ND_REDIRECT)
		return XDP_PASS;
	return has_good_prefixes((void *)(icmp + 1) + 8, data_end) ? XDP_PASS : refuse(&ip6->saddr);
}

char _license[] SEC("license") = "Dual BSD/GPL";
