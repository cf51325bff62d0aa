// EXPECT layers: kernel
/*
 * A loop of two rounds whose counter became a flag: with the looks at what is in flight around its
 * look-up the flag is kept on the stack, beside the keys. The verifier has to know it there.
 */
#include <linux/ipv6.h>

#include "nf.h"

struct vlan_tag {
	__be16 tci, proto;
};

struct tally {
	__u16 seen;
	__u8 round[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct tally);
} tallies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

const volatile __u32 base = 43;

static __always_inline __u16 fold(__s64 sum)
{
	__u32 half = ((__u32)sum & 0xffff) + ((__u32)sum >> 16);

	return (half & 0xffff) + (half >> 16);
}

SEC("xdp")
int flag_kept_on_stack(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	__u32 mark = 2, offset = sizeof *eth;
	__u16 proto;

	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	proto = eth->h_proto;
	for (int i = 0; i < 2; i++) {
		struct vlan_tag *tag = data + offset;

		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > data_end)
			return XDP_ABORTED;
		proto = tag->proto;
		offset += 4;
	}
	if (proto != bpf_htons(ETH_P_IPV6))
		return XDP_ABORTED;
	struct ipv6hdr *ip6 = data + offset;
	if ((void *)ip6 + 40 > data_end)
		return bpf_redirect_map(&ports, 8, XDP_DROP);
	if (ip6->nexthdr != IPPROTO_UDP)
		return XDP_PASS;
	struct udphdr *udp = (void *)(ip6 + 1);
	if ((void *)(udp + 1) > data_end)
		return XDP_PASS;
	__u32 words[4] = {0, base ^ 255, proto, 0};
	__s64 sum = bpf_csum_diff(0, 0, words, 16, 0);
	mark ^= fold(sum);
	{
		__u32 key = 48;
		struct tally *tally = bpf_map_lookup_elem(&tallies, &key);
		if (tally)
			mark ^= tally->seen;
	}
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 2; i++) {
		__u32 key = *(__u32 *)((__u8 *)udp + 3) & 63;
		struct tally *tally = bpf_map_lookup_elem(&tallies, &key);

		if (tally)
			tally->round[(i % 3) & 7] = bpf_htons(tally->seen);
	}
	__u8 *far = data + (base & 63);
	if ((void *)(far + 14) > data_end)
		return XDP_TX;
	*(__u64 *)(data + 2) ^= (__u64)mark * 3;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
