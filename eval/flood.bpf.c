/* Both ends of flood.c: frames out of an interface, and counting what comes back to it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} received SEC(".maps");

SEC("xdp") int flood_send(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("xdp") int flood_receive(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&received, &zero);

	if (count)
		++*count;
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
