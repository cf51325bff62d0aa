// EXPECT layers: kernel
/* bpf_loop of constant length: a callback that reads the packet, counts in a map, stops early. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

struct walk {
	struct xdp_md *ctx;
	__u32 offset, sum;
};

static long add_byte(__u32 index, void *context)
{
	struct walk *w = context;
	__u8 *data = DATA(w->ctx), *data_end = DATA_END(w->ctx);
	__u32 key = index, at = w->offset + index;
	__u64 *count;

	if (at > 200 || data + at + 1 > data_end)
		return 1;
	w->sum = w->sum * 31 + data[at];
	count = bpf_map_lookup_elem(&seen, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	return data[at] == 0xff;
}

SEC("xdp")
int loop_helper(struct xdp_md *ctx)
{
	struct walk w = {.ctx = ctx, .offset = sizeof(struct ethhdr)};
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));
	long done;

	if (!ip4)
		return XDP_PASS;
	done = bpf_loop(24, add_byte, &w, 0);
	if (done < 0)
		return XDP_ABORTED;
	if (bpf_loop(3, add_byte, &w, 1) != -22)
		return XDP_ABORTED;
	return (w.sum + done) % 3 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
