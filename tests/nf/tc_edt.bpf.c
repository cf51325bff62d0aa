// EXPECT layers: kernel
// EXPECT home flows: kernel
/* Egress shaper by earliest departure time: each destination's packets leave at its rate. */
#include "nf.h"
#include <linux/pkt_cls.h>

enum { NS_PER_BYTE = 800, HORIZON_NS = 2000000000 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} flows SEC(".maps");

SEC("tcx/egress")
int tc_edt(struct __sk_buff *skb)
{
	struct iphdr *ip4 = find_ip4(DATA(skb), DATA_END(skb));
	__u64 now = bpf_ktime_get_ns(), start = skb->tstamp, next, *last;
	__u32 key;

	if (!ip4)
		return TC_ACT_OK;
	key = ip4->daddr;
	if (start < now)
		start = now;
	next = start + (__u64)skb->len * NS_PER_BYTE;
	last = bpf_map_lookup_elem(&flows, &key);
	if (!last) {
		bpf_map_update_elem(&flows, &key, &next, BPF_ANY);
		skb->tstamp = start;
		return TC_ACT_OK;
	}
	if (*last > start)
		start = *last;
	if (start - now > HORIZON_NS)
		return TC_ACT_SHOT;
	*last = start + (__u64)skb->len * NS_PER_BYTE;
	skb->tstamp = start;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
