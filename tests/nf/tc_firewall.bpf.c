// EXPECT layers: kernel user
// EXPECT home denied: shared array
/* Ingress firewall: a table by protocol in the kernel, payloads in user, marks for what passes. */
#include "nf.h"
#include <linux/pkt_cls.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} denied SEC(".maps");

SEC("tc")
int tc_firewall(struct __sk_buff *skb)
{
	void *data = DATA(skb), *data_end = DATA_END(skb);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 hash, key, mark = skb->mark;
	__u64 *count;

	if (!ip4)
		return TC_ACT_OK;
	key = ip4->protocol;
	count = bpf_map_lookup_elem(&denied, &key);
	if (!count)
		return TC_ACT_SHOT;
	skb->priority = ip4->tos;
	hash = hash_bytes((void *)(ip4 + 1), data_end, mark);
	if (hash % 5 == 0) {
		__sync_fetch_and_add(count, 1);
		return TC_ACT_SHOT;
	}
	skb->mark = hash ^ skb->len;
	skb->cb[1] = skb->ifindex + skb->cb[0];
	return hash & 1 ? TC_ACT_OK : TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
