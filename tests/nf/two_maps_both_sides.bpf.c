// EXPECT layers: kernel user
// EXPECT home sources: user
// EXPECT home totals: user
/* Two maps are read and written before the loop and behind it. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, __u64);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} totals SEC(".maps");

SEC("xdp")
int two_maps_both_sides(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 *packets, *total, one = 1;
	__u32 index = 0, hash;
	__be32 address;

	if (!ip4)
		return XDP_PASS;
	address = ip4->saddr;
	packets = bpf_map_lookup_elem(&sources, &address);
	total = bpf_map_lookup_elem(&totals, &index);
	if (total)
		__sync_fetch_and_add(total, 1);
	if (!packets)
		bpf_map_update_elem(&sources, &address, &one, BPF_ANY);
	else
		__sync_fetch_and_add(packets, 1);
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	index = hash & 3;
	address = ip4->daddr;
	total = bpf_map_lookup_elem(&totals, &index);
	packets = bpf_map_lookup_elem(&sources, &address);
	if (total)
		__sync_fetch_and_add(total, 100);
	if (packets)
		__sync_fetch_and_add(packets, 1000);
	return packets ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
