// EXPECT layers: kernel
/*
 * Division of signed numbers, which BPF has since its fourth version: in the kernel, where the
 * target's kernel knows that version.
 */
#include "nf.h"

__s64 shares[4] = {-7, 3, 11, -2};

SEC("xdp")
int signed_division_v4(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__s32 balance, rest;
	__s64 share;

	if (!ip4)
		return XDP_PASS;
	balance = (__s32)ip4->saddr - ip4->ttl;
	share = balance / shares[ip4->ttl & 3];
	rest = balance % ((__s16)ip4->id | 1);
	ip4->tot_len = rest;
	return share % 16 > 5 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
