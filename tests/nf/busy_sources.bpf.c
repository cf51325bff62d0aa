// EXPECT layers: kernel user
/* Packets of the sources seen last, a count for each CPU; behind a loop that only user can run. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} busy SEC(".maps");

SEC("xdp")
int busy_sources(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 *count, one = 1;
	__u32 hash;

	if (!ip4)
		return XDP_PASS;
	hash = hash_bytes((void *)(ip4 + 1), data_end, ip4->saddr) & 255;
	count = bpf_map_lookup_elem(&busy, &hash);
	if (!count) {
		bpf_map_update_elem(&busy, &hash, &one, BPF_NOEXIST);
		return XDP_PASS;
	}
	*count += 1;
	ip4->id = *count;
	return *count & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
