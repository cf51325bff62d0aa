// EXPECT layers: kernel user
/* The kernel part grows the packet: a long one is handed over longer than any that arrives. */
#include "nf.h"

#define GROWTH 192

SEC("xdp")
int grow_before_cut(struct xdp_md *ctx)
{
	__u32 hash;

	if (bpf_xdp_adjust_head(ctx, -GROWTH))
		return XDP_ABORTED;
	if (DATA(ctx) + GROWTH > DATA_END(ctx))
		return XDP_ABORTED;
	__builtin_memset(DATA(ctx), 1, GROWTH);
	hash = hash_bytes(DATA(ctx), DATA_END(ctx), 0);
	return hash & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
