// In relaxed order nobody keeps two packets' copies of a value apart.
// EXPECT error: inner_relaxed.bpf.c:33: in relaxed order user may not change values of the maps
// OPTION --order relaxed
// OPTION --split user
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct table);
} tables SEC(".maps") = {.values = {[0] = &table}};

SEC("xdp")
int inner_relaxed(struct xdp_md *ctx)
{
	__u32 key = 0, *count;
	void *found = bpf_map_lookup_elem(&tables, &key);

	if (!found)
		return XDP_DROP;
	key = ctx->rx_queue_index;
	count = bpf_map_lookup_elem(found, &key);
	if (count)
		*count += 1;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
