// EXPECT layers: kernel
/*
 * The kernel's own tables: what is too long is asked about first, by the packet's length and by
 * another one, of its interface, of another and of none; then where it would go. User asks as well.
 */
#include "nf.h"

#define AF_INET 2

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} answers SEC(".maps");

SEC("xdp")
int routes_and_mtu(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct bpf_fib_lookup fib = {.family = AF_INET, .ifindex = ctx->ingress_ifindex};
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct ethhdr *eth = data;
	__u32 mtu = 0, key;
	__u64 *count;
	long fits;

	if (!ip4)
		return XDP_PASS;
	if (ip4->id & 2)
		mtu = bpf_ntohs(ip4->tot_len);
	fits = bpf_check_mtu(ctx, 0, &mtu, ip4->ttl * 400, ip4->tos & 1);
	fits += bpf_check_mtu(ctx, ip4->id & 4 ? 1 : 77777, &mtu, -(__s32)ip4->ttl, 0);
	fib.tos = ip4->tos;
	fib.l4_protocol = ip4->protocol;
	fib.tot_len = bpf_ntohs(ip4->tot_len);
	fib.ipv4_src = ip4->saddr;
	fib.ipv4_dst = ip4->id & 1 ? bpf_htonl(0x7f000001) : ip4->daddr;
	key = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) & 15;
	count = bpf_map_lookup_elem(&answers, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	__builtin_memcpy(eth->h_dest, fib.dmac, sizeof(eth->h_dest));
	ip4->id = mtu;
	ip4->tot_len = fib.mtu_result;
	return fits ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "GPL";
