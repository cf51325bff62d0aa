// EXPECT layers: kernel user
// EXPECT home sources: kernel, batched
// EXPECT home lengths: kernel
// EXPECT home scratch: kernel, batched
/*
 * Maps that are pinned by their names are others' too: they stay in the kernel as they are
 * declared, whoever works on them, and scratch that others may read is none.
 */
#include "nf.h"

#define PINNED(name, kind, content)                                                                \
	struct {                                                                                   \
		__uint(type, kind);                                                                \
		__uint(max_entries, 256);                                                          \
		__uint(pinning, LIBBPF_PIN_BY_NAME);                                               \
		__type(key, __u32);                                                                \
		__type(value, content);                                                            \
	} name SEC(".maps")

PINNED(sources, BPF_MAP_TYPE_HASH, __u64);
PINNED(lengths, BPF_MAP_TYPE_ARRAY, __u64);
PINNED(scratch, BPF_MAP_TYPE_PERCPU_ARRAY, __u32);

SEC("xdp")
int pinned_maps(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 one = 1, *count;
	__u32 key, *hash;

	if (!ip4)
		return XDP_PASS;
	key = ip4->ttl;
	count = bpf_map_lookup_elem(&lengths, &key);
	if (count)
		__sync_fetch_and_add(count, data_end - data);
	key = 0;
	hash = bpf_map_lookup_elem(&scratch, &key);
	if (!hash)
		return XDP_ABORTED;
	*hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	ip4->id = *hash;
	key = ip4->saddr;
	count = bpf_map_lookup_elem(&sources, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&sources, &key, &one, BPF_NOEXIST);
	return ip4->id & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
