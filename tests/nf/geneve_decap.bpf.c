// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"daddr4": ["192.0.2.1"], "flows": 8, "frames": [ ["eth", "ipv4", "udp - 6081",
// GEN "hex 0000655800006400", "eth 02:00:00:00:00:05", "ipv4", "udp"], ["eth", "ipv4",
// GEN "udp - 6081", "hex 0240655800006400", "hex 0102800100000007", "eth", "ipv6", "tcp"],
// GEN ["eth", "ipv4", "udp - 6081", "hex 0440655800006400", "hex 0103000100000009",
// GEN "hex 0102000100000003", "eth", "ipv4", "tcp"], ["eth", "ipv4", "udp - 6081",
// GEN "hex 0240655800006500", "hex 0102800100000007", "eth", "ipv4", "tcp"], ["eth", "ipv4",
// GEN "udp - 6081", "hex 0240655800006400", "hex 09098f0100000007", "eth", "ipv4", "tcp"],
// GEN ["eth", "ipv4", "udp - 6081", "hex 0080655800006400", "random 60"]]}
// MAPS {"networks": [{"key": 100, "value": {"group": 7}}, {"key": 101, "value": {"group": 9}}]}
/*
 * The far end of Geneve tunnels (RFC 8926): options are walked, the group tag that a policy asks
 * for is compared, critical options that are not known make the packet unusable, and OAM packets
 * go to the stack.
 */
#include "net.h"

enum { PORT_GENEVE = 6081, CLASS_OURS = 0x0102, OPTIONS_MAX = 6, TYPE_GROUP = 1, CRITICAL = 0x80 };

struct geneve {
	__u8 version_length, flags;
	__be16 proto;
	__be32 vni;
};

struct option {
	__be16 class;
	__u8 type, length;
	__be32 value;
};

struct network {
	__u32 group;
	__u32 packets, refused;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct network);
} networks SEC(".maps");

/* Walks the options; false for a critical one that is not ours. */
static __always_inline bool read_options(void *at, __u32 bytes, void *data_end, __u32 *group)
{
	void *end = at + bytes;

	for (int i = 0; i < OPTIONS_MAX; i++) {
		struct option *option = at;
		__u32 length;

		if (at + 4 > data_end || at >= end)
			return true;
		length = 4 + (option->length & 31) * 4;
		if (option->class == bpf_htons(CLASS_OURS) &&
		    (option->type & ~CRITICAL) == TYPE_GROUP && length == 8) {
			if ((void *)(option + 1) > data_end)
				return false;
			*group = bpf_ntohl(option->value);
		} else if (option->type & CRITICAL) {
			return false;
		}
		at += length;
	}
	return false;
}

SEC("xdp")
int geneve_decap(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 vni, bytes, group = 0;
	struct network *network;
	struct geneve *geneve;
	struct udphdr *udp;
	int head;

	if (!ip4 || ip4->ihl != 5 || ip4->protocol != IPPROTO_UDP || is_fragment(ip4))
		return XDP_PASS;
	udp = (void *)(ip4 + 1);
	geneve = (void *)(udp + 1);
	if ((void *)(geneve + 1) > data_end || udp->dest != bpf_htons(PORT_GENEVE))
		return XDP_PASS;
	if (geneve->version_length >> 6 || geneve->proto != bpf_htons(ETH_P_TEB))
		return XDP_DROP;
	if (geneve->flags & 0x80)
		return XDP_PASS;
	vni = bpf_ntohl(geneve->vni) >> 8;
	network = bpf_map_lookup_elem(&networks, &vni);
	if (!network)
		return XDP_DROP;
	bytes = (geneve->version_length & 63) * 4;
	if (!read_options(geneve + 1, bytes, data_end, &group) ||
	    (group && group != network->group)) {
		__sync_fetch_and_add(&network->refused, 1);
		return XDP_DROP;
	}
	head = sizeof(struct ethhdr) + sizeof *ip4 + sizeof *udp + sizeof *geneve + bytes;
	if (bpf_xdp_adjust_head(ctx, head))
		return XDP_DROP;
	__sync_fetch_and_add(&network->packets, 1);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
