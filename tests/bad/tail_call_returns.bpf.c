// EXPECT error: tail_call_returns.bpf.c:18: a tail call in a function that returns to more
/* What a tail call's program returns is looked at by the caller of the function that made it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int last(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} next SEC(".maps") = {.values = {(void *)&last}};

__attribute__((noinline)) int go(struct xdp_md *ctx)
{
	if (ctx->ingress_ifindex)
		bpf_tail_call(ctx, &next, 0);
	return ctx->rx_queue_index;
}

SEC("xdp")
int last(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp")
int tail_call_returns(struct xdp_md *ctx)
{
	return go(ctx) == XDP_DROP ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
