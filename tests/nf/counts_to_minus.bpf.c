// EXPECT layers: kernel
/* A loop that ends where the low word of a number that counts down from 0 is -6. */
#include "nf.h"

SEC("xdp")
int counts_to_minus(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 n = 1;
	__s64 i = 0;

	if (!ip4)
		return XDP_PASS;
#pragma clang loop unroll(disable)
	do {
		n = n * 31 + ip4->ttl;
		i--;
	} while ((__u32)i != (__u32)-6);
	ip4->id = n;
	return n & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
