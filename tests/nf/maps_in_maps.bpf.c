// EXPECT layers: kernel
// EXPECT split-user: only the kernel can work on
/* Maps of several kinds inside others: arrays of any length, per-CPU values, longest prefixes. */
#include "nf.h"

struct counter {
	__u64 count;
	__u32 rest[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(
	    values, struct {
		    __uint(type, BPF_MAP_TYPE_ARRAY);
		    __uint(max_entries, 8);
		    __uint(map_flags, BPF_F_INNER_MAP);
		    __type(key, __u32);
		    __type(value, struct counter);
	    });
} arrays SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(
	    values, struct {
		    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
		    __uint(max_entries, 8);
		    __type(key, __u64);
		    __type(value, __u32);
	    });
} hashes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(
	    values, struct {
		    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
		    __uint(max_entries, 8);
		    __uint(map_flags, BPF_F_NO_PREALLOC);
		    __type(key, __u64);
		    __type(value, __u32);
	    });
} tries SEC(".maps");

SEC("xdp")
int maps_in_maps(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct counter *counter;
	__u32 slot, *value, start = 5;
	__u64 key;
	void *map;

	if (!ip4)
		return XDP_PASS;
	slot = ip4->protocol & 3;
	map = bpf_map_lookup_elem(&arrays, &slot);
	if (map) {
		slot = bpf_ntohs(ip4->id) & 15;
		counter = bpf_map_lookup_elem(map, &slot);
		if (counter) {
			counter->count += ip4->ttl;
			if (counter->count & 64)
				return XDP_TX;
		}
	}
	slot = 1;
	map = bpf_map_lookup_elem(&hashes, &slot);
	if (map) {
		key = ip4->saddr;
		value = bpf_map_lookup_elem(map, &key);
		if (value)
			*value += 1;
		else
			bpf_map_update_elem(map, &key, &start, BPF_ANY);
	}
	map = bpf_map_lookup_elem(&tries, &slot);
	if (map) {
		key = (__u64)ip4->saddr << 32 | 32;
		value = bpf_map_lookup_elem(map, &key);
		if (value)
			return *value & 3;
	}
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
