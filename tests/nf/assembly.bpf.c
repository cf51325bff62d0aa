// EXPECT layers: kernel
/*
 * BPF assembly as programs for older kernels have it: the context read by hand, masks and
 * comparisons that the compiler must leave where they are.
 */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} bytes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u32);
} sources SEC(".maps");

static __always_inline void *context_pointer(struct xdp_md *ctx, const int offset)
{
	void *p;

	asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(p) : "r"(ctx), "i"(offset));
	return p;
}

SEC("xdp")
int assembly(struct xdp_md *ctx)
{
	void *data = context_pointer(ctx, offsetof(struct xdp_md, data));
	void *data_end = context_pointer(ctx, offsetof(struct xdp_md, data_end));
	struct iphdr *ip4 = data + ETH_HLEN;
	__u32 key, source, one = 1, *seen;
	__u64 length, *count;

	if ((void *)(ip4 + 1) > data_end)
		return XDP_PASS;
	if (((struct ethhdr *)data)->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	length = bpf_ntohs(ip4->tot_len);
	asm volatile goto("if %0 > 9000 goto %l[jumbo]" : : "r"(length) : : jumbo);
	key = ip4->protocol;
	asm volatile("%0 &= 0xff" : "+r"(key));
	count = bpf_map_lookup_elem(&bytes, &key);
	if (!count)
		return XDP_ABORTED;
	asm volatile("lock *(u64 *)(%0 + 0) += %1" : : "r"(count), "r"(length) : "memory");
	source = ip4->saddr;
	seen = bpf_map_lookup_elem(&sources, &source);
	if (seen)
		return *seen == 1 ? XDP_TX : XDP_DROP;
	bpf_map_update_elem(&sources, &source, &one, BPF_ANY);
	return XDP_PASS;
jumbo:
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
