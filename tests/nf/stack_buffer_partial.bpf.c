// EXPECT layers: kernel user
// EXPECT home pairs: user
/* A key on the stack is half written before the loop and half behind it. */
#include "nf.h"

struct pair {
	__be32 source, destination;
	__u32 hash;
	__u8 protocol;
	__u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct pair);
	__type(value, __u64);
} pairs SEC(".maps");

SEC("xdp")
int stack_buffer_partial(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct pair pair = {};
	__u64 one = 1, *packets;

	if (!ip4)
		return XDP_PASS;
	pair.source = ip4->saddr;
	pair.protocol = ip4->protocol;
	pair.hash = hash_bytes((void *)(ip4 + 1), data_end, 0) & 7;
	pair.destination = ip4->daddr;
	packets = bpf_map_lookup_elem(&pairs, &pair);
	if (packets)
		__sync_fetch_and_add(packets, 1);
	else
		bpf_map_update_elem(&pairs, &pair, &one, BPF_ANY);
	return packets ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
