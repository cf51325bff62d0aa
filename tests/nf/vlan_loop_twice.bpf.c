// EXPECT layers: kernel
/* Two rounds over tags: the counter becomes a flag that tells the first round. */
#include "nf.h"

struct vlan_tag {
	__be16 tci, proto;
};

SEC("xdp")
int vlan_loop_twice(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	__u32 offset = sizeof *eth;
	__be16 proto;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	proto = eth->h_proto;
#pragma clang loop unroll(disable)
	for (int i = 0; i < 2; i++) {
		struct vlan_tag *tag = data + offset;

		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > data_end)
			return XDP_DROP;
		proto = tag->proto;
		offset += sizeof *tag;
	}
	return proto == bpf_htons(ETH_P_IP) ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
