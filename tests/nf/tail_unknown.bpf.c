// EXPECT layers: kernel user
// OPTION --program tail_unknown --tail-calls jumps[3]=second
/* An array whose contents only the operator knows; one program is kept for what is not there. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} jumps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u32);
} sources SEC(".maps");

SEC("xdp/second")
int second(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 key, one = 1, *seen;

	if (!ip4)
		return XDP_ABORTED;
	key = ip4->saddr;
	seen = bpf_map_lookup_elem(&sources, &key);
	if (seen)
		ip4->check = hash_bytes((void *)(ip4 + 1), data_end, *seen += 1);
	else
		bpf_map_update_elem(&sources, &key, &one, BPF_ANY);
	return XDP_TX;
}

SEC("xdp")
int tail_unknown(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));

	if (!ip4)
		return XDP_PASS;
	bpf_tail_call(ctx, &jumps, ip4->saddr & 3);
	bpf_tail_call(ctx, &jumps, 3 + (ip4->daddr & 1));
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
