// A map whose address lies on the stack, where only the kernel's verifier follows it.
// EXPECT error: map_unknown.bpf.c:21: which map this call works on cannot be told
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} even SEC(".maps"), odd SEC(".maps");

SEC("xdp")
int map_unknown(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index;
	void *volatile table = &even;

	if (key & 1)
		table = &odd;
	return bpf_map_lookup_elem(table, &key) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
