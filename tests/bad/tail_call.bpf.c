// EXPECT error: tail_call.bpf.c:15: tail_call
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} stages SEC(".maps");

SEC("xdp")
int tail_call(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &stages, 1);
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
