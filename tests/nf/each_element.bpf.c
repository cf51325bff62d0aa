// EXPECT layers: kernel
/* bpf_for_each_map_elem over an array and a per-CPU array: reads, writes, a callback that stops. */
#include "nf.h"

struct bpf_map;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 9);
	__type(key, __u32);
	__type(value, __u64);
} loads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} local SEC(".maps");

struct search {
	__u64 least;
	__u32 where, wanted;
};

static long find_least(struct bpf_map *map, const void *key, void *value, void *context)
{
	struct search *s = context;
	__u64 *load = value;

	if (*load < s->least) {
		s->least = *load;
		s->where = *(const __u32 *)key;
	}
	return 0;
}

static long age(struct bpf_map *map, const void *key, void *value, void *context)
{
	struct search *s = context;
	__u32 *count = value;

	*count += *(const __u32 *)key + 1;
	return *(const __u32 *)key == s->wanted;
}

SEC("xdp")
int each_element(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct search s = {.least = ~0ull};
	__u64 *load;
	long all, some;

	if (!ip4)
		return XDP_PASS;
	s.wanted = ip4->ttl & 3;
	all = bpf_for_each_map_elem(&loads, find_least, &s, 0);
	load = bpf_map_lookup_elem(&loads, &s.where);
	if (load)
		*load += 1 + (ip4->tos & 7);
	some = bpf_for_each_map_elem(&local, age, &s, 0);
	ip4->ttl = s.where;
	return all == 9 && some == s.wanted + 1 ? XDP_TX : XDP_ABORTED;
}

char _license[] SEC("license") = "Dual BSD/GPL";
