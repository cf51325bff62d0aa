// A map of maps that does not say what the maps in it look like.
// EXPECT error: map_in_map.bpf.c:11: map tables does not say what the maps in it look like
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} tables SEC(".maps");

SEC("xdp") int nf(struct xdp_md *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&tables, &key) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
