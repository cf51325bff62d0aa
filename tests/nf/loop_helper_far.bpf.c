// EXPECT layers: kernel user
/*
 * bpf_loop over a number of rounds from the packet, nested: each round counts the bits of a word
 * in a loop of its own, and a loop behind it has no bound.
 */
#include "nf.h"

struct rounds {
	__u32 word, bits, most, total;
};

static int count_bit(__u32 index, struct rounds *r)
{
	if (index > 31)
		return 1;
	r->bits += r->word >> index & 1;
	return 0;
}

static int take_round(__u64 index, struct rounds *r)
{
	r->word = r->word * 1664525 + 1013904223;
	r->bits = 0;
	r->total += bpf_loop(40, count_bit, r, 0);
	if (r->bits > r->most)
		r->most = r->bits;
	return r->bits > 24;
}

SEC("xdp")
int loop_helper_far(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct rounds r = {};
	long done;

	if (!ip4)
		return XDP_PASS;
	r.word = ip4->saddr;
	done = bpf_loop(bpf_ntohs(ip4->id), take_round, &r, 0);
	if (bpf_loop(1 + (1 << 23), take_round, &r, 0) != (__u32)-7)
		return XDP_ABORTED;
	ip4->ttl = r.most + r.total;
	ip4->tos = done;
	ip4->check = hash_bytes((void *)(ip4 + 1), data_end, r.total);
	return r.most > 20 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
