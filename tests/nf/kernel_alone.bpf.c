// EXPECT layers: kernel
// EXPECT cuts: 0
// EXPECT split-user: only the kernel can answer bpf_get_current_task
/* No packet can leave anywhere: all there is to check is the kernel part itself. */
#include "nf.h"

SEC("xdp")
int kernel_alone(struct xdp_md *ctx)
{
	return bpf_get_current_task() ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "GPL";
