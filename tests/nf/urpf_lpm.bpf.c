// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/22", "192.0.2.0/28", "127.0.0.1", "0.0.0.0/30"], "ifindexes": [1,
// GEN 2, 3], "saddr6": ["2001:db8::/62", "fe80::/64", "ff02::1"], "flows": 30,
// GEN "weights": {"vlan": 2}}
// MAPS {"routes4": [{"key": {"prefix": "10.0.0.0/23"}, "value": {"interfaces": 2}},
// MAPS {"key": {"prefix": "10.0.1.0/24"}, "value": {"interfaces": 4}},
// MAPS {"key": {"prefix": "10.0.2.0/24"}, "value": {"blackhole": 1}},
// MAPS {"key": {"prefix": "0.0.0.0/0"}, "value": {"interfaces": 8}}],
// MAPS "routes6": [{"key": {"prefix": "2001:db8::/64"}, "value": {"interfaces": 6}},
// MAPS {"key": {"prefix": "2001:db8:0:1::/64"}, "value": {"interfaces": 4}}],
// MAPS "modes": [{"key": 1, "value": 1}, {"key": 2, "value": 2}, {"key": 3, "value": 3}]}
/*
 * Unicast reverse path forwarding (RFC 3704) by two longest-prefix tables: strict checks that the
 * route back leads through where the packet came in, loose that there is one, feasible ignores the
 * default route. Martians go without a look-up.
 */
#include "net.h"

enum mode { MODE_STRICT = 1, MODE_LOOSE = 2, MODE_FEASIBLE = 3 };

struct route {
	__u32 interfaces; /* by bit */
	__u32 blackhole;
	__u64 failed;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix4);
	__type(value, struct route);
} routes4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix6);
	__type(value, struct route);
} routes6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u32);
} modes SEC(".maps");

static __always_inline bool is_martian4(__be32 addr)
{
	__u8 first = bpf_ntohl(addr) >> 24;

	return !addr || first == 127 || first >= 224;
}

static __always_inline bool is_reachable(struct route *route, __u32 mode, __u32 ifindex)
{
	bool good = route && !route->blackhole;

	if (good && mode != MODE_LOOSE)
		good = ifindex < 32 && route->interfaces >> ifindex & 1;
	if (route && !good)
		__sync_fetch_and_add(&route->failed, 1);
	return good;
}

SEC("xdp")
int urpf_lpm(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	__u32 ifindex = ctx->ingress_ifindex, *mode;
	struct route *route;

	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	mode = bpf_map_lookup_elem(&modes, &ifindex);
	if (!mode || !*mode)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct prefix4 key = {.length = 32};
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end || is_martian4(ip4->saddr))
			return XDP_DROP;
		key.addr = ip4->saddr;
		route = bpf_map_lookup_elem(&routes4, &key);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct prefix6 key = {.length = 128};
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end || ip6->saddr.in6_u.u6_addr8[0] == 0xff)
			return XDP_DROP;
		if (ip6->saddr.in6_u.u6_addr16[0] == bpf_htons(0xfe80))
			return XDP_PASS;
		__builtin_memcpy(key.addr, &ip6->saddr, 16);
		route = bpf_map_lookup_elem(&routes6, &key);
	} else {
		return XDP_PASS;
	}
	return is_reachable(route, *mode, ifindex) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
