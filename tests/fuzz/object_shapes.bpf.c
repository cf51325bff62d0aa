/*
 * Seeds of the fuzz target of objects: subprograms, spills, a stack object, global data of all
 * kinds, atomics, division, a loop, each once and small.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

__u64 total;
__u32 kept = 7;
const volatile __u32 limit = 3;

static __attribute__((noinline)) __u64 *find(__u32 *key)
{
	return bpf_map_lookup_elem(&seen, key);
}

__attribute__((noinline)) int mix(__u32 a, __u32 b)
{
	return a / (b + 1) ^ a % (b | 1);
}

SEC("xdp")
int shapes(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	__u32 key, hash = 0;
	__u64 *value;

	if (data + ETH_HLEN > end)
		return XDP_PASS;
	for (int i = 0; i < 6; i++)
		hash = hash * 31 + data[i];
	key = mix(hash, data[12]);
	value = find(&key);
	if (!value)
		return bpf_redirect(hash & 3, 0);
	__sync_fetch_and_add(value, 1);
	kept = __sync_fetch_and_or(&total, hash);
	return *value > limit ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
