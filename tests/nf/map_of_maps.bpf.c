// EXPECT layers: kernel
// EXPECT home tenants: kernel
/* A table for each tenant, found by its number, and in it the client. One table is missing. */
#include "nf.h"

struct table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} table_a SEC(".maps"), table_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct table);
} tenants SEC(".maps") = {
    .values = {[0] = &table_a, [2] = &table_b, [3] = &table_a},
};

struct counters {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} odd SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, struct counters);
} by_protocol SEC(".maps") = {
    .values = {[1] = &odd},
};

SEC("xdp")
int map_of_maps(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 tenant, client, slot = 0;
	__u64 *seen, start = 1;
	void *table, *counts;

	if (!ip4)
		return XDP_PASS;
	tenant = bpf_ntohl(ip4->daddr) & 3;
	client = ip4->saddr;
	table = bpf_map_lookup_elem(&tenants, &tenant);
	if (!table)
		return XDP_DROP;
	seen = bpf_map_lookup_elem(table, &client);
	if (!seen)
		return bpf_map_update_elem(table, &client, &start, BPF_NOEXIST) ? XDP_ABORTED
										: XDP_PASS;
	*seen += 1;
	if (*seen > 5)
		bpf_map_delete_elem(table, &client);
	client = ip4->protocol & 1;
	counts = bpf_map_lookup_elem(&by_protocol, &client);
	if (!counts)
		return XDP_PASS;
	slot = ip4->id & 1;
	seen = bpf_map_lookup_elem(counts, &slot);
	if (seen)
		__sync_fetch_and_add(seen, 1);
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
