// EXPECT layers: kernel
/*
 * Functions that are not inlined, one calling the other twice, with fewer arguments than registers:
 * what an object's caller left in the others is nothing that a function may keep.
 */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} sums SEC(".maps");

static __noinline __u64 mix(__u64 n)
{
	return (n << 7 ^ n >> 3) * 31;
}

static __noinline __u64 mix_twice(__u32 n)
{
	return mix(n) ^ mix(n + 1);
}

SEC("xdp")
int calls_in_calls(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 *sum, now = bpf_ktime_get_ns();
	__u32 key;

	if (!ip4)
		return XDP_PASS;
	key = ip4->saddr >> 24 & 15;
	sum = bpf_map_lookup_elem(&sums, &key);
	if (!sum)
		return XDP_ABORTED;
	*sum += mix_twice(ip4->daddr) + (now & 1);
	ip4->ttl = mix_twice(ip4->id);
	return *sum & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
