// EXPECT layers: kernel user
// GEN {"saddr4": ["10.0.0.0/30"], "flows": 4}
/*
 * A map's value that is found in the kernel, kept on the stack in user, and read and written
 * through what lies there: both parts touch the map, and packets of a key keep their order.
 */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __be32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int value_through_stack(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 *volatile kept;
	__u64 *count;
	__u32 hash;
	__be32 key;

	if (!ip4)
		return XDP_PASS;
	key = ip4->saddr;
	count = find_or_put_one(&seen, &key);
	if (!count)
		return XDP_PASS;
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	kept = count;
	*kept = *kept * 3 + hash;
	return *kept & 1 ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
