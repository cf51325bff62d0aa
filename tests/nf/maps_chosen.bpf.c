// EXPECT layers: kernel
/* Calls whose map is chosen before: by the source, and by LLVM, which joins two such calls. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} odd SEC(".maps"), even SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} late SEC(".maps");

SEC("xdp")
int maps_chosen(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	void *map;
	__u32 source;
	__u64 *value, start = 1;

	if (!ip4)
		return XDP_PASS;
	source = ip4->saddr;
	if (ip4->id & 2)
		value = bpf_map_lookup_elem(&odd, &source);
	else
		value = bpf_map_lookup_elem(&even, &source);
	if (value && *value & 2)
		return XDP_TX;
	map = ip4->id & 1 ? (void *)&odd : ip4->ttl & 1 ? (void *)&late : (void *)&even;
	value = bpf_map_lookup_elem(map, &source);
	if (!value) {
		bpf_map_update_elem(map, &source, &start, BPF_ANY);
		return XDP_DROP;
	}
	*value += 1;
	if (*value & 8)
		bpf_map_delete_elem(map, &source);
	return *value & 4 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
