// EXPECT layers: kernel
/*
 * Values of the round before are kept in a loop, of maps of several kinds; a packet that leaves in
 * the middle still has the right ones, or does not leave there.
 */
#include "nf.h"
#include "net.h"

enum { ROUNDS = 4 };

#define MAP(name, kind)                                                                            \
	struct {                                                                                   \
		__uint(type, kind);                                                                \
		__uint(max_entries, 64);                                                           \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} name SEC(".maps")

MAP(by_key, BPF_MAP_TYPE_PERCPU_HASH);
MAP(by_slot, BPF_MAP_TYPE_HASH);
MAP(by_index, BPF_MAP_TYPE_ARRAY);

static __always_inline __u64 *find_or_add(void *map, __u32 key)
{
	__u64 *found = bpf_map_lookup_elem(map, &key), zero = key;

	if (!found)
		bpf_map_update_elem(map, &key, &zero, BPF_ANY);
	return found;
}

SEC("xdp")
int previous_value(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));
	__u64 *last_by_key = NULL, *last_by_slot = NULL, *last_by_index = NULL;
	__u32 hash, sum = 0;

	if (!ip4)
		return XDP_PASS;
	hash = hash_mix(ip4->saddr ^ ip4->id);
#pragma clang loop unroll(disable)
	for (int round = 0; round < ROUNDS; round++) {
		__u32 key = (hash >> round) & 15;
		__u64 *one = find_or_add(&by_key, key);
		__u64 *two = find_or_add(&by_slot, key + 1);
		__u64 *three = bpf_map_lookup_elem(&by_index, &key);

		if (last_by_key)
			*last_by_key += one ? *one & 3 : 1;
		if (last_by_slot)
			*last_by_slot += two ? *two & 7 : 2;
		if (last_by_index && three)
			*last_by_index = *last_by_index * 3 + round;
		sum += three ? *three : 0;
		last_by_key = one;
		last_by_slot = two;
		last_by_index = three;
	}
	return sum & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
