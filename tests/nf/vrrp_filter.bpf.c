// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"flows": 6, "frames": [ ["eth", "ipv4 10.0.0.1 224.0.0.18", "set 8 ff", "next 112",
// GEN "hex 31076401006400000a0000fe"], ["eth", "ipv4 10.0.0.2 224.0.0.18", "set 8 ff",
// GEN "next 112", "hex 2107c80100010000c00002010000000000000000"], ["eth",
// GEN "ipv4 10.0.0.1 224.0.0.18", "next 112", "hex 31076401006400000a0000fe"], ["eth",
// GEN "ipv6 fe80::1 ff02::12", "set 7 ff", "next 112", "hex 3108640100640000", "random 16"],
// GEN ["eth", "ipv4 10.0.0.1 224.0.0.18", "set 8 ff", "next 112",
// GEN "hex 31096401006400000a0000fe"]]}
// MAPS {"groups": [{"key": {"vrid": 7, "v6": 0}, "value": {"priority": 100, "master": "0.0.0.0"}},
// MAPS {"key": {"vrid": 8, "v6": 1}, "value": {"priority": 50}}]}
/*
 * Filters VRRP advertisements (RFC 3768, 9568): hop limit, version, lengths and the group are
 * checked, and an advertiser with a priority above what the group allows is kept out.
 */
#include "net.h"

enum { IPPROTO_VRRP = 112 };

struct vrrp {
	__u8 version_type, vrid, priority, count;
	__be16 interval, check;
};

struct group_key {
	__u16 vrid, v6;
};

struct group {
	__u32 priority;
	__be32 master;
	__u64 last_ns;
	__u32 accepted, refused;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct group_key);
	__type(value, struct group);
} groups SEC(".maps");

static __always_inline int judge(struct vrrp *vrrp, void *data_end, bool v6, __be32 from)
{
	__u32 version, bytes = v6 ? 16 : 4;
	struct group_key key = {.v6 = v6};
	struct group *group;

	if ((void *)(vrrp + 1) > data_end)
		return XDP_DROP;
	version = vrrp->version_type >> 4;
	if ((vrrp->version_type & 15) != 1 || (version != 3 && (v6 || version != 2)) ||
	    !vrrp->count || vrrp->count > 8)
		return XDP_DROP;
	if ((void *)(vrrp + 1) + vrrp->count * bytes + (version == 2 ? 8 : 0) > data_end)
		return XDP_DROP;
	key.vrid = vrrp->vrid;
	group = bpf_map_lookup_elem(&groups, &key);
	if (!group)
		return XDP_DROP;
	if (vrrp->priority > group->priority) {
		__sync_fetch_and_add(&group->refused, 1);
		return XDP_DROP;
	}
	group->last_ns = bpf_ktime_get_ns();
	if (!v6)
		group->master = vrrp->priority ? from : 0; /* 0: it gives up */
	__sync_fetch_and_add(&group->accepted, 1);
	return XDP_PASS;
}

SEC("xdp")
int vrrp_filter(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct iphdr *ip4 = (void *)(eth + 1);
	struct ipv6hdr *ip6 = (void *)(eth + 1);

	if ((void *)(ip4 + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP) && ip4->protocol == IPPROTO_VRRP) {
		if (ip4->ihl < 5 || ip4->ttl != 255 || is_fragment(ip4))
			return XDP_DROP;
		return judge((void *)ip4 + ip4->ihl * 4, data_end, false, ip4->saddr);
	}
	if (eth->h_proto != bpf_htons(ETH_P_IPV6) || (void *)(ip6 + 1) > data_end ||
	    ip6->nexthdr != IPPROTO_VRRP)
		return XDP_PASS;
	return ip6->hop_limit == 255 ? judge((void *)(ip6 + 1), data_end, true, 0) : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
