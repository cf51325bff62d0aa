// EXPECT layers: kernel
// EXPECT home flows: kernel
// EXPECT home seen: kernel
// EXPECT split-user: only the kernel can work on map flows, which the callback remove_old
/*
 * bpf_for_each_map_elem over a hash, an LRU hash and a per-CPU hash: the kernel walks over them,
 * and calls a function that counts, writes values, deletes elements and looks into another map.
 */
#include "nf.h"

struct bpf_map;

#define TABLE(name, kind, content)                                                                 \
	struct {                                                                                   \
		__uint(type, kind);                                                                \
		__uint(max_entries, 64);                                                           \
		__type(key, __u32);                                                                \
		__type(value, content);                                                            \
	} name SEC(".maps")

TABLE(flows, BPF_MAP_TYPE_HASH, __u64);
TABLE(recent, BPF_MAP_TYPE_LRU_HASH, __u64);
TABLE(local, BPF_MAP_TYPE_PERCPU_HASH, __u32);
TABLE(seen, BPF_MAP_TYPE_HASH, __u32);

__u64 deleted;

struct sums {
	__u64 sum;
	__u32 count;
	const __u8 *at;
	const void *end;
};

static long add(struct bpf_map *map, const __u32 *key, __u64 *value, struct sums *s)
{
	__u32 *also = bpf_map_lookup_elem(&seen, key);

	s->sum += *value + (also ? *also : 0);
	s->count++;
	*value += 1;
	return 0;
}

static long remove_old(struct bpf_map *map, const __u32 *key, __u64 *value, struct sums *s)
{
	if (*value < 5)
		return 0;
	deleted++;
	bpf_map_delete_elem(&flows, key);
	return 0;
}

static long add_local(struct bpf_map *map, const __u32 *key, __u32 *value, struct sums *s)
{
	if (s->at + 1 <= (const __u8 *)s->end)
		s->sum += *value + *s->at;
	return 0;
}

SEC("xdp")
int each_of_a_hash(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct sums s = {.at = data, .end = data_end};
	__u32 key, one = 1;
	__u64 first = 1;

	if (!ip4)
		return XDP_PASS;
	key = ip4->saddr & 31;
	bpf_map_update_elem(&flows, &key, &first, BPF_NOEXIST);
	bpf_map_update_elem(&recent, &key, &first, BPF_NOEXIST);
	bpf_map_update_elem(&local, &key, &one, BPF_ANY);
	if (ip4->tos & 4)
		bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
	ip4->id = bpf_for_each_map_elem(&flows, add, &s, 0);
	bpf_for_each_map_elem(&recent, add, &s, 0);
	bpf_for_each_map_elem(&local, add_local, &s, 0);
	ip4->tot_len = bpf_for_each_map_elem(&flows, remove_old, &s, 0);
	ip4->check = bpf_for_each_map_elem(&flows, remove_old, &s, 1);
	ip4->frag_off = s.count;
	return (deleted ^ s.sum) & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
