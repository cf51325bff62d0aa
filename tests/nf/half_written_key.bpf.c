// EXPECT layers: kernel
// EVERY --cuts 24: all take a quarter of a minute
/*
 * Keys of which one path writes a part and another path another one; what neither wrote is written
 * later, on all. And a buffer of which a helper fills as much as the packet has.
 */
#include "nf.h"
#include "net.h"

struct key {
	__u32 from, to;
	__u16 port;
	__u8 proto, kind;
	__u8 name[12];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, struct key);
	__type(value, __u64);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u8[16]);
	__type(value, __u32);
} contents SEC(".maps");

SEC("xdp")
int half_written_key(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct key key;
	__u64 *flow, first = 1;
	__u8 bytes[16];
	__u32 *content, one = 1, length;

	if (!ip4 || (void *)(ip4 + 1) + 4 > data_end)
		return XDP_PASS;
	if (ip4->protocol == IPPROTO_UDP) {
		key.port = *(__u16 *)(ip4 + 1);
		key.kind = 1;
		bytes[0] = ip4->tos;
		bytes[15] = 3;
	} else {
		key.kind = ip4->ttl & 3;
		key.from = ip4->saddr;
		__builtin_memset(bytes + 4, 9, 12);
	}
	length = bpf_xdp_get_buff_len(ctx);
	if (ip4->protocol == IPPROTO_UDP)
		key.from = ip4->saddr & bpf_htonl(0xffffff00);
	else
		key.port = length & 0xff;
	if (length & 1)
		__builtin_memset(key.name, ip4->tos, 8);
	key.to = ip4->daddr;
	if (!(length & 1))
		bpf_xdp_load_bytes(ctx, 14, key.name, 8);
	key.proto = ip4->protocol;
	__builtin_memset(key.name + 8, key.kind, 4);
	flow = bpf_map_lookup_elem(&flows, &key);
	if (flow)
		*flow += first;
	else
		bpf_map_update_elem(&flows, &key, &first, BPF_ANY);
	if (ip4->protocol == IPPROTO_UDP)
		__builtin_memset(bytes + 1, key.port & 7, 14);
	else
		bpf_xdp_load_bytes(ctx, 26, bytes, 4);
	content = bpf_map_lookup_elem(&contents, bytes);
	if (content)
		return ++*content & 1 ? XDP_TX : XDP_PASS;
	bpf_map_update_elem(&contents, bytes, &one, BPF_ANY);
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
