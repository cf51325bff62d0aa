// EXPECT layers: kernel
// GEN {"saddr4": ["10.0.0.0/29"], "flows": 12}
// MAPS {"own": [{"key": "10.0.0.1", "value": 3}, {"key": "10.0.0.2", "value": 5}],
// MAPS "defaults": [{"key": 0, "value": 7}]}
/*
 * One pointer, chosen from the values of two maps, which is read and written through: both
 * maps are touched where that happens. The third choice is the packet itself.
 */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __be32);
	__type(value, __u32);
} own SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} defaults SEC(".maps");

SEC("xdp")
int mixed_map_pointers(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 *limit, *other, zero = 0;
	__be32 address;

	if (!ip4)
		return XDP_PASS;
	address = ip4->saddr;
	other = bpf_map_lookup_elem(&defaults, &zero);
	if (!other)
		return XDP_ABORTED;
	limit = bpf_map_lookup_elem(&own, &address);
	if (!limit)
		limit = other;
	if (ip4->ttl == 1)
		limit = &ip4->daddr;
	*limit += ip4->tos | 1;
	return *limit & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
