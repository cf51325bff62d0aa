// EXPECT error: recursion.bpf.c:9: recursi
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static __attribute__((noinline)) __u32 descend(const __u8 *p, const __u8 *end)
{
	if (p + 1 > end)
		return 0;
	return (*p ^ descend(p + 1 + (*p & 3), end)) * 31;
}

SEC("xdp")
int recursion(struct xdp_md *ctx)
{
	return descend((void *)(long)ctx->data, (void *)(long)ctx->data_end) & 1 ? XDP_PASS
										 : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
