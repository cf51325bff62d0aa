// EXPECT error: c_error.bpf.c:8: use of undeclared identifier 'lenght'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int c_error(struct xdp_md *ctx)
{
	return lenght > 64 ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
