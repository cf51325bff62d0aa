// EXPECT layers: kernel user
/*
 * The pointer that the loop's first check fails with is the one that is written through behind the
 * loop; and differences of packet pointers, of 32 bits, on both sides of a cut.
 */
#include "nf.h"

#include <linux/icmp.h>

static __always_inline __u16 checksum(const void *from, const void *end, const void *data_end)
{
	const __u16 *p = from;
	__u32 sum = 0;

	while ((const void *)(p + 1) <= end && (const void *)(p + 1) <= data_end)
		sum += *p++;
	if ((const void *)p < end && (const void *)p + 1 <= data_end)
		sum += *(const __u8 *)p;
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

SEC("xdp")
int failed_check_pointer(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct icmphdr *icmp;
	__u32 before, words, frame = ctx->data_end - ctx->data;

	if (!ip4 || ip4->protocol != IPPROTO_ICMP)
		return XDP_PASS;
	icmp = (void *)ip4 + ip4->ihl * 4;
	if ((void *)(icmp + 1) > data_end)
		return XDP_DROP;
	before = (void *)icmp - data;
	words = ((void *)icmp - data - sizeof(struct ethhdr)) / 4;
	icmp->type = ICMP_ECHOREPLY;
	icmp->checksum = 0;
	icmp->checksum = checksum(icmp, (void *)icmp + ((frame - before) & 0x7ff), data_end);
	return (words + frame) & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
