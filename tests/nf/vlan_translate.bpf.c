// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"ifindexes": [1, 2], "flows": 16, "weights": {"vlan": 60, "qinq": 20},
// GEN "frames": [["in 1", "eth", "vlan 100", "ipv4", "udp"], ["in 2", "eth", "ipv6", "tcp"],
// GEN ["in 1", "eth", "vlan 300 0x88a8", "vlan 7", "ipv4", "udp"],
// GEN ["in 2", "eth", "vlan 0", "ipv4", "udp"], ["in 2", "eth", "vlan 9", "ipv4", "udp"]]}
// MAPS {"rules": [{"key": {"port": 1, "outer": 100}, "value": {"action": 1, "outer": 200,
// MAPS "to": 1}}, {"key": {"port": 1, "outer": 300, "inner": 7}, "value": {"action": 2,
// MAPS "to": 1}}, {"key": {"port": 2, "outer": 4095}, "value": {"action": 3, "outer": 5,
// MAPS "to": 0, "pcp": 3}}, {"key": {"port": 2, "outer": 9}, "value": {"action": 4,
// MAPS "outer": 300, "to": 0}}, {"key": {"port": 1, "outer": 3}, "value": {"action": 5}}],
// MAPS "tx": [{"key": 0, "value": 1}, {"key": 1, "value": 2}]}
/*
 * VLAN translation at a provider's edge: by port, outer and inner tag a frame's tag is replaced,
 * taken off or put on (802.1Q or, as a service tag, 802.1ad); what has no rule passes.
 */
#include "net.h"

enum { REPLACE = 1, POP = 2, PUSH = 3, PUSH_SERVICE = 4, REFUSE = 5, UNTAGGED = 4095 };

struct rule_key {
	__u32 port;
	__u16 outer, inner;
};

struct rule {
	__u16 action, outer;
	__u16 to, pcp;
	__u64 frames;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct rule_key);
	__type(value, struct rule);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} tx SEC(".maps");

static __always_inline int pop(struct xdp_md *ctx, const struct ethhdr *eth)
{
	struct vlan_hdr *tag = (void *)(eth + 1);
	struct ethhdr head = *eth;
	void *data;

	head.h_proto = tag->proto;
	if (bpf_xdp_adjust_head(ctx, sizeof *tag))
		return -1;
	data = DATA(ctx);
	if (data + sizeof head > DATA_END(ctx))
		return -1;
	__builtin_memcpy(data, &head, sizeof head);
	return 0;
}

static __always_inline int push(struct xdp_md *ctx, const struct ethhdr *eth, __be16 tpid,
				__u16 tci)
{
	struct ethhdr head = *eth;
	struct vlan_hdr tag = {bpf_htons(tci), eth->h_proto};
	void *data;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof tag))
		return -1;
	data = DATA(ctx);
	if (data + sizeof head + sizeof tag > DATA_END(ctx))
		return -1;
	head.h_proto = tpid;
	__builtin_memcpy(data, &head, sizeof head);
	__builtin_memcpy(data + sizeof head, &tag, sizeof tag);
	return 0;
}

SEC("xdp")
int vlan_translate(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct vlan_hdr *outer = (void *)(eth + 1), *inner = outer + 1;
	struct rule_key key = {.port = ctx->ingress_ifindex, .outer = UNTAGGED};
	struct rule *rule;
	__u16 to, tci;
	int err = 0;

	if ((void *)(outer + 1) > data_end)
		return XDP_PASS;
	if (is_vlan(eth->h_proto)) {
		key.outer = bpf_ntohs(outer->tci) & 0xfff;
		if (is_vlan(outer->proto) && (void *)(inner + 1) <= data_end)
			key.inner = bpf_ntohs(inner->tci) & 0xfff;
	}
	rule = bpf_map_lookup_elem(&rules, &key);
	if (!rule)
		return XDP_PASS;
	__sync_fetch_and_add(&rule->frames, 1);
	to = rule->to;
	tci = (rule->outer & 0xfff) | (rule->pcp & 7) << 13;
	switch (rule->action) {
	case REPLACE:
		outer->tci = (outer->tci & bpf_htons(0xf000)) | bpf_htons(rule->outer & 0xfff);
		break;
	case POP:
		err = pop(ctx, eth);
		break;
	case PUSH:
		err = push(ctx, eth, bpf_htons(ETH_P_8021Q), tci);
		break;
	case PUSH_SERVICE:
		err = push(ctx, eth, bpf_htons(ETH_P_8021AD), tci);
		break;
	default:
		return XDP_DROP;
	}
	return err ? XDP_ABORTED : bpf_redirect_map(&tx, to, XDP_DROP);
}

char _license[] SEC("license") = "Dual BSD/GPL";
