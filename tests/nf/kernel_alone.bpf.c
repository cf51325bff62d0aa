// EXPECT layers: kernel
// EXPECT cuts: 0
// EXPECT split-user: only the kernel can answer bpf_check_mtu
/* No packet can leave anywhere: all there is to check is the kernel part itself. */
#include "nf.h"

SEC("xdp")
int kernel_alone(struct xdp_md *ctx)
{
	__u32 mtu = 0;

	return bpf_check_mtu(ctx, 0, &mtu, 1000, 0) ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "GPL";
