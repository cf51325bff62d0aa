// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"daddr4": ["192.0.2.0/28", "203.0.113.1"], "daddr6": ["2001:db8:2::/124"], "flows": 30,
// GEN "saddr4": ["10.0.0.0/28"]}
// MAPS {"routes4": [{"key": {"prefix": "192.0.2.0/24"}, "value": 0},
// MAPS {"key": {"prefix": "192.0.2.8/29"}, "value": 1}],
// MAPS "routes6": [{"key": {"prefix": "2001:db8:2::/48"}, "value": 1}],
// MAPS "groups": [{"key": 0, "value": {"member": [0, 1, 2, 3], "weight": [1, 1, 2, 0]}},
// MAPS {"key": 1, "value": {"member": [2, 3, 0, 0], "weight": [1, 3, 0, 0]}}],
// MAPS "nexthops": [{"key": 0, "value": {"mac": "02:00:00:00:01:00", "port": 0, "up": 1}},
// MAPS {"key": 1, "value": {"mac": "02:00:00:00:01:01", "port": 1, "up": 0}},
// MAPS {"key": 2, "value": {"mac": "02:00:00:00:01:02", "port": 1, "up": 1}},
// MAPS {"key": 3, "value": {"mac": "02:00:00:00:01:03", "port": 0, "up": 1}}],
// MAPS "tx": [{"key": 0, "value": 1}, {"key": 1, "value": 2}]}
/*
 * A router with weighted equal-cost paths by rendezvous hashing (Thaler, Ravishankar 1998): each
 * next hop of a group scores the flow, the best that is up wins, so that a failure moves only the
 * flows of the failed one.
 */
#include "net.h"

enum { MEMBERS = 4 };

struct group {
	__u32 member[MEMBERS];
	__u32 weight[MEMBERS];
};

struct nexthop {
	__u8 mac[6];
	__u16 up;
	__u32 port;
	__u32 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix4);
	__type(value, __u32);
} routes4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix6);
	__type(value, __u32);
} routes6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct group);
} groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct nexthop);
} nexthops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} tx SEC(".maps");

static __always_inline struct nexthop *choose(__u32 index, __u32 flow)
{
	struct group *group = bpf_map_lookup_elem(&groups, &index);
	struct nexthop *best = NULL;
	__u32 most = 0;

	if (!group)
		return NULL;
	for (int i = 0; i < MEMBERS; i++) {
		__u32 member = group->member[i], score;
		struct nexthop *hop;

		if (!group->weight[i])
			continue;
		hop = bpf_map_lookup_elem(&nexthops, &member);
		if (!hop || !hop->up)
			continue;
		score = (hash_mix(flow ^ member * 0x9e3779b9) >> 8) * (group->weight[i] & 0xff);
		if (best && score <= most)
			continue;
		best = hop;
		most = score;
	}
	return best;
}

SEC("xdp")
int ecmp_router(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct nexthop *hop;
	__u32 *group, flow;

	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct prefix4 key = {.length = 32};
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end || ip4->ihl < 5)
			return XDP_DROP;
		if (ip4->ttl <= 1)
			return XDP_PASS;
		key.addr = ip4->daddr;
		group = bpf_map_lookup_elem(&routes4, &key);
		if (!group)
			return XDP_PASS;
		flow = hash_words(&ip4->saddr, 2, ip4->protocol);
		ip4_decrease_ttl(ip4);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct prefix6 key = {.length = 128};
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end)
			return XDP_DROP;
		if (ip6->hop_limit <= 1)
			return XDP_PASS;
		__builtin_memcpy(key.addr, &ip6->daddr, 16);
		group = bpf_map_lookup_elem(&routes6, &key);
		if (!group)
			return XDP_PASS;
		flow = hash_words(&ip6->saddr, 8, *(any_u32 *)ip6);
		ip6->hop_limit--;
	} else {
		return XDP_PASS;
	}
	hop = choose(*group, flow);
	if (!hop)
		return XDP_DROP;
	__sync_fetch_and_add(&hop->packets, 1);
	mac_copy(eth->h_source, eth->h_dest);
	mac_copy(eth->h_dest, hop->mac);
	return bpf_redirect_map(&tx, hop->port, XDP_DROP);
}

char _license[] SEC("license") = "Dual BSD/GPL";
