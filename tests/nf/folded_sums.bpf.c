// EXPECT layers: kernel
/*
 * Checksums that are folded in a loop until no carry is left, and a mask that is shifted until it
 * is gone: the verifier finds the ends, though nothing counts.
 */
#include "net.h"

SEC("xdp")
int folded_sums(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 wide = 0;
	__u32 sum;

	if (!ip4)
		return XDP_PASS;
	ip4->check = 0;
	sum = csum_add(ip4, sizeof *ip4, 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	ip4->check = ~sum;
	for (int i = 0; i < 5; i++)
		wide += (__u64)((any_u32 *)ip4)[i] * (i + 1);
	do
		wide = (wide >> 16) + (wide & 0xffff);
	while (wide > 0xffff);
	for (__u32 mask = 0x8000; mask; mask >>= 1)
		wide = wide * 3 + !!(ip4->daddr & mask);
	ip4->id = wide;
	return wide & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
