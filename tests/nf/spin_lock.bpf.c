// EXPECT layers: kernel
// EXPECT home buckets: kernel
// EXPECT home last: kernel
// EXPECT split-user: bpf_spin_lock
/*
 * Two fields that change together under a lock, in a hash and in an array: the section between lock
 * and unlock is the kernel's, and so are the maps. What comes behind can be user's.
 */
#include "nf.h"

struct bucket {
	struct bpf_spin_lock lock;
	__u32 tokens;
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct bucket);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bucket);
} last SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} seen SEC(".maps");

static __always_inline __u32 take(struct bucket *b, __u64 bytes)
{
	__u32 left;

	bpf_spin_lock(&b->lock);
	b->packets++;
	b->bytes += bytes;
	if (b->tokens)
		b->tokens--;
	left = b->tokens;
	bpf_spin_unlock(&b->lock);
	return left;
}

SEC("xdp")
int spin_lock(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct bucket *b, full = {.tokens = 3};
	__u32 key, zero = 0;

	if (!ip4)
		return XDP_PASS;
	b = bpf_map_lookup_elem(&last, &zero);
	if (b)
		take(b, data_end - data);
	key = ip4->saddr;
	b = bpf_map_lookup_elem(&buckets, &key);
	if (!b) {
		bpf_map_update_elem(&buckets, &key, &full, BPF_NOEXIST);
		return XDP_PASS;
	}
	if (!take(b, data_end - data))
		return XDP_DROP;
	ip4->check = ip4->id + key;
	bpf_map_update_elem(&seen, &zero, &key, BPF_ANY);
	return ip4->check & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
