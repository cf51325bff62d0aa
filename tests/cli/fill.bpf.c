/* Look-ups whose keys are the packets' own: none finds anything without --map-fill. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct flow {
	__be32 saddr, daddr;
	__be16 sport, dport;
	__u8 proto;
};

struct prefix {
	__u32 length;
	__be32 address;
};

#define MAP(name, kind, key_type, value_type)                                                      \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                                                 \
		__uint(max_entries, 64);                                                           \
		__uint(map_flags, BPF_MAP_TYPE_##kind == BPF_MAP_TYPE_LPM_TRIE);                   \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps")

MAP(flows, HASH, struct flow, __u64);
MAP(clients, LRU_HASH, __be32, __u32);
MAP(routes, LPM_TRIE, struct prefix, __u32);
MAP(marks, ARRAY, __u32, __u16);

/* WHICH of the look-ups decides: XDP_TX where it finds something, else XDP_DROP. */
SEC("xdp")
int fill(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip4 = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip4 + 1);
	struct flow flow = {0};
	struct prefix prefix = {.length = 32};
	__u32 slot;
	__u16 *mark;
	void *found;

	if ((void *)(udp + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP) ||
	    ip4->protocol != IPPROTO_UDP || ip4->ihl != 5)
		return XDP_PASS;
	flow.saddr = ip4->saddr;
	flow.daddr = ip4->daddr;
	flow.sport = udp->source;
	flow.dport = udp->dest;
	flow.proto = ip4->protocol;
	prefix.address = ip4->saddr;
	slot = ip4->saddr >> 24 & 63;
	if (WHICH == 0)
		found = bpf_map_lookup_elem(&flows, &flow);
	else if (WHICH == 1)
		found = bpf_map_lookup_elem(&clients, &ip4->saddr);
	else if (WHICH == 2)
		found = bpf_map_lookup_elem(&routes, &prefix);
	else
		found = (mark = bpf_map_lookup_elem(&marks, &slot)) && *mark ? mark : NULL;
	return found ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
