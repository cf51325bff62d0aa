// EXPECT error: unsupported_map_type.bpf.c: stacks
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 16);
	__uint(value_size, 4);
} stacks SEC(".maps");

SEC("xdp")
int unsupported_map_type(struct xdp_md *ctx)
{
	__u32 value = 0;

	return bpf_map_pop_elem(&stacks, &value) ? XDP_DROP : value;
}

char _license[] SEC("license") = "Dual BSD/GPL";
