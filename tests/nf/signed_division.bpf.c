// EXPECT layers: kernel user
/*
 * Division of signed numbers, and one that is none; a table and a variable whose initial values no
 * object of the whole source can tell.
 */
#include "nf.h"

static const volatile __s32 divisors[4] = {-7, 3, 11, -2};
__s32 limit = 5;

SEC("xdp")
int signed_division(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__s32 balance, share;

	if (!ip4)
		return XDP_PASS;
	balance = (__s32)ip4->saddr - ip4->ttl;
	share = balance / divisors[ip4->ttl & 3];
	if (share > 1000000000)
		share *= 0.75;
	bpf_printk("share %d of %d", share, balance);
	return share % 16 > limit ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
