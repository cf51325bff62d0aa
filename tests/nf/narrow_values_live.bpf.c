// EXPECT layers: kernel user
/* Values of 1, 8, 16, 32 and 64 bits are live across the loop, signed and unsigned. */
#include "nf.h"

SEC("xdp")
int narrow_values_live(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	bool odd;
	__s8 small;
	__u16 ports;
	__s32 balance;
	__u64 wide;
	__u32 hash;

	if (!ip4 || (void *)(ip4 + 1) + 4 > data_end)
		return XDP_PASS;
	odd = ip4->id & bpf_htons(1);
	small = (__s8)ip4->ttl;
	ports = *(__u16 *)(ip4 + 1);
	balance = (__s32)bpf_ntohl(ip4->saddr) - (__s32)bpf_ntohl(ip4->daddr);
	wide = (__u64)ip4->saddr << 32 | ip4->daddr;
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	if (odd != (hash & 1))
		return XDP_DROP;
	ip4->id = ports;
	ip4->ttl = small < 0 ? 1 : small;
	ip4->saddr = wide >> 24;
	return balance < 0 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
