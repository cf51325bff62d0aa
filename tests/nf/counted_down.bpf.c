// EXPECT layers: kernel
/* A loop that counts down from a number which is small on either of two ways. */
#include "nf.h"

volatile __u64 rounds = 13;

SEC("xdp")
int counted_down(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 n = 1, times;

	if (!ip4)
		return XDP_PASS;
	times = (ip4->saddr >= ip4->daddr ? (__u32)rounds : 0x10) & 7;
#pragma clang loop unroll(disable)
	for (__u32 i = times; i > 0; i--)
		n = 17;
	ip4->id = n;
	return n & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
