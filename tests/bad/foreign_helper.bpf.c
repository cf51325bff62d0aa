// EXPECT error: foreign_helper.bpf.c:8: no kernel lets an XDP program call helper skb_change_proto
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int foreign_helper(struct xdp_md *ctx)
{
	return bpf_skb_change_proto((void *)ctx, 0, 0) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
