// EXPECT layers: kernel
// EXPECT split-user: bpf_spin_lock
/*
 * Words in the payload, each found by a loop that goes on by one byte or jumps over a mark: the
 * least step bounds it. What it finds is counted under a lock, inside of the loop: kernel only.
 */
#include "nf.h"

enum { TEXT_BYTES = 40 };

struct word {
	struct bpf_spin_lock lock;
	__u32 seen, last;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct word);
} words SEC(".maps");

static __always_inline void count(__u32 hash, __u32 at)
{
	__u32 key = hash & 15;
	struct word *w = bpf_map_lookup_elem(&words, &key);

	if (!w)
		return;
	bpf_spin_lock(&w->lock);
	w->seen++;
	w->last = at;
	bpf_spin_unlock(&w->lock);
}

SEC("xdp")
int loop_uneven_steps(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u8 *text = (__u8 *)(ip4 + 1);
	__u32 hash = 5381, off;

	if (!ip4)
		return XDP_PASS;
#pragma clang loop unroll(disable)
	for (off = 0; off < TEXT_BYTES && (void *)(text + off + 1) <= data_end; off++) {
		if (text[off] < 16) {
			off += 3; /* a mark */
			continue;
		}
		hash = hash * 33 ^ text[off];
		if (text[off] & 1) {
			count(hash, off);
			hash = 5381;
		}
	}
	return hash & 1 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
