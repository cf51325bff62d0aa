// EXPECT layers: kernel user
// EXPECT home known: user
/* A look-up's result is live across the loop and tested for NULL only behind it. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} known SEC(".maps");

SEC("xdp")
int null_or_value_live(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 *hits;
	__u32 key, hash;

	if (!ip4)
		return XDP_PASS;
	key = ip4->protocol;
	hits = bpf_map_lookup_elem(&known, &key);
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	if (!hits) {
		__u64 first = hash;

		bpf_map_update_elem(&known, &key, &first, BPF_ANY);
		return XDP_DROP;
	}
	*hits += hash & 0xff;
	return *hits & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
