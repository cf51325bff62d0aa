// EXPECT layers: kernel
/* Who sent an odd packet is remembered in a Bloom filter, which also remembers others. */
#include "nf.h"

struct source {
	__u32 address;
	__u16 port;
	__u8 protocol;
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 8);
	__uint(map_extra, 2);
	__type(value, struct source);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__type(value, __u32);
} addresses SEC(".maps");

SEC("xdp")
int bloom_filter(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct source source;
	__u32 hash, address;

	if (!ip4)
		return XDP_PASS;
	address = ip4->daddr;
	source = (struct source){ip4->saddr, ip4->id, ip4->protocol};
	if (!bpf_map_peek_elem(&seen, &source))
		return bpf_map_peek_elem(&addresses, &address) ? XDP_DROP : XDP_ABORTED;
	hash = (__u8)ip4->saddr * 31 + (__u8)ip4->id + ip4->protocol + (ip4->daddr >> 24);
	if (hash & 1 && bpf_map_push_elem(&seen, &source, BPF_ANY))
		return XDP_ABORTED;
	if (hash & 2 && bpf_map_push_elem(&addresses, &address, hash & 4 ? BPF_NOEXIST : BPF_ANY))
		return XDP_PASS;
	return hash & 8 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
