/* For the far end of a veth pair: without an XDP program there, veth does not deliver what XDP_TX
 * sends. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int peer_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
