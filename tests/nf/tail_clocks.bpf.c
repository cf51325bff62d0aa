// EXPECT layers: kernel
// OPTION --program tail_clocks
// EVERY --cuts 8: each cut takes half a second
/* Programs that are called by tail calls look at the clock, draw random numbers and redirect. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} last_seen SEC(".maps");

int tail_clocks(struct xdp_md *ctx);
int mark(struct xdp_md *ctx);
int send(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, int(struct xdp_md *));
} next SEC(".maps") = {.values = {[0] = mark, [1] = send}};

SEC("xdp")
int send(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));

	if (!ip4)
		return XDP_PASS;
	ip4->tos = bpf_get_prandom_u32();
	return bpf_redirect(1 + (ip4->ttl & 1), 0);
}

SEC("xdp")
int mark(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));
	__u64 now = bpf_ktime_get_ns(), *last;
	__u32 key;

	if (!ip4)
		return XDP_PASS;
	key = ip4->saddr;
	last = bpf_map_lookup_elem(&last_seen, &key);
	ip4->id = last ? (now - *last) >> 10 : bpf_get_prandom_u32();
	bpf_map_update_elem(&last_seen, &key, &now, BPF_ANY);
	bpf_tail_call(ctx, &next, 1);
	return XDP_DROP;
}

SEC("xdp")
int tail_clocks(struct xdp_md *ctx)
{
	if (bpf_get_prandom_u32() & 1)
		bpf_tail_call(ctx, &next, 0);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
