// EXPECT layers: kernel user
/*
 * Global variables of .rodata, .data and .bss before the loop and behind it. `seed` is read before
 * it and changes behind it: in strict order, which watches no globals, both are on one side. What
 * is only added to is on both.
 */
#include "nf.h"

const volatile __u32 drop_mask = 3;
__u32 seed = 7;
__u64 packets_before, packets_behind, steps;
__u8 last_protocol;

SEC("xdp")
int globals_both_sides(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 hash;

	packets_before++;
	__sync_fetch_and_add(&steps, 1);
	if (!ip4)
		return XDP_PASS;
	hash = hash_bytes((void *)(ip4 + 1), data_end, seed);
	packets_behind++;
	__sync_fetch_and_add(&steps, 2);
	last_protocol = ip4->protocol;
	if (!(hash & drop_mask))
		seed = hash;
	return hash & drop_mask ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
