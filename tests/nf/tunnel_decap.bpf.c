// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"daddr4": ["192.0.2.1", "192.0.2.2"], "flows": 16, "weights": {"gre": 10, "ipip": 10},
// GEN "frames": [["eth", "ipv4 10.9.0.1 192.0.2.1", "gre 7", "ipv4", "udp"], ["eth",
// GEN "ipv4 10.9.0.1 192.0.2.1", "gre", "ipv6", "tcp"], ["eth", "ipv4 10.9.0.1 192.0.2.1",
// GEN "next 47", "hex b0000800????00000000000700000001", "ipv4", "udp"], ["eth",
// GEN "ipv4 10.9.0.1 192.0.2.1", "ipv4", "tcp"], ["eth", "ipv4 10.9.0.2 192.0.2.1", "ipv6",
// GEN "udp"], ["eth", "ipv4 10.9.0.1 192.0.2.1", "gre 9", "eth 02:00:00:00:00:05", "ipv4",
// GEN "udp"], ["eth", "ipv4 10.9.0.1 192.0.2.1", "next 47", "hex 40010800"]]}
// MAPS {"tunnels": [{"key": {"remote": "10.9.0.1", "kind": 47, "key": 7}, "value": {"mode": 1}},
// MAPS {"key": {"remote": "10.9.0.1", "kind": 47, "key": 0}, "value": {"mode": 3}},
// MAPS {"key": {"remote": "10.9.0.1", "kind": 47, "key": 9}, "value": {"mode": 1}},
// MAPS {"key": {"remote": "10.9.0.1", "kind": 4}, "value": {"mode": 1}},
// MAPS {"key": {"remote": "10.9.0.2", "kind": 41}, "value": {"mode": 2}}]}
/*
 * The near end of GRE (RFC 2784, 2890), IPIP and 6in4 tunnels: outer headers go, the outer's
 * congestion mark is carried to the inner header (RFC 6040), and what was inside is sent on as if
 * it had arrived here. Modes say which inner protocols a tunnel may carry.
 */
#include "net.h"

enum { MODE_IP4 = 1, MODE_IP6 = 2 };

struct tunnel_key {
	__be32 remote;
	__u32 kind, key;
};

struct tunnel {
	__u32 mode;
	__u32 packets, refused;
};

const volatile __be32 own = __builtin_bswap32(0xc0000201);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct tunnel_key);
	__type(value, struct tunnel);
} tunnels SEC(".maps");

/* Length of the GRE header, 0 where it is none of ours; key and inner protocol. */
static __always_inline __u32 read_gre(void *at, void *data_end, __u32 *key, __be16 *proto)
{
	__be16 *gre = at;
	__u32 bytes = 4;
	__u16 flags;

	if (at + 16 > data_end)
		return 0;
	flags = bpf_ntohs(gre[0]);
	if (flags & 0x4fff) /* routing, recursion, versions */
		return 0;
	*proto = gre[1];
	if (flags & 0x8000)
		bytes += 4;
	if (flags & 0x2000) {
		*key = bpf_ntohl(*(any_u32 *)(at + bytes));
		bytes += 4;
	}
	if (flags & 0x1000)
		bytes += 4;
	return bytes;
}

/* RFC 6040, normal mode; false where the packet has to be dropped. */
static __always_inline bool copy_ce(void *inner, void *data_end, __be16 proto)
{
	struct iphdr *ip4 = inner;
	__u16 was;

	if ((void *)(ip4 + 1) > data_end)
		return false;
	if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = inner;

		if (!(ip6->flow_lbl[0] & 0x30))
			return false;
		ip6->flow_lbl[0] |= 0x30;
		return true;
	}
	if (!(ip4->tos & 3))
		return false;
	was = *(any_u16 *)ip4;
	ip4->tos |= 3;
	csum_replace2(&ip4->check, was, *(any_u16 *)ip4);
	return true;
}

static __always_inline int strip(struct xdp_md *ctx, const struct ethhdr *eth, __be16 proto,
				 int head)
{
	struct ethhdr *now, was = *eth;

	if (proto == bpf_htons(ETH_P_TEB)) /* a frame of its own */
		return bpf_xdp_adjust_head(ctx, head) ? XDP_ABORTED : XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, head - (int)sizeof *now))
		return XDP_ABORTED;
	now = DATA(ctx);
	if ((void *)(now + 1) > DATA_END(ctx))
		return XDP_ABORTED;
	*now = was;
	now->h_proto = proto;
	return XDP_PASS;
}

SEC("xdp")
int tunnel_decap(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *inner;
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct tunnel_key key = {};
	struct tunnel *tunnel;
	__be16 proto;
	__u32 bytes;

	if (!ip4 || ip4->daddr != own || ip4->ihl != 5)
		return XDP_PASS;
	key.remote = ip4->saddr;
	key.kind = ip4->protocol;
	inner = ip4 + 1;
	if (key.kind == IPPROTO_GRE) {
		bytes = read_gre(inner, data_end, &key.key, &proto);
		if (!bytes)
			return XDP_DROP;
		inner += bytes;
	} else if (key.kind == IPPROTO_IPIP) {
		proto = bpf_htons(ETH_P_IP);
	} else if (key.kind == IPPROTO_IPV6) {
		proto = bpf_htons(ETH_P_IPV6);
	} else {
		return XDP_PASS;
	}
	if (is_fragment(ip4))
		return XDP_DROP;
	tunnel = bpf_map_lookup_elem(&tunnels, &key);
	if (!tunnel)
		return XDP_DROP;
	if ((proto == bpf_htons(ETH_P_IP) && !(tunnel->mode & MODE_IP4)) ||
	    (proto == bpf_htons(ETH_P_IPV6) && !(tunnel->mode & MODE_IP6))) {
		__sync_fetch_and_add(&tunnel->refused, 1);
		return XDP_DROP;
	}
	if ((ip4->tos & 3) == 3 && proto != bpf_htons(ETH_P_TEB) &&
	    !copy_ce(inner, data_end, proto))
		return XDP_DROP;
	__sync_fetch_and_add(&tunnel->packets, 1);
	return strip(ctx, data, proto, inner - data);
}

char _license[] SEC("license") = "Dual BSD/GPL";
