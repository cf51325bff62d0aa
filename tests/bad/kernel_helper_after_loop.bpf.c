// EXPECT error: nf.h:34: get_current_task in line 16, which comes later, can only run
/* The loop's end can only be reached in user, and user does not know whom a packet interrupts. */
#include "../nf/nf.h"

SEC("xdp")
int kernel_helper_after_loop(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 hash;

	if (!ip4)
		return XDP_PASS;
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);

	return bpf_get_current_task() & hash ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
