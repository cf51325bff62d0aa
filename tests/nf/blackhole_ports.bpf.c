// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["203.0.113.0/29"], "daddr4": ["192.0.2.0/30"], "saddr6": ["2001:db8:bad::/125"],
// GEN "flows": 24, "dports": [53, 80, 443, 8080], "weights": {"vlan": 20}}
// MAPS {"sources": [{"key": "::ffff:203.0.113.1", "value": {"until_s": 0}},
// MAPS {"key": "::ffff:203.0.113.2", "value": {"until_s": 1}},
// MAPS {"key": "2001:db8:bad::3", "value": {"until_s": 0}}],
// MAPS "targets": [{"key": "::ffff:192.0.2.3", "value": 3}],
// MAPS "ports": [{"key": 53, "value": 2}, {"key": 8080, "value": 3}]}
/*
 * Blackholes as operators announce them: sources for a time or for ever, targets by protocol, and
 * ports with a bit for TCP and one for UDP. All lists count what they dropped.
 */
#include "net.h"

enum { TCP_BIT = 1, UDP_BIT = 2 };

struct entry {
	__u32 until_s; /* 0: for ever */
	__u32 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct in6_addr);
	__type(value, struct entry);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct in6_addr);
	__type(value, __u32);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u8);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} dropped SEC(".maps");

static __always_inline int drop(__u32 list)
{
	__u64 *counter = bpf_map_lookup_elem(&dropped, &list), one = 1;

	if (counter)
		++*counter;
	else
		bpf_map_update_elem(&dropped, &list, &one, BPF_ANY);
	return XDP_DROP;
}

static __always_inline bool is_source_blocked(const struct in6_addr *from, __u64 bytes)
{
	struct entry *entry = bpf_map_lookup_elem(&sources, from);

	if (!entry)
		return false;
	if (entry->until_s && bpf_ktime_get_ns() / 1000000000 >= entry->until_s) {
		bpf_map_delete_elem(&sources, from);
		return false;
	}
	entry->packets++;
	entry->bytes += bytes;
	return true;
}

SEC("xdp")
int blackhole_ports(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *l3;
	struct in6_addr from = {}, to = {};
	struct ethhdr *eth = data;
	struct vlan_hdr *tag = (void *)(eth + 1);
	struct udphdr *l4;
	__u32 bit, port, *blocked;
	__be16 proto;
	__u8 *bits, next;

	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	proto = eth->h_proto;
	l3 = eth + 1;
	if (is_vlan(proto)) {
		if ((void *)(tag + 1) > data_end)
			return XDP_DROP;
		proto = tag->proto;
		l3 = tag + 1;
	}
	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = l3;

		if ((void *)(ip4 + 1) > data_end || ip4->ihl < 5)
			return XDP_DROP;
		from.in6_u.u6_addr32[2] = to.in6_u.u6_addr32[2] = bpf_htonl(0xffff);
		from.in6_u.u6_addr32[3] = ip4->saddr;
		to.in6_u.u6_addr32[3] = ip4->daddr;
		next = ip4->frag_off & bpf_htons(IP_OFFSET) ? 0 : ip4->protocol;
		l4 = l3 + ip4->ihl * 4;
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = l3;

		if ((void *)(ip6 + 1) > data_end)
			return XDP_DROP;
		from = ip6->saddr;
		to = ip6->daddr;
		next = ip6->nexthdr;
		l4 = (void *)(ip6 + 1);
	} else {
		return XDP_PASS;
	}
	if (is_source_blocked(&from, data_end - data))
		return drop(0);
	bit = next == IPPROTO_TCP ? TCP_BIT : next == IPPROTO_UDP ? UDP_BIT : 0;
	blocked = bpf_map_lookup_elem(&targets, &to);
	if (blocked && (*blocked & bit || !bit))
		return drop(1);
	if (!bit || (void *)(l4 + 1) > data_end)
		return XDP_PASS;
	port = bpf_ntohs(l4->dest);
	bits = bpf_map_lookup_elem(&ports, &port);
	return bits && *bits & bit ? drop(2) : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
