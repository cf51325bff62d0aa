// EXPECT layers: kernel
/*
 * Where packets go is asked of the kernel's routes, with parameters good and bad; what the answer
 * leaves in them goes into the packet. User asks too.
 */
#include "nf.h"

#define AF_INET 2

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u64);
} answers SEC(".maps");

static __always_inline __u32 destination(struct iphdr *ip4, __u32 hash)
{
	switch (hash & 3) {
	case 0:
		return bpf_htonl(0x7f000001);
	case 1:
		return bpf_htonl(0xe0000001);
	default:
		return ip4->daddr;
	}
}

SEC("xdp")
int routes(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct bpf_fib_lookup fib = {.family = AF_INET, .ifindex = ctx->ingress_ifindex};
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct ethhdr *eth = data;
	__u32 hash, flags, key;
	__u64 *count;

	if (!ip4)
		return XDP_PASS;
	hash = (ip4->saddr ^ ip4->daddr ^ ip4->id) * 2654435761u >> 24;
	flags = hash & 4 ? BPF_FIB_LOOKUP_DIRECT : BPF_FIB_LOOKUP_OUTPUT;
	if (!(hash & 0xf8))
		flags = 1u << 31; /* there is no such flag */
	fib.tos = ip4->tos;
	fib.l4_protocol = ip4->protocol;
	fib.tot_len = bpf_ntohs(ip4->tot_len);
	fib.ipv4_src = ip4->saddr;
	fib.ipv4_dst = destination(ip4, hash);
	key = bpf_fib_lookup(ctx, &fib, hash & 64 ? sizeof(fib) : sizeof(fib) - 8, flags) & 31;
	count = bpf_map_lookup_elem(&answers, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	__builtin_memcpy(eth->h_dest, fib.dmac, sizeof(eth->h_dest));
	ip4->id = fib.mtu_result;
	ip4->saddr = fib.ipv4_dst;
	return key ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "GPL";
