// EXPECT layers: kernel user
/*
 * Structs of packet pointers that are copied as numbers and as blocks of bytes: what lies in the
 * copies are pointers too.
 */
#include "nf.h"

struct cursor {
	void *pos, *end;
	__u32 depth;
};

SEC("xdp")
int pointers_copied(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	volatile struct cursor first = {.pos = data, .end = data_end, .depth = 1};
	volatile __u64 word;
	volatile struct cursor copy;
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct iphdr *last;

	if (!ip4)
		return XDP_PASS;
	copy = first;
	word = *(volatile __u64 *)&copy.pos;
	__u64 number = word;
	if (ip4->ttl & 1)
		return XDP_DROP;
	barrier_var(number);
	__u32 hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	if (hash & 1)
		return XDP_PASS;
	__u8 *p = (void *)number;
	if ((void *)(p + 20) > data_end)
		return XDP_PASS;
	return (p[14] ^ copy.depth) & 4 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
