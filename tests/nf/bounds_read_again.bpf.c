// EXPECT layers: kernel
/*
 * The packet's bounds are read again where the packet may have grown, and kept as the 32-bit
 * numbers that the context has: they are addresses all the same. clang joins readings like that by
 * itself, too.
 */
#include "nf.h"

SEC("xdp")
int bounds_read_again(struct xdp_md *ctx)
{
	__u32 start = ctx->data, end = ctx->data_end;
	struct ethhdr *eth = (void *)(long)start;
	__u8 *bytes;

	if ((void *)(eth + 1) > (void *)(long)end)
		return XDP_PASS;
	if (eth->h_source[5] & 1) {
		if (bpf_xdp_adjust_head(ctx, -4))
			return XDP_ABORTED;
		start = ctx->data;
		end = ctx->data_end;
	}
	bytes = (void *)(long)start;
	if ((void *)(bytes + 14) > (void *)(long)end)
		return XDP_DROP;
	bytes[0] = 2;
	bytes[5] ^= end - start;
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
