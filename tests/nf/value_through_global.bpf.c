// EXPECT layers: kernel user
// GEN {"saddr4": ["10.0.0.0/30"], "flows": 4}
/*
 * A map's value that is found in the kernel, kept in a global variable by user, and written through
 * what lies there. Where that leads nobody can say, so it counts as a write to each map, and
 * packets of a key keep their order.
 */
#include "nf.h"

NUMBERS(seen, ARRAY, 8);

__u64 *volatile kept;

SEC("xdp")
int value_through_global(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 *count;
	__u32 hash, which;

	if (!ip4)
		return XDP_PASS;
	which = bpf_ntohl(ip4->saddr) & 7;
	count = bpf_map_lookup_elem(&seen, &which);
	if (!count)
		return XDP_ABORTED;
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	kept = count;
	*kept = *kept * 3 + hash;
	hash = *kept;
	kept = NULL;
	return hash & 1 ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
