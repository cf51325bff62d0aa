// EXPECT layers: kernel
/* Ingress: IP in IP off. Else: IP in IP on, header by header. */
#include "nf.h"
#include <linux/pkt_cls.h>

static __always_inline int put_header(struct __sk_buff *skb, const struct iphdr *inner)
{
	struct iphdr outer = {.version = 4,
			      .ihl = 5,
			      .tos = inner->tos,
			      .tot_len = bpf_htons(bpf_ntohs(inner->tot_len) + sizeof outer),
			      .ttl = 64,
			      .protocol = IPPROTO_IPIP,
			      .saddr = bpf_htonl(0x0a000001),
			      .daddr = bpf_htonl(0x0a000002)};
	__s64 sum;

	sum = bpf_csum_diff(0, 0, (__be32 *)&outer, sizeof outer, 0);
	sum = (sum & 0xffff) + (sum >> 16);
	outer.check = ~((sum & 0xffff) + (sum >> 16));
	if (bpf_skb_adjust_room(skb, sizeof outer, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4))
		return TC_ACT_SHOT;
	if (bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &outer, sizeof outer, 0))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

SEC("classifier")
int tc_encap(struct __sk_buff *skb)
{
	struct iphdr *ip4 = find_ip4(DATA(skb), DATA_END(skb)), inner;

	if (!ip4)
		return TC_ACT_OK;
	inner = *ip4;
	if (inner.protocol == IPPROTO_IPIP)
		return bpf_skb_adjust_room(skb, -(int)sizeof inner, BPF_ADJ_ROOM_MAC, 0)
			   ? TC_ACT_SHOT
			   : TC_ACT_OK;
	return put_header(skb, &inner);
}

char _license[] SEC("license") = "Dual BSD/GPL";
