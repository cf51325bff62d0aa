// EXPECT layers: kernel
// EXPECT split-user: only the kernel can
/* A socket that was found in a map is lent as well; it is given back on every way. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} listed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} hashed SEC(".maps");

SEC("xdp")
int socket_maps(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct bpf_sock *sk;
	__u32 key;

	if (!ip4)
		return XDP_PASS;
	key = ip4->daddr >> 24;
	ip4->tos = 1;
	sk = bpf_map_lookup_elem(&listed, &key);
	if (sk) {
		ip4->tos = sk->state;
		bpf_sk_release(sk);
	}
	sk = bpf_map_lookup_elem(&hashed, &key);
	if (!sk)
		return XDP_TX;
	ip4->id = sk->src_port;
	bpf_sk_release(sk);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
