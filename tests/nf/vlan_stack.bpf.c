// EXPECT layers: kernel user
/* A stack of VLAN tags of any depth, and the header behind it. */
#include "nf.h"

struct tag {
	__be16 tci, type;
};

SEC("xdp")
int vlan_stack(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct tag *tag = (void *)(eth + 1);
	__u32 depth = 0;
	__be16 type;

	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	type = eth->h_proto;
	while (type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD)) {
		if ((void *)(tag + 1) > data_end)
			return XDP_DROP;
		type = tag->type;
		tag++;
		depth++;
	}
	if (type != bpf_htons(ETH_P_IP) || (void *)tag + sizeof(struct iphdr) > data_end)
		return XDP_PASS;
	((struct iphdr *)tag)->tos = depth;
	return depth ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
