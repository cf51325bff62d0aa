// EXPECT layers: kernel
/* Source NAT by the helpers that keep checksums right, after asking for the bytes it reads. */
#include "nf.h"
#include <linux/pkt_cls.h>
#include <linux/tcp.h>

#define IP_AT(field) (sizeof(struct ethhdr) + offsetof(struct iphdr, field))
#define L4_AT        (sizeof(struct ethhdr) + sizeof(struct iphdr))

SEC("tc")
int tc_nat(struct __sk_buff *skb)
{
	__be32 to = bpf_htonl(0x0a640001);
	struct iphdr *ip4;
	__u32 sum_at, flags;
	__be16 port;
	__be32 from;

	if (bpf_skb_pull_data(skb, L4_AT + 8))
		return TC_ACT_SHOT;
	ip4 = find_ip4(DATA(skb), DATA_END(skb));
	if (!ip4 || ip4->ihl != 5)
		return TC_ACT_OK;
	from = ip4->saddr;
	sum_at = ip4->protocol == IPPROTO_TCP ? offsetof(struct tcphdr, check)
					      : offsetof(struct udphdr, check);
	flags = ip4->protocol == IPPROTO_TCP ? 0 : BPF_F_MARK_MANGLED_0;
	if (ip4->protocol != IPPROTO_TCP && ip4->protocol != IPPROTO_UDP)
		return TC_ACT_OK;
	if (bpf_skb_load_bytes(skb, L4_AT, &port, sizeof port))
		return TC_ACT_SHOT;
	if (bpf_l4_csum_replace(skb, L4_AT + sum_at, from, to,
				flags | BPF_F_PSEUDO_HDR | sizeof to) ||
	    bpf_l4_csum_replace(skb, L4_AT + sum_at, port, bpf_htons(4000), flags | sizeof port) ||
	    bpf_l3_csum_replace(skb, IP_AT(check), from, to, sizeof to))
		return TC_ACT_SHOT;
	port = bpf_htons(4000);
	bpf_skb_store_bytes(skb, L4_AT, &port, sizeof port, 0);
	bpf_skb_store_bytes(skb, IP_AT(saddr), &to, sizeof to, BPF_F_INVALIDATE_HASH);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
