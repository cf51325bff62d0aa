// EXPECT layers: kernel user
/*
 * What a division and shifts by numbers of the packet's give is handed over, and is the same where
 * user computes it: also where a divisor is 0, and a distance is more than there are bits.
 */
#include "nf.h"

NUMBERS(seen, ARRAY, 64);

SEC("xdp")
int quotient_live(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 hash, share, rest, index;
	__u64 shifted, *count;

	if (!ip4)
		return XDP_PASS;
	share = bpf_ntohs(ip4->tot_len) / (__u32)(ip4->id & 3);
	rest = bpf_ntohl(ip4->saddr) % (__u32)(ip4->ttl & 7);
	shifted = (__u64)ip4->daddr << (ip4->protocol & 127) | ip4->saddr >> (ip4->ttl & 63);
	index = ip4->protocol & 63;
	count = bpf_map_lookup_elem(&seen, &index);
	if (!count)
		return XDP_ABORTED;
	hash = hash_bytes((void *)(ip4 + 1), data_end, share);
	*count += shifted + rest;
	ip4->id = hash + share * 3 + rest + (shifted >> (ip4->ttl & 15));
	return hash & 1 ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
