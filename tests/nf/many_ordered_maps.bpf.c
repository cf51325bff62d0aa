// EXPECT layers: kernel
// EXPECT without: 0
// EVERY --cuts 12: there are a hundred
/*
 * State in more maps than a ticket tells apart, and so many look-ups that not each can have a held
 * edge of its own: packets in flight hold all others at the start.
 */
#include "nf.h"
#include "net.h"

#define EACH(DO)                                                                                   \
	DO(0)                                                                                      \
	DO(1)                                                                                      \
	DO(2)                                                                                      \
	DO(3)                                                                                      \
	DO(4)                                                                                      \
	DO(5)                                                                                      \
	DO(6)                                                                                      \
	DO(7)                                                                                      \
	DO(8)                                                                                      \
	DO(9)                                                                                      \
	DO(10)                                                                                     \
	DO(11)                                                                                     \
	DO(12)                                                                                     \
	DO(13)                                                                                     \
	DO(14)                                                                                     \
	DO(15)                                                                                     \
	DO(16)                                                                                     \
	DO(17)

#define MAP(n)                                                                                     \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 16);                                                           \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} state##n SEC(".maps");

EACH(MAP)

static __always_inline __u32 step(void *map, __u32 hash)
{
	__u32 key = hash & 7;
	__u64 *state = bpf_map_lookup_elem(map, &key), first = hash;

	if (state)
		*state = *state * 5 + hash;
	else
		bpf_map_update_elem(map, &key, &first, BPF_ANY);
	return hash * 31 + (state ? *state : 1);
}

#define STEP(n) hash = step(&state##n, hash);

SEC("xdp")
int many_ordered_maps(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));
	__u32 hash;

	if (!ip4)
		return XDP_PASS;
	hash = hash_mix(ip4->saddr);
	EACH(STEP)
	ip4->tos = hash;
	if (hash & 1)
		return XDP_DROP;
	EACH(STEP)
	ip4->ttl = hash;
	return hash & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
