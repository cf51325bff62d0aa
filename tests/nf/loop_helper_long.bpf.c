// EXPECT layers: kernel
/*
 * 200000 rounds of bpf_loop, which the verifier takes for one: the source's own program is the
 * plan, and what it is compared with.
 */
#include "nf.h"

struct mix {
	__u32 word, salt;
};

static int stir(__u32 index, struct mix *m)
{
	if (m->word & 1)
		m->word ^= m->salt + index;
	m->word = m->word * 1664525 + 1013904223;
	if (m->word >> 20 == 7)
		m->salt++;
	return m->word == 5;
}

SEC("xdp")
int loop_helper_long(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));
	struct mix m = {.salt = 3};

	if (!ip4)
		return XDP_PASS;
	m.word = ip4->saddr;
	if (bpf_loop(200000, stir, &m, 0) < 0)
		return XDP_ABORTED;
	ip4->id = m.word >> 16;
	return m.salt & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
