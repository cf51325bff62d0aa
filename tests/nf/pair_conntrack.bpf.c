// EXPECT layers: kernel
/*
 * A pair: what leaves opens a connection, and only answers to it come in. The egress program writes
 * the table that the XDP program reads; a counter is added to by both.
 */
// EXPECT home flows: kernel
// GEN {"saddr4": ["10.0.0.0/31"], "daddr4": ["10.0.0.0/31"], "sports": [53, 80],
// GEN "dports": [53, 80], "flows": 12, "weights": {"udp": 20, "tcp": 1}}
#include "pair.h"

struct entry {
	__u64 opened_ns;
	__u32 out, in;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow);
	__type(value, struct entry);
} flows SEC(".maps");

NUMBERS(counts, ARRAY, 4);

__u32 refused;

SEC("xdp")
int come_in(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct flow flow;
	struct entry *entry;
	struct udphdr *udp;
	struct iphdr *ip = find_udp(data, end, &udp);

	if (!ip)
		return XDP_PASS;
	flow = flow_in(ip, udp);
	entry = bpf_map_lookup_elem(&flows, &flow);
	if (!entry) {
		count_shared(&counts, 0);
		__sync_fetch_and_add(&refused, 1);
		return XDP_DROP;
	}
	entry->in++;
	count_shared(&counts, 1);
	return XDP_PASS;
}

SEC("tc/egress")
int go_out(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct entry *entry, fresh = {.out = 1};
	struct flow flow;
	struct udphdr *udp;
	struct iphdr *ip = find_udp(data, end, &udp);

	if (!ip)
		return TC_ACT_OK;
	flow = flow_out(ip, udp);
	entry = bpf_map_lookup_elem(&flows, &flow);
	if (entry) {
		entry->out++;
	} else {
		fresh.opened_ns = bpf_ktime_get_ns();
		bpf_map_update_elem(&flows, &flow, &fresh, BPF_ANY);
	}
	count_shared(&counts, 2);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
