// EXPECT error: nf.h:34: fib_lookup in line 21, which comes later, can only run
/* The loop's end can only be reached in user, and user has no routing table. */
#include "../nf/nf.h"

#define AF_INET 2

SEC("xdp")
int kernel_helper_after_loop(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct bpf_fib_lookup fib = {.family = AF_INET};
	struct iphdr *ip4 = find_ip4(data, data_end);

	if (!ip4)
		return XDP_PASS;
	fib.tot_len = bpf_ntohs(ip4->tot_len);
	fib.ifindex = ctx->ingress_ifindex;
	fib.ipv4_src = ip4->saddr;
	fib.ipv4_dst = hash_bytes((void *)(ip4 + 1), data_end, 0);

	return bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
