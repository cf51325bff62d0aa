// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/30"], "flows": 10, "weights": {"ipv6": 40, "vlan": 10}}
/*
 * Flow records as IPFIX has them: packets, bytes, first and last time, the union of TCP flags and
 * the lowest and highest TTL of each five-tuple, per CPU in an LRU map that a collector drains.
 */
#include "net.h"

struct flow {
	__u32 saddr[4], daddr[4];
	__be16 sport, dport;
	__u16 vlan;
	__u8 proto, tos;
};

struct record {
	__u64 packets, bytes;
	__u64 first_ns, last_ns;
	__u32 ifindex;
	__u8 flags, ttl_min, ttl_max, fragments;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct flow);
	__type(value, struct record);
} records SEC(".maps");

struct parsed {
	struct flow flow;
	__u32 ttl, flags, fragment;
};

static __always_inline bool parse_ip(void *l3, void *data_end, __be16 proto, struct parsed *p)
{
	struct tcphdr *tcp;

	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = l3;

		if ((void *)(ip4 + 1) > data_end || ip4->ihl < 5)
			return false;
		p->flow.saddr[3] = ip4->saddr;
		p->flow.daddr[3] = ip4->daddr;
		p->flow.proto = ip4->protocol;
		p->flow.tos = ip4->tos;
		p->ttl = ip4->ttl;
		p->fragment = !!(ip4->frag_off & bpf_htons(IP_OFFSET));
		tcp = l3 + ip4->ihl * 4;
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = l3;

		if ((void *)(ip6 + 1) > data_end)
			return false;
		__builtin_memcpy(p->flow.saddr, &ip6->saddr, 32);
		p->flow.proto = ip6->nexthdr;
		p->flow.tos = ip6->priority << 4 | ip6->flow_lbl[0] >> 4;
		p->ttl = ip6->hop_limit;
		tcp = (void *)(ip6 + 1);
	} else {
		return false;
	}
	if (p->fragment || (void *)tcp + sizeof(struct udphdr) > data_end)
		return true;
	if (p->flow.proto == IPPROTO_TCP || p->flow.proto == IPPROTO_UDP) {
		p->flow.sport = tcp->source;
		p->flow.dport = tcp->dest;
	}
	if (p->flow.proto == IPPROTO_TCP && (void *)(tcp + 1) <= data_end)
		p->flags = ((__u8 *)tcp)[13];
	return true;
}

SEC("xdp")
int flow_export(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *l3;
	struct parsed p = {};
	struct record *record;
	__be16 proto;
	__u64 now;

	l3 = find_l3(data, data_end, &proto, &p.flow.vlan);
	if (!l3 || !parse_ip(l3, data_end, proto, &p))
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	record = bpf_map_lookup_elem(&records, &p.flow);
	if (!record) {
		struct record first = {.packets = 1,
				       .bytes = data_end - data,
				       .first_ns = now,
				       .last_ns = now,
				       .ifindex = ctx->ingress_ifindex,
				       .flags = p.flags,
				       .ttl_min = p.ttl,
				       .ttl_max = p.ttl,
				       .fragments = p.fragment};

		bpf_map_update_elem(&records, &p.flow, &first, BPF_ANY);
		return XDP_PASS;
	}
	record->packets++;
	record->bytes += data_end - data;
	record->last_ns = now;
	record->flags |= p.flags;
	if (p.ttl < record->ttl_min)
		record->ttl_min = p.ttl;
	if (p.ttl > record->ttl_max)
		record->ttl_max = p.ttl;
	record->fragments += p.fragment;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
