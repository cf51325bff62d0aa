// EXPECT layers: kernel user
// EXPECT home counters: shared array
/* Both layers add to the same element of an array that all CPUs share, and to a global variable. */
#include "nf.h"

struct counter {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

__u32 steps;

static __always_inline void count(__u32 index, __u64 bytes)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &index);

	steps++;
	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
}

SEC("xdp")
int array_counters(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 bytes = data_end - data;
	__u32 hash;

	count(0, bytes);
	if (!ip4)
		return XDP_PASS;
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	count(0, bytes);
	count(1 + (hash & 3), bytes);
	return hash & 1 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
