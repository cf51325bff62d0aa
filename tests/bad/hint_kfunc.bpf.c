// EXPECT error: hint_kfunc.bpf.c:12: (it needs a program that is bound to one device) is not
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *timestamp) __ksym;

__u64 last;

SEC("xdp")
int hint_kfunc(struct xdp_md *ctx)
{
	return bpf_xdp_metadata_rx_timestamp(ctx, &last) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
