// EXPECT layers: kernel user
/*
 * A chain of programs: Ethernet, then IPv4 or nothing (an entry that is missing), then UDP; the
 * array is full from the start. What one finds goes to the next in a per-CPU array.
 */
#include "nf.h"

struct found {
	__u32 offset, hash;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct found);
} found SEC(".maps");

NUMBERS(reached, ARRAY, 4);

int parse_ip4(struct xdp_md *ctx);
int parse_udp(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} next SEC(".maps") = {.values = {[0] = (void *)&parse_ip4, [2] = (void *)&parse_udp}};

SEC("xdp")
int parse_udp(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct found *f = bpf_map_lookup_elem(&found, &(__u32){0});
	struct udphdr *udp;

	if (!f || f->offset > 64)
		return XDP_ABORTED;
	udp = data + f->offset;
	if ((void *)(udp + 1) > data_end)
		return XDP_DROP;
	count_shared(&reached, 2);
	udp->check = hash_bytes((void *)(udp + 1), data_end, f->hash);
	return udp->check & 1 ? XDP_TX : XDP_PASS;
}

SEC("xdp")
int parse_ip4(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct found *f = bpf_map_lookup_elem(&found, &(__u32){0});
	struct iphdr *ip4;

	if (!f || f->offset > 64)
		return XDP_ABORTED;
	ip4 = data + f->offset;
	if ((void *)(ip4 + 1) > data_end)
		return XDP_DROP;
	count_shared(&reached, 1);
	f->offset += sizeof *ip4;
	f->hash = ip4->saddr ^ ip4->daddr;
	if (ip4->protocol == IPPROTO_UDP)
		bpf_tail_call(ctx, &next, 2);
	else
		bpf_tail_call(ctx, &next, ip4->protocol == IPPROTO_TCP ? 1 : 7);
	ip4->ttl--;
	return XDP_TX;
}

SEC("xdp")
int tail_chain(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct found *f = bpf_map_lookup_elem(&found, &(__u32){0});
	struct ethhdr *eth = data;

	if (!f || (void *)(eth + 1) > data_end)
		return XDP_ABORTED;
	count_shared(&reached, 0);
	f->offset = sizeof *eth;
	f->hash = 1;
	bpf_tail_call(ctx, &next, eth->h_proto == bpf_htons(ETH_P_IP) ? 0 : 3);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
