// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"flows": 16, "dports": [22, 53, 443, 5060], "weights": {"ipv6": 50, "vlan": 15,
// GEN "options": 20}}
// MAPS {"classes": [{"key": {"proto": 6, "port": 22}, "value": {"dscp": 16, "pcp": 2, "ecn": 2}},
// MAPS {"key": {"proto": 17, "port": 53}, "value": {"dscp": 46, "pcp": 5, "ecn": 0}},
// MAPS {"key": {"proto": 17, "port": 5060}, "value": {"dscp": 40, "pcp": 6, "ecn": 0}}],
// MAPS "globals": {"bleach": 1}}
/*
 * Marks packets by their service: DSCP and ECN in IPv4 and IPv6 with the checksum kept right, and
 * the priority of an 802.1Q tag where there is one. What belongs to no class is bleached at the
 * edge.
 */
#include "net.h"

struct service {
	__u16 proto, port;
};

struct class
{
	__u8 dscp, pcp, ecn, pad;
	__u32 packets;
};

const volatile __u32 bleach = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct service);
	__type(value, struct class);
} classes SEC(".maps");

static __always_inline struct class *classify(void *l4, void *data_end, __u8 proto)
{
	struct service service = {.proto = proto};
	struct udphdr *ports = l4;
	struct class *class;

	if ((void *)(ports + 1) > data_end || (proto != IPPROTO_TCP && proto != IPPROTO_UDP))
		return NULL;
	service.port = bpf_ntohs(ports->dest);
	class = bpf_map_lookup_elem(&classes, &service);
	if (class)
		return class;
	service.port = bpf_ntohs(ports->source);
	return bpf_map_lookup_elem(&classes, &service);
}

/* The new traffic class byte: ECN is kept where the transport uses it. */
static __always_inline __u8 remark(struct class *class, __u8 tos)
{
	if (!class)
		return bleach ? tos & 3 : tos;
	__sync_fetch_and_add(&class->packets, 1);
	return class->dscp << 2 | (tos & 3 ? tos & 3 : class->ecn);
}

SEC("xdp")
int dscp_remark(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *l3;
	struct ethhdr *eth = data;
	struct vlan_hdr *tag = (void *)(eth + 1);
	struct class *class;
	bool tagged = false;
	__be16 proto;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	proto = eth->h_proto;
	l3 = eth + 1;
	if (is_vlan(proto)) {
		if ((void *)(tag + 1) > data_end)
			return XDP_PASS;
		proto = tag->proto;
		l3 = tag + 1;
		tagged = true;
	}
	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = l3;
		__u16 was;

		if ((void *)(ip4 + 1) > data_end || ip4->ihl < 5)
			return XDP_DROP;
		class = ip4->frag_off & bpf_htons(IP_OFFSET)
			    ? NULL
			    : classify(l3 + ip4->ihl * 4, data_end, ip4->protocol);
		was = *(any_u16 *)ip4;
		ip4->tos = remark(class, ip4->tos);
		csum_replace2(&ip4->check, was, *(any_u16 *)ip4);
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = l3;
		__u16 word;
		__u8 tos;

		if ((void *)(ip6 + 1) > data_end)
			return XDP_DROP;
		class = classify(ip6 + 1, data_end, ip6->nexthdr);
		word = bpf_ntohs(*(any_u16 *)ip6);
		tos = remark(class, word >> 4 & 0xff);
		*(any_u16 *)ip6 = bpf_htons((word & 0xf00f) | tos << 4);
	} else {
		return XDP_PASS;
	}
	if (tagged && class)
		tag->tci = (tag->tci & bpf_htons(0x1fff)) | bpf_htons(class->pcp << 13);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
