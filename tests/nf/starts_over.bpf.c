// EXPECT layers: kernel user
// EXPECT cuts: 1
/*
 * More is live before the loop than a handoff takes, and most packets never get there: those that
 * do go to user as they came, and it starts over with them. Nothing that the kernel did shows.
 */
#include "nf.h"

#define SAMPLE 256

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int starts_over(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u8 sample[SAMPLE] = {};
	__u64 one = 1, *count;
	__u32 hash = 0, key;

	if (!ip4)
		return XDP_PASS;
	take_sample(sample, SAMPLE, data, data_end);
	key = ip4->saddr;
	count = bpf_map_lookup_elem(&seen, &key);
	if (count && *count > 2)
		return XDP_DROP;
	if (sample[(ip4->id >> 8) & (SAMPLE - 1)] & 3)
		return XDP_TX;
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	hash = sample[hash & (SAMPLE - 1)] + hash;
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
	return hash & 1 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
