// EXPECT layers: kernel user
// EXPECT remedies: 1
/*
 * Adding a number without a bound to a packet pointer is no op, and yet refused: what stands beside
 * it goes to user.
 */
#include "nf.h"

#include <linux/udp.h>

SEC("xdp")
int unbounded_arithmetic(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *end;
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct udphdr *udp = (void *)(ip4 + 1);
	__u32 hash;

	if (!ip4 || ip4->protocol != IPPROTO_UDP || (void *)(udp + 1) > data_end)
		return XDP_PASS;
	end = (void *)udp + (__s32)(udp->dest - udp->source) * 4ll;
	hash = end < data_end && end + 1 > (void *)udp ? 1 : 7;
	udp->check = 0;
	hash = hash_bytes((void *)udp, data_end, hash);
	return hash & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
