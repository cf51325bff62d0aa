// EXPECT layers: kernel user
/* The packet's start moves before the loop and again behind it; offsets in the handoff count from
 * where it is then. */
#include "nf.h"

SEC("xdp")
int adjust_head_around(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct ethhdr link, *eth;
	__u32 hash;

	if (!ip4 || ip4->ihl != 5 || (void *)(ip4 + 1) + 14 > data_end)
		return XDP_PASS;
	__builtin_memcpy(&link, data, sizeof(link));
	if (bpf_xdp_adjust_head(ctx, sizeof(struct iphdr)))
		return XDP_ABORTED;
	data = DATA(ctx);
	data_end = DATA_END(ctx);
	hash = hash_bytes(data, data_end, 0);
	if (bpf_xdp_adjust_head(ctx, hash & 1 ? -8 : 4))
		return XDP_DROP;
	eth = DATA(ctx);
	if ((void *)(eth + 1) > DATA_END(ctx))
		return XDP_DROP;
	*eth = link;
	eth->h_proto = bpf_htons(hash);
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
