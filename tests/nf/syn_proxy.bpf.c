// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_tcp_raw
/*
 * SYN cookies without a socket: the secret is the kernel's. A SYN is answered with a cookie in its
 * sequence number, an ACK is held against it.
 */
#include "nf.h"
#include <linux/ipv6.h>
#include <linux/tcp.h>

static __always_inline int answer(struct tcphdr *tcp, __s64 cookie)
{
	if (cookie < 0)
		return XDP_DROP;
	tcp->ack_seq = bpf_htonl(bpf_ntohl(tcp->seq) + 1);
	tcp->seq = bpf_htonl((__u32)cookie);
	tcp->urg_ptr = cookie >> 32;
	tcp->ack = 1;
	return XDP_TX;
}

static __always_inline int proxy4(struct iphdr *ip, void *data_end)
{
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > data_end || ip->protocol != IPPROTO_TCP || ip->ihl != 5)
		return XDP_PASS;
	if (tcp->syn)
		return answer(tcp, bpf_tcp_raw_gen_syncookie_ipv4(ip, tcp, sizeof(*tcp)));
	return bpf_tcp_raw_check_syncookie_ipv4(ip, tcp) ? XDP_DROP : XDP_PASS;
}

static __always_inline int proxy6(struct ipv6hdr *ip, void *data_end)
{
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > data_end || ip->nexthdr != IPPROTO_TCP)
		return XDP_PASS;
	if (tcp->syn)
		return answer(tcp, bpf_tcp_raw_gen_syncookie_ipv6(ip, tcp, sizeof(*tcp)));
	return bpf_tcp_raw_check_syncookie_ipv6(ip, tcp) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int syn_proxy(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	void *ip = eth + 1;

	if (ip + sizeof(struct ipv6hdr) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return proxy4(ip, data_end);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return proxy6(ip, data_end);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
