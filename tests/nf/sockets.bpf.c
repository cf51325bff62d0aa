// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_skc_lookup_tcp
/*
 * Who listens to this packet? Only the kernel knows; a socket that it lent has to be given back
 * before the packet may leave.
 */
#include "nf.h"
#include <linux/tcp.h>

NUMBERS(states, ARRAY, 8);

static __always_inline int find_tcp(struct xdp_md *ctx, struct bpf_sock_tuple *tuple,
				    struct iphdr *ip4, struct tcphdr *tcp)
{
	struct bpf_sock *sk;
	long cookie, made;

	sk = bpf_skc_lookup_tcp(ctx, tuple, sizeof(tuple->ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk) {
		sk = bpf_sk_lookup_tcp(ctx, tuple, sizeof(tuple->ipv4), BPF_F_CURRENT_NETNS, 0);
		if (!sk)
			return XDP_PASS;
	}
	cookie = bpf_tcp_check_syncookie(sk, ip4, sizeof(*ip4), tcp, sizeof(*tcp));
	made = bpf_tcp_gen_syncookie(sk, ip4, sizeof(*ip4), tcp, sizeof(*tcp));
	bpf_sk_release(sk);
	count_shared(&states, cookie ? 1 : 2);
	return made < 0 ? XDP_DROP : XDP_TX;
}

SEC("xdp")
int sockets(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct bpf_sock_tuple tuple = {};
	struct tcphdr *tcp;
	struct bpf_sock *sk;

	if (!ip4)
		return XDP_PASS;
	tcp = (void *)(ip4 + 1);
	if ((void *)(tcp + 1) > data_end)
		return XDP_PASS;
	tuple.ipv4.saddr = ip4->saddr;
	tuple.ipv4.daddr = ip4->daddr;
	tuple.ipv4.sport = tcp->source;
	tuple.ipv4.dport = tcp->dest;
	if (ip4->protocol == IPPROTO_TCP)
		return find_tcp(ctx, &tuple, ip4, tcp);
	sk = bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return XDP_PASS;
	count_shared(&states, sk->state & 7);
	bpf_sk_release(sk);
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
