// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/29"], "flows": 16, "ifindexes": [1, 2], "weights": {"ipv6": 5}}
/*
 * An allowlist as a Bloom filter (Bloom 1970) of bits in an array: who the inside talks to is
 * added, and only those may come in. Two halves of the filter are used in turn, so that entries
 * age.
 */
#include "net.h"

enum { WORDS = 512, HASHES = 3, INSIDE = 1, EPOCH_SHIFT = 37 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * WORDS);
	__type(key, __u32);
	__type(value, __u64);
} filter SEC(".maps");

NUMBERS(counters, ARRAY, 4);

static __always_inline void add(__be32 addr, __u32 half)
{
	__u32 one = hash_mix(addr), two = hash_mix(addr ^ 0x5bd1e995) | 1;

	for (int i = 0; i < HASHES; i++) {
		__u32 bit = (one + i * two) % (WORDS * 64), index = half * WORDS + bit / 64;
		__u64 *word = bpf_map_lookup_elem(&filter, &index);

		if (word)
			*word |= 1ULL << bit % 64;
	}
}

static __always_inline bool contains(__be32 addr, __u32 half)
{
	__u32 one = hash_mix(addr), two = hash_mix(addr ^ 0x5bd1e995) | 1;

	for (int i = 0; i < HASHES; i++) {
		__u32 bit = (one + i * two) % (WORDS * 64), index = half * WORDS + bit / 64;
		__u64 *word = bpf_map_lookup_elem(&filter, &index);

		if (!word || !(*word >> bit % 64 & 1))
			return false;
	}
	return true;
}

SEC("xdp")
int bloom_allowlist(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));
	__u32 half;

	if (!ip4)
		return XDP_PASS;
	half = bpf_ktime_get_ns() >> EPOCH_SHIFT & 1;
	if (ctx->ingress_ifindex == INSIDE) {
		add(ip4->daddr, half);
		add(ip4->saddr & bpf_htonl(0xfffffff1), half);
		count_shared(&counters, 0);
		return XDP_PASS;
	}
	if (contains(ip4->saddr, half)) {
		count_shared(&counters, 1);
		return XDP_PASS;
	}
	if (contains(ip4->saddr, half ^ 1)) {
		add(ip4->saddr, half);
		count_shared(&counters, 2);
		return XDP_PASS;
	}
	count_shared(&counters, 3);
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
