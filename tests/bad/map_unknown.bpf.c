// A map that stands in another one, or else one of the program.
// EXPECT error: map_unknown.bpf.c:32: which map this call works on cannot be told
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} fallback SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct table);
} tables SEC(".maps");

SEC("xdp")
int map_unknown(struct xdp_md *ctx)
{
	__u32 key = 0;
	void *table = bpf_map_lookup_elem(&tables, &key);

	if (!table)
		table = &fallback;
	/*
	 * The kernel's verifier takes it.
	 */
	key = ctx->rx_queue_index;
	return bpf_map_lookup_elem(table, &key) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
