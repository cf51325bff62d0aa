// EXPECT layers: kernel user
// CHECK --delay 0: strict order does not cover global variables
/* Global variables of .rodata, .data and .bss are read and written on both sides of the loop. */
#include "nf.h"

const volatile __u32 drop_mask = 3;
__u32 seed = 7;
__u64 packets_before, packets_behind;
__u8 last_protocol;

SEC("xdp")
int globals_both_sides(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 hash;

	packets_before++;
	if (!ip4)
		return XDP_PASS;
	hash = hash_bytes((void *)(ip4 + 1), data_end, seed);
	packets_behind++;
	last_protocol = ip4->protocol;
	if (!(hash & drop_mask))
		seed = hash;
	return hash & drop_mask ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
