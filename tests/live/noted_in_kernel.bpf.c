/* A note for tc that the kernel part writes, before user has the packet: it travels along. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "hand_abi.h"

SEC("xdp")
int noted_in_kernel(struct xdp_md *ctx)
{
	struct udphdr *udp;
	__u32 *note, sum = 0;
	const __u8 *byte;
	void *data_end;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*note)))
		return XDP_ABORTED;
	note = (void *)(long)ctx->data_meta;
	udp = (void *)(long)ctx->data + sizeof(struct ethhdr) + sizeof(struct iphdr);
	data_end = (void *)(long)ctx->data_end;
	if ((void *)(note + 1) > (void *)(long)ctx->data || (void *)(udp + 1) > data_end)
		return XDP_PASS;
	*note = HAND_NOTE;
	if (udp->dest & bpf_htons(1))
		return XDP_PASS;
	for (byte = (void *)(udp + 1); (void *)(byte + 1) <= data_end; byte++) /* no bound: user */
		sum += *byte;
	if (udp->dest & bpf_htons(2))
		*note += sum | 1;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
