// EXPECT layers: kernel
/*
 * What C leaves undefined and BPF does not: a packet shifts by more than there are bits, and
 * divides by 0. User does as the kernel does.
 */
#include "nf.h"

SEC("xdp")
int long_shifts(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 divisor, number;
	__u64 wide;
	__s64 by;

	if (!ip4)
		return XDP_PASS;
	divisor = ip4->tos & 3;
	number = ip4->saddr;
	wide = (__u64)ip4->daddr << 32 | ip4->saddr;
	by = (__s64)(ip4->ttl & 3) - 1;
	ip4->id = number / divisor;
	ip4->tot_len = wide % (ip4->protocol & 1);
	ip4->frag_off = wide / divisor;
	ip4->check = (__s64)(wide | 1ull << 63) / by + (__s64)wide % by;
	ip4->saddr = number << (ip4->ttl & 127);
	ip4->daddr = wide >> ip4->ttl;
	return divisor ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
