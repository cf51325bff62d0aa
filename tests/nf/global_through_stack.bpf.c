// EXPECT layers: kernel user
/*
 * A global variable that is read and written through a pointer which lies on the stack, before and
 * behind what only user can run.
 */
#include "nf.h"

__u32 turns = 1;

SEC("xdp")
int global_through_stack(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 *volatile kept = &turns;
	__u32 *volatile again;

	if (!ip4)
		return XDP_PASS;
	*kept = *kept * 3 + 1;
	if (ip4->id & 1)
		return *kept & 4 ? XDP_DROP : XDP_PASS;
	__u32 hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	again = &turns;
	*again += hash | 1;
	return *again & 4 ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
