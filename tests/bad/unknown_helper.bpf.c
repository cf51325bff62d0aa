// EXPECT error: unknown_helper.bpf.c:10: helper 9999
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static long (*bpf_not_there)(void *ctx) = (void *)9999;

SEC("xdp")
int unknown_helper(struct xdp_md *ctx)
{
	return bpf_not_there(ctx) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
