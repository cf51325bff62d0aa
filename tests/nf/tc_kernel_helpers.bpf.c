// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_skb_get_tunnel_key
/* What only the kernel knows of a packet: hash, route, tunnel, socket, cgroup. */
#include "nf.h"
#include <linux/pkt_cls.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} answers SEC(".maps");

static __always_inline __u64 ask_of_tunnel(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = {.tunnel_id = 7, .remote_ipv4 = 0x0a000001};
	struct bpf_xfrm_state state = {};
	__u8 option[4] = {};
	__u64 sum = 0;

	sum += bpf_skb_get_tunnel_key(skb, &key, sizeof key, 0);
	sum += bpf_skb_get_tunnel_opt(skb, option, sizeof option);
	sum += bpf_skb_get_xfrm_state(skb, 0, &state, sizeof state, 0);
	return sum + bpf_get_route_realm(skb);
}

static __always_inline __u64 ask_of_socket(struct __sk_buff *skb)
{
	__u64 sum = bpf_get_socket_uid(skb) + bpf_skb_cgroup_id(skb);

	sum += bpf_skb_ancestor_cgroup_id(skb, 1) + bpf_skb_cgroup_classid(skb);
	return sum + (bpf_get_socket_cookie(skb) != 0);
}

static __always_inline __u64 ask_of_packet(struct __sk_buff *skb)
{
	__u8 bytes[4] = {};
	__u64 sum = bpf_skb_load_bytes_relative(skb, 0, bytes, sizeof bytes, BPF_HDR_START_NET);

	sum += bytes[0] + bpf_skb_ecn_set_ce(skb);
	sum += bpf_csum_update(skb, 1) + bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY);
	return sum + (bpf_get_hash_recalc(skb) == skb->hash) + skb->gso_segs + skb->wire_len;
}

static __always_inline __u64 set_what_stays(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = {.tunnel_id = 9, .remote_ipv4 = 0x0a000002};
	struct bpf_sock_tuple tuple = {.ipv4 = {.daddr = 0x0100007f, .dport = 1}};
	__u8 option[4] = {};
	__u64 sum = bpf_skb_set_tunnel_key(skb, &key, sizeof key, 0);
	struct bpf_sock *sk;

	sum += bpf_skb_set_tunnel_opt(skb, option, sizeof option);
	sum += bpf_skb_set_tstamp(skb, 1000, 1);
	sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof tuple.ipv4, BPF_F_CURRENT_NETNS, 0);
	if (sk) {
		sum += bpf_sk_assign(skb, sk, 0);
		bpf_sk_release(sk);
	}
	return sum;
}

SEC("tc")
int tc_kernel_helpers(struct __sk_buff *skb)
{
	__u32 zero = 0, mark = skb->mark;
	__u64 sum = ask_of_tunnel(skb) + ask_of_socket(skb) + ask_of_packet(skb), *answer;

	skb->mark = mark + skb->priority;
	answer = bpf_map_lookup_elem(&answers, &zero);
	if (answer)
		*answer = *answer * 31 + sum;
	if (mark & 1)
		return TC_ACT_OK;
	sum = set_what_stays(skb);
	skb->cb[0] = sum;
	if (mark & 2)
		skb->cb[1] = bpf_clone_redirect(skb, 0xffff, 0);
	return mark & 4 ? bpf_redirect_neigh(1, 0, 0, 0) : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
