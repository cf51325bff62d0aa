// EXPECT layers: kernel
// OPTION --program tail_circle
/*
 * A program that calls itself, or another that calls it back, until the kernel's limit of 33 or the
 * end of a packet's time to live; the calls are made in a function of their own.
 */
#include "nf.h"

int tail_circle(struct xdp_md *ctx);
int turn(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} ways SEC(".maps") = {.values = {(void *)&tail_circle, (void *)&turn}};

static __noinline int go(struct xdp_md *ctx, __u32 way)
{
	struct iphdr *ip4;

	bpf_tail_call(ctx, &ways, way);
	ip4 = find_ip4(DATA(ctx), DATA_END(ctx));
	if (!ip4)
		return XDP_ABORTED;
	ip4->check = way;
	return ip4->tos & 1 ? XDP_TX : XDP_PASS;
}

SEC("xdp")
int turn(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));

	if (!ip4)
		return XDP_DROP;
	ip4->tos++;
	return go(ctx, ip4->tos & 4 ? 1 : 0);
}

SEC("xdp")
int tail_circle(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));

	if (!ip4)
		return XDP_PASS;
	ip4->ttl -= 1 + (ip4->saddr >> 24 & 1);
	if (ip4->ttl < 8)
		return XDP_DROP;
	return go(ctx, ip4->ttl & 1);
}

char _license[] SEC("license") = "Dual BSD/GPL";
