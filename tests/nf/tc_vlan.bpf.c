// EXPECT layers: kernel
/* Tags are taken off and put on; what is among the bytes and what is a field changes on the way. */
#include "nf.h"
#include <linux/pkt_cls.h>

SEC("tc/ingress")
int tc_vlan(struct __sk_buff *skb)
{
	__u8 how = skb->mark;
	__u32 tci;

	if (skb->protocol == bpf_htons(ETH_P_8021Q) || skb->vlan_present)
		if (bpf_skb_vlan_pop(skb))
			return TC_ACT_SHOT;
	tci = skb->vlan_present ? skb->vlan_tci : 0;
	skb->cb[0] = tci;
	skb->cb[1] = skb->protocol;
	if (how & 1 && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021AD), 100 + how))
		return TC_ACT_SHOT;
	if (how & 2 && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 200 + how))
		return TC_ACT_SHOT;
	if (how & 4 && bpf_skb_vlan_pop(skb))
		return TC_ACT_SHOT;
	skb->cb[2] = skb->vlan_proto;
	skb->cb[3] = skb->len;
	return how & 8 ? bpf_redirect(skb->ifindex, how & 1 ? BPF_F_INGRESS : 0) : TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
