/*
 * A pair: what leaves opens a connection, unless its payload says that it closes one, which user
 * reads; only answers come in. From port 9000 on user counts them too.
 */
#include "../nf/pair.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct flow);
	__type(value, __u64);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

__u64 both;

static __always_inline void count(__u32 what)
{
	__u64 *number = bpf_map_lookup_elem(&counts, &what);

	if (number)
		__sync_fetch_and_add(number, 1);
	__sync_fetch_and_add(&both, 1);
}

SEC("xdp")
int come_in(struct xdp_md *ctx)
{
	void *end = DATA_END(ctx);
	struct flow flow;
	struct udphdr *udp;
	struct iphdr *ip = find_udp(DATA(ctx), end, &udp);
	__u64 *seen;

	if (!ip)
		return XDP_PASS;
	flow = flow_in(ip, udp);
	seen = bpf_map_lookup_elem(&flows, &flow);
	if (!seen)
		return XDP_DROP;
	if (bpf_ntohs(udp->dest) >= 9000) {
		*seen += hash_bytes((void *)(udp + 1), end, 0) != 0;
		count(1);
	}
	return XDP_PASS;
}

SEC("tc/egress")
int go_out(struct __sk_buff *skb)
{
	void *end = DATA_END(skb);
	struct flow flow;
	struct udphdr *udp;
	struct iphdr *ip = find_udp(DATA(skb), end, &udp);
	__u64 none = 0;

	if (!ip)
		return TC_ACT_OK;
	flow = flow_out(ip, udp);
	if (hash_bytes((void *)(udp + 1), end, 0))
		bpf_map_update_elem(&flows, &flow, &none, BPF_NOEXIST);
	else
		bpf_map_delete_elem(&flows, &flow);
	count(0);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
