// EXPECT layers: kernel
/* bpf_csum_diff of what was, of what is, of both, and of neither, with each kind of seed. */
#include "nf.h"

SEC("xdp")
int csum_modes(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__be32 before[5], *words;
	__s64 pulled, pushed, changed, none;

	if (!ip4 || (void *)(ip4 + 1) + 16 > data_end)
		return XDP_PASS;
	words = (void *)(ip4 + 1);
	__builtin_memcpy(before, ip4, sizeof(before));
	ip4->ttl--;
	ip4->daddr ^= words[0];
	pulled = bpf_csum_diff(before, sizeof(before), 0, 0, words[1]);
	pushed = bpf_csum_diff(0, 0, (__be32 *)ip4, sizeof(*ip4), ~words[2]);
	changed = bpf_csum_diff(before, sizeof(before), words, 8, 0);
	changed += bpf_csum_diff(before, 8, (__be32 *)ip4, sizeof(*ip4), changed);
	none = bpf_csum_diff(0, 0, 0, 0, words[3]);
	words[0] = pulled;
	words[1] = pushed;
	words[2] = changed;
	words[3] = none;
	ip4->check = ~changed;
	return pulled < 0 || none < 0 ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
