// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"flows": 10, "dports": [7, 53], "weights": {"udp": 70}, "frames": [
// GEN ["eth", "ipv4", "udp - 7", "hex 4c415431000000000000000000000000", "random 0-30"],
// GEN ["eth", "ipv4", "udp - 7", "hex 4c4154310000000000000001????????", "random 4"]]}
/*
 * Stamps probes with when they were seen, for one-way delay: eight bytes of the payload behind a
 * magic word, with the UDP checksum kept right, and the same in front of the packet as metadata
 * for the stack's programs.
 */
#include "net.h"

struct probe {
	__be32 magic;
	__be32 sequence;
	__be16 time[4];
};

struct meta {
	__u64 time_ns;
	__u32 magic, sequence;
};

NUMBERS(counters, PERCPU_ARRAY, 2);

static __always_inline void stamp(struct udphdr *udp, struct probe *probe, __u64 now)
{
	__u16 check = udp->check;

	for (int i = 0; i < 4; i++) {
		__be16 word = bpf_htons(now >> (48 - 16 * i));

		if (check)
			csum_replace2(&check, probe->time[i], word);
		probe->time[i] = word;
	}
	udp->check = udp->check && !check ? 0xffff : check;
}

SEC("xdp")
int latency_stamp(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct udphdr *udp;
	struct probe *probe;
	struct meta *meta;
	__u32 sequence;
	__u64 now;

	if (!ip4 || ip4->ihl != 5 || ip4->protocol != IPPROTO_UDP || is_fragment(ip4))
		return XDP_PASS;
	udp = (void *)(ip4 + 1);
	probe = (void *)(udp + 1);
	if ((void *)(probe + 1) > data_end || udp->dest != bpf_htons(7) ||
	    probe->magic != bpf_htonl(0x4c415431))
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	sequence = bpf_ntohl(probe->sequence);
	stamp(udp, probe, now);
	count_own(&counters, 0);
	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof *meta)) {
		count_own(&counters, 1);
		return XDP_PASS;
	}
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > DATA(ctx))
		return XDP_ABORTED;
	*meta = (struct meta){now, 0x4c415431, sequence};
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
