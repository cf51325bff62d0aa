// EXPECT layers: kernel
/* Divisors that come with the packet and may be 0: BPF says what becomes of it, user the same. */
#include "nf.h"

NUMBERS(results, ARRAY, 4);

SEC("xdp")
int divisor_of_zero(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 narrow, narrow_rest;
	__u64 wide, wide_rest;

	if (!ip4)
		return XDP_PASS;
	narrow = ip4->saddr / (ip4->ttl & 3);
	narrow_rest = ip4->saddr % (ip4->tos & 1);
	wide = bpf_ntohs(ip4->tot_len) * 1000000007ull / (ip4->id & 1);
	wide_rest = ((__u64)ip4->saddr << 32 | ip4->daddr) % (ip4->id & 2);
	put_number(&results, 0, narrow);
	put_number(&results, 1, narrow_rest);
	put_number(&results, 2, wide);
	put_number(&results, 3, wide_rest);
	return (narrow ^ narrow_rest ^ wide ^ wide_rest) & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
