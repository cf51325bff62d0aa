// EXPECT layers: kernel user
/*
 * A variable that is set on one path only, and used on others whatever is in it: what a cut takes
 * away may be all that set it, and the verifier lets nobody read what was never written.
 */
#include "nf.h"

#pragma clang diagnostic ignored "-Wsometimes-uninitialized"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int seldom_set(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 index, level;
	__u64 *count;

	if (!ip4)
		return XDP_PASS;
	index = ip4->protocol & 63;
	if (ip4->tos & 1)
		level = hash_bytes((void *)(ip4 + 1), data_end, ip4->tos);
	count = find_or_put_one(&seen, &index);
	bpf_csum_diff(NULL, 0, NULL, 0, level); /* what it gives is nobody's */
	if (count && ip4->tos & 1)
		__sync_fetch_and_add(count, level & 7);
	return count && *count & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
