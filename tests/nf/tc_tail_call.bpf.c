// EXPECT layers: kernel user
/* One TC program goes on in another, which looks into payloads; a missing entry is passed over. */
#include "nf.h"
#include <linux/pkt_cls.h>

int payload(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct __sk_buff *));
} next SEC(".maps") = {.values = {[0] = (void *)&payload}};

SEC("tc")
int payload(struct __sk_buff *skb)
{
	struct iphdr *ip4 = find_ip4(DATA(skb), DATA_END(skb));

	if (!ip4)
		return TC_ACT_SHOT;
	skb->mark = hash_bytes((void *)(ip4 + 1), DATA_END(skb), skb->cb[0]);
	return TC_ACT_OK;
}

SEC("tc")
int tc_tail_call(struct __sk_buff *skb)
{
	skb->cb[0] = skb->mark + 1;
	bpf_tail_call(skb, &next, skb->len & 1);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
