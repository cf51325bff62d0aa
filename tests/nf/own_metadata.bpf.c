// EXPECT layers: kernel
/*
 * A program that leaves metadata of its own for a tc program, and moves it with the packet's
 * start. A packet may be handed over before it is there, and also behind: then it travels along.
 */
#include "nf.h"
#include "net.h"

struct note {
	__u32 hash, length;
};

static __always_inline int write_note(struct xdp_md *ctx, __u32 hash)
{
	struct note *note;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*note)))
		return -1;
	note = (void *)(long)ctx->data_meta;
	if ((void *)(note + 1) > DATA(ctx))
		return -1;
	note->hash = hash;
	note->length = DATA_END(ctx) - DATA(ctx);
	return 0;
}

SEC("xdp")
int own_metadata(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct note *note;
	__u32 hash;

	if (!ip4)
		return XDP_PASS;
	hash = hash_mix(ip4->saddr * 31 + ip4->daddr);
	if ((void *)(long)ctx->data_meta != data)
		return XDP_ABORTED;
	if (write_note(ctx, hash))
		return XDP_ABORTED;
	if (hash & 1 && bpf_xdp_adjust_head(ctx, hash & 2 ? -16 : 4))
		return XDP_DROP;
	if (hash & 4 && bpf_xdp_adjust_meta(ctx, 4))
		return XDP_DROP;
	if (bpf_xdp_adjust_meta(ctx, -3) != -13 || !bpf_xdp_adjust_meta(ctx, 12))
		return XDP_ABORTED;
	note = (void *)(long)ctx->data_meta;
	data = DATA(ctx);
	data_end = DATA_END(ctx);
	if ((void *)note + 4 > data || data + 14 > data_end)
		return XDP_DROP;
	if (hash & 1)
		__builtin_memcpy(data, note, 4);
	return hash & 8 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
