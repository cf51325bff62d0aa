// EXPECT layers: kernel
/* skb->cb[] by two words, half words and bytes; a program that returns a long. */
#include "nf.h"
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} by_protocol SEC(".maps");

SEC("tc")
long tc_scratch_words(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	volatile __u64 *pair = (void *)&skb->cb[0];
	volatile __u8 *bytes = (void *)&skb->cb[2];
	volatile __u16 *halves = (void *)&skb->cb[3];
	__u64 *packets;
	__u32 index;

	if ((void *)(ip + 1) > data_end)
		return TC_ACT_OK;
	pair[0] = (__u64)ip->saddr << 32 | ip->daddr;
	bytes[1] = ip->protocol;
	halves[0] = ip->tot_len;
	halves[1] = skb->cb[2] >> 8;
	index = bytes[1];
	packets = bpf_map_lookup_elem(&by_protocol, &index);
	if (packets)
		__sync_fetch_and_add(packets, pair[0] & 7);
	return ip->ttl > 1 ? TC_ACT_OK : TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "GPL";
