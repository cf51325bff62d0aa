// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_skc_lookup_tcp
/* What kind of socket waits for this packet: views of one that is held until the last was asked. */
#include "nf.h"
#include <linux/tcp.h>

static __always_inline __u32 kinds_of(struct bpf_sock *sk)
{
	__u32 kinds = 0;

	kinds |= bpf_skc_to_tcp6_sock(sk) ? 1 : 0;
	kinds |= bpf_skc_to_tcp_sock(sk) ? 2 : 0;
	kinds |= bpf_skc_to_tcp_timewait_sock(sk) ? 4 : 0;
	kinds |= bpf_skc_to_tcp_request_sock(sk) ? 8 : 0;
	kinds |= bpf_skc_to_udp6_sock(sk) ? 16 : 0;
	kinds |= bpf_skc_to_unix_sock(sk) ? 32 : 0;
	kinds |= bpf_skc_to_mptcp_sock(sk) ? 64 : 0;
	return kinds;
}

SEC("xdp")
int socket_kinds(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;

	if (!ip4)
		return XDP_PASS;
	tuple.ipv4.saddr = ip4->saddr;
	tuple.ipv4.daddr = ip4->daddr;
	tuple.ipv4.dport = bpf_htons(22);
	sk = bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return XDP_DROP;
	ip4->tos = kinds_of(sk);
	bpf_sk_release(sk);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
