// EXPECT layers: kernel
/* Egress marker: the class of service becomes mark, priority, queue and class of the qdisc. */
#include "nf.h"
#include <linux/pkt_cls.h>

SEC("tc/egress")
int tc_dscp_marker(struct __sk_buff *skb)
{
	__u8 tos;

	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->vlan_present)
		return TC_ACT_UNSPEC;
	if (bpf_skb_load_bytes(skb, sizeof(struct ethhdr) + offsetof(struct iphdr, tos), &tos, 1))
		return TC_ACT_SHOT;
	skb->mark = skb->mark << 8 | tos;
	skb->priority = tos >> 5;
	skb->queue_mapping = tos == 0xb8 ? 0xffff : tos & 3;
	skb->tc_index = 0x10000 | tos;
	skb->tc_classid = 0x10000 | tos;
	if (tos & 1)
		bpf_set_hash(skb, tos);
	skb->cb[0] = skb->hash;
	skb->cb[4] = skb->tc_index + skb->tc_classid + skb->queue_mapping;
	if (skb->pkt_type == 3 /* PACKET_OTHERHOST */)
		bpf_skb_change_type(skb, 0);
	return tos >> 5 == 7 ? TC_ACT_PIPE : TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
