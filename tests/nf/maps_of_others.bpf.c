// EXPECT layers: kernel
// OPTION --program maps_of_others
/*
 * Maps that only unreached code names are none of the program's: those in a map of maps that
 * nothing asks, and those of a program in an array that is never called through.
 */
#include "nf.h"

struct table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} table_a SEC(".maps"), table_b SEC(".maps"), seen SEC(".maps"), counted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct table);
} tenants SEC(".maps") = {
    .values = {[0] = &table_a, [2] = &table_b},
};

int second(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} next SEC(".maps") = {.values = {[1] = (void *)&second}};

SEC("xdp")
int second(struct xdp_md *ctx)
{
	__u32 key = ctx->ingress_ifindex;
	__u64 *n = bpf_map_lookup_elem(&counted, &key);

	if (n)
		*n += 1;
	bpf_tail_call(ctx, &next, 0);
	return XDP_PASS;
}

SEC("xdp")
int maps_of_others(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 *n, one = 1;

	if (!ip4)
		return XDP_PASS;
	n = bpf_map_lookup_elem(&seen, &ip4->saddr);
	if (!n)
		return bpf_map_update_elem(&seen, &ip4->saddr, &one, BPF_NOEXIST) ? XDP_ABORTED
										  : XDP_PASS;
	*n += 1;
	return *n & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
