// EXPECT layers: kernel
// EXPECT cuts: 0
// EXPECT split-user: bpf_spin_lock
/*
 * Loops with an end that only the kernel's verifier finds, and a lock behind them, which user
 * cannot take: a number that is halved, and one that grows by what it is. What it says counts.
 */
#include "nf.h"

struct bucket {
	struct bpf_spin_lock lock;
	__u32 weight;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct bucket);
} buckets SEC(".maps");

SEC("xdp")
int loop_left_to_verifier(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct bucket *b;
	__u32 rest, bits = 0, sum = 0;

	if (!ip4)
		return XDP_PASS;
#pragma clang loop unroll(disable)
	for (rest = ip4->ttl; rest; rest >>= 1)
		bits += rest & 1;
#pragma clang loop unroll(disable)
	for (rest = 1; rest < 600; rest = rest * 3 + 1)
		sum = sum * 5 + (rest ^ ip4->protocol);
	bits &= 7;
	b = bpf_map_lookup_elem(&buckets, &bits);
	if (!b)
		return XDP_PASS;
	bpf_spin_lock(&b->lock);
	b->weight += sum;
	sum = b->weight;
	bpf_spin_unlock(&b->lock);
	return sum & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
