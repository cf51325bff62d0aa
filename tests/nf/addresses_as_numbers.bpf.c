// EXPECT layers: kernel
// EVERY --cuts 16: short
/* Addresses of IPv6 as numbers of 128 bits: masked, compared and shifted, also across a cut. */
#include "net.h"

typedef unsigned __int128 address;

struct header {
	__u32 flow;
	__be16 bytes;
	__u8 next, hops;
	address source, destination;
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, address);
	__type(value, __u64);
} seen SEC(".maps");

#define PREFIX(bits)  ((((address)1) << (bits)) - 1) /* the first bytes are the lowest ones */
#define DOCUMENTATION ((address)0xb80d0120)          /* 2001:db8::/32 */

static __always_inline __u64 *count(address of)
{
	__u64 *packets = bpf_map_lookup_elem(&seen, &of), one = 1;

	if (packets)
		__sync_fetch_and_add(packets, 1);
	else
		bpf_map_update_elem(&seen, &of, &one, BPF_ANY);
	return packets;
}

SEC("xdp")
int addresses_as_numbers(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct header *ip6 = (void *)(eth + 1);
	address low, high, between;

	if ((void *)(ip6 + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	low = ip6->source < ip6->destination ? ip6->source : ip6->destination;
	high = ip6->source + ip6->destination - low;
	if (!count(low & PREFIX(64)))
		return XDP_PASS;
	between = high - low;
	if (count(high >> 64) && between >> 96 > 0x10000000)
		return XDP_DROP;
	if ((high & PREFIX(32)) == DOCUMENTATION || between & (address)1 << 70)
		ip6->hops--;
	ip6->source = between ^ low << 3;
	return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
