// EXPECT layers: kernel user
// EXPECT home flows: shared values
// EXPECT home sent: shared array
/*
 * A pair in strict order: what leaves opens a connection by its payload, which user reads; an
 * answer that comes in while that packet is still in user goes after it, through an entry of the
 * other program. Both read and write the same elements, and a variable that both add to.
 */
// GEN {"saddr4": ["10.0.0.0/31"], "daddr4": ["10.0.0.0/31"], "sports": [53, 80],
// GEN "dports": [53, 80], "flows": 6, "weights": {"udp": 20, "tcp": 1}}
#include "pair.h"

struct entry {
	__u32 hash, out, in;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow);
	__type(value, struct entry);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sent SEC(".maps");

static __u64 seen;

SEC("xdp")
int come_in(struct xdp_md *ctx)
{
	struct flow flow;
	struct entry *entry;
	struct udphdr *udp;
	struct iphdr *ip = find_udp(DATA(ctx), DATA_END(ctx), &udp);
	__u32 zero = 0;
	__u64 *bytes;

	if (!ip)
		return XDP_PASS;
	__sync_fetch_and_add(&seen, 1);
	flow = flow_in(ip, udp);
	entry = bpf_map_lookup_elem(&flows, &flow);
	if (!entry)
		return XDP_DROP;
	entry->in++;
	bytes = bpf_map_lookup_elem(&sent, &zero);
	if (bytes && entry->in > 3 && entry->hash & 1) {
		*bytes += entry->out;
		bpf_map_delete_elem(&flows, &flow);
		return XDP_TX;
	}
	return XDP_PASS;
}

SEC("tc/egress")
int go_out(struct __sk_buff *skb)
{
	void *end = DATA_END(skb);
	struct entry *entry, fresh = {.out = 1};
	struct flow flow;
	struct udphdr *udp;
	struct iphdr *ip = find_udp(DATA(skb), end, &udp);
	__u32 hash, zero = 0;
	__u64 *bytes;

	if (!ip)
		return TC_ACT_OK;
	__sync_fetch_and_add(&seen, 1);
	flow = flow_out(ip, udp);
	hash = hash_bytes((void *)(udp + 1), end, 0);
	bytes = bpf_map_lookup_elem(&sent, &zero);
	if (bytes)
		*bytes += skb->len;
	entry = bpf_map_lookup_elem(&flows, &flow);
	if (entry) {
		entry->out++;
		return entry->in > 2 ? TC_ACT_SHOT : TC_ACT_OK;
	}
	fresh.hash = hash;
	return bpf_map_update_elem(&flows, &flow, &fresh, BPF_NOEXIST) ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
