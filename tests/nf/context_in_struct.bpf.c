// EXPECT layers: kernel
/*
 * A struct that holds the context's address, beside a key whose own goes to a helper, given to a
 * callback: what the callback reads of the context is read there.
 */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} sums SEC(".maps");

struct walk {
	struct xdp_md *ctx;
	__u32 key;
	__u32 sum;
};

static long add_byte(__u32 index, void *context)
{
	struct walk *w = context;
	void *data = DATA(w->ctx), *data_end = DATA_END(w->ctx);
	__u8 *p = data + (index & 63);
	__u64 *sum;

	if ((void *)(p + 1) > data_end)
		return 1;
	w->sum += *p;
	w->key = *p & 3;
	sum = bpf_map_lookup_elem(&sums, &w->key);
	if (sum)
		__sync_fetch_and_add(sum, w->sum);
	return 0;
}

SEC("xdp")
int context_in_struct(struct xdp_md *ctx)
{
	struct walk w = {.ctx = ctx};

	bpf_loop(24, add_byte, &w, 0);
	return w.sum & 1 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
