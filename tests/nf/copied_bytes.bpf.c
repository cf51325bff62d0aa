// EXPECT layers: kernel
/*
 * Packet bytes that go through helpers' buffers, at places that are now and then behind the
 * packet's end; what a failed copy leaves in the buffer is what was there before.
 */
#include "nf.h"

SEC("xdp.frags")
int copied_bytes(struct xdp_md *ctx)
{
	__u64 length = bpf_xdp_get_buff_len(ctx);
	__u8 bytes[32] = {7};
	__u32 at;
	long err;

	if (bpf_xdp_load_bytes(ctx, 0, bytes, sizeof(struct ethhdr)))
		return XDP_ABORTED;
	at = 14 + (bytes[0] ^ bytes[11]) % 128;
	bytes[31] = bytes[13];
	err = bpf_xdp_load_bytes(ctx, at, bytes + 4, 20);
	bytes[0] = err;
	bytes[1] = length;
	bytes[2] = bytes[31];
	err = bpf_xdp_store_bytes(ctx, at + 8, bytes, sizeof(bytes));
	if (err)
		err = bpf_xdp_store_bytes(ctx, length - 4, bytes, 4);
	if (bpf_xdp_store_bytes(ctx, 0x10000, bytes, 4) != -14 ||
	    bpf_xdp_load_bytes(ctx, length - 1, bytes, 2) != -22)
		return XDP_ABORTED;
	return err ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
