// EXPECT layers: kernel user
/* A packet pointer at a variable offset (behind IP options) is live across the loop and written
 * through. */
#include "nf.h"

SEC("xdp")
int packet_pointer_live(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct udphdr *udp;
	__u32 hash;

	if (!ip4 || ip4->ihl < 5 || ip4->protocol != IPPROTO_UDP)
		return XDP_PASS;
	udp = (void *)ip4 + ip4->ihl * 4;
	if ((void *)(udp + 1) > data_end)
		return XDP_DROP;
	hash = hash_bytes((void *)(udp + 1), data_end, udp->source);
	udp->check = hash;
	ip4->tos = hash >> 16;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
