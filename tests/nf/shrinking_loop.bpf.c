// EXPECT layers: kernel user
// EXPECT check: This kernel takes the whole program
/*
 * A loop that takes a quarter of its counter away each round: its bound is not among those that are
 * recognised, so it is user's; the kernel's verifier walks through it all the same, and the kernel
 * is the oracle.
 */
#include "nf.h"

SEC("xdp")
int shrinking_loop(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 rest, sum = 0;

	if (!ip4)
		return XDP_PASS;
#pragma clang loop unroll(disable)
	for (rest = ip4->ttl; rest; rest = rest * 3 >> 2)
		sum = sum * 7 + ip4->protocol;
	ip4->id = sum;
	return sum & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
