// EXPECT layers: kernel
/* A table of this tenant's own, found in a map of maps, or the one for all others. */
#include "nf.h"

struct table {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} table_a SEC(".maps"), table_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u32);
	__array(values, struct table);
} tenants SEC(".maps") = {.values = {[0] = &table_a, [2] = &table_b}};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} others SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline void count(__u32 which)
{
	__u64 *value = bpf_map_lookup_elem(&counts, &which);

	if (value)
		*value += 1;
}

SEC("xdp")
int map_or_inner_map(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 tenant, client;
	__u64 *value, start = 1;
	void *table;

	if (!ip4)
		return XDP_PASS;
	tenant = bpf_ntohl(ip4->daddr) & 3;
	client = ip4->saddr;
	table = bpf_map_lookup_elem(&tenants, &tenant);
	if (!table) {
		table = &others;
		count(0);
	}
	value = bpf_map_lookup_elem(table, &client);
	if (!value) {
		bpf_map_update_elem(table, &client, &start, BPF_ANY);
		return XDP_DROP;
	}
	count(1);
	*value += 1;
	return *value & 4 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
