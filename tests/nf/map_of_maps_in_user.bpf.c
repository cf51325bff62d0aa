// EXPECT layers: kernel user
// EXPECT home tenants: kernel, batched
/* A table that was found in the kernel is worked on in user, and another one is found there. */
#include "nf.h"

struct flow {
	__u64 packets;
	__u32 hash;
};

struct table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct flow);
} table_a SEC(".maps"), table_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct table);
} tenants SEC(".maps") = {.values = {[0] = &table_a, [2] = &table_b, [3] = &table_a}};

SEC("xdp")
int map_of_maps_in_user(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct flow *flow, *other, start = {};
	__u32 tenant, client, hash;
	void *table;

	if (!ip4)
		return XDP_PASS;
	tenant = bpf_ntohl(ip4->daddr) & 3;
	client = ip4->saddr;
	table = bpf_map_lookup_elem(&tenants, &tenant);
	if (!table)
		return XDP_DROP;
	flow = bpf_map_lookup_elem(table, &client);
	if (flow && flow->packets & 1) {
		flow->packets++;
		return XDP_PASS;
	}
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	start.packets = 1;
	start.hash = hash;
	flow = bpf_map_lookup_elem(table, &client);
	if (!flow)
		return bpf_map_update_elem(table, &client, &start, BPF_NOEXIST) ? XDP_DROP
										: XDP_PASS;
	tenant = hash & 3;
	table = bpf_map_lookup_elem(&tenants, &tenant);
	other = table ? bpf_map_lookup_elem(table, &client) : NULL;
	if (other) {
		other->hash ^= hash;
		__sync_fetch_and_add(&other->packets, 3);
	}
	flow->packets++;
	if (table && hash & 64)
		bpf_map_delete_elem(table, &client);
	return flow->hash & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
