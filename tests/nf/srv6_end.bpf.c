// EXPECT layers: kernel
// EVERY --cuts 10 --packets 200: short
// GEN {"daddr6": ["2001:db8:5::1", "2001:db8:5::d4", "2001:db8:6::1"], "flows": 12, "frames": [
// GEN ["eth", "ipv6 - 2001:db8:5::1", "next 43",
// GEN "hex 110404010100000020010db800060000000000000000000120010db8000500000000000000000001",
// GEN "udp - 53"],
// GEN ["eth", "ipv6 - 2001:db8:5::1", "next 43",
// GEN "hex 110404000100000020010db800060000000000000000000120010db8000500000000000000000001",
// GEN "udp - 53"],
// GEN ["eth", "ipv6 - 2001:db8:5::e", "next 43",
// GEN "hex 110404010100000020010db800060000000000000000000120010db8000500000000000000000001",
// GEN "udp - 53"],
// GEN ["eth", "ipv6 - 2001:db8:5::d4", "next 43",
// GEN "hex 040204000000000020010db80005000000000000000000d4", "ipv4", "udp", "random 0-60"],
// GEN ["eth", "ipv6 - 2001:db8:5::d4", "ipv4", "tcp"],
// GEN ["eth", "ipv6 - 2001:db8:5::d6", "next 43",
// GEN "hex 290204000000000020010db80005000000000000000000d6", "ipv6", "tcp"],
// GEN ["eth", "ipv6 - 2001:db8:5::1", "next 43", "hex 11040409????????", "random 32"]]}
// MAPS {"sids": [{"key": "2001:db8:5::1", "value": {"behaviour": 1}},
// MAPS {"key": "2001:db8:5::e", "value": {"behaviour": 2}},
// MAPS {"key": "2001:db8:5::d4", "value": {"behaviour": 3, "port": 1, "mac": "02:00:00:00:d4:1"}},
// MAPS {"key": "2001:db8:5::d6", "value": {"behaviour": 4, "mac": "02:00:00:00:d6:01"}}],
// MAPS "locator": [{"key": {"prefix": "2001:db8:6::/48"},
// MAPS "value": {"port": 0, "mac": "02:00:00:00:06:01"}}],
// MAPS "tx": [{"key": 0, "value": 1}, {"key": 1, "value": 2}]}
/*
 * SRv6 endpoint behaviours (RFC 8986) over the segment routing header (RFC 8754): End moves to the
 * next segment, with PSP the last but one removes the header, End.DX4 and End.DX6 take the outer
 * headers off and send what was inside to a neighbour.
 */
#include "net.h"

enum { END = 1, END_PSP = 2, END_DX4 = 3, END_DX6 = 4, SRH_TYPE = 4, SEGMENTS_MAX = 8 };

struct srh {
	__u8 nexthdr, hdrlen, type, segments_left;
	__u8 last_entry, flags;
	__be16 tag;
	struct in6_addr segments[];
};

struct sid {
	__u32 behaviour;
	__u32 port;
	__u8 mac[6];
	__u16 pad;
};

struct nexthop {
	__u32 port;
	__u8 mac[6];
	__u16 pad;
};

struct counts {
	__u64 packets, bytes, errors;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct in6_addr);
	__type(value, struct sid);
} sids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix6);
	__type(value, struct nexthop);
} locator SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct counts);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} tx SEC(".maps");

static __always_inline void count(__u32 behaviour, __u64 bytes, bool error)
{
	struct counts *c = bpf_map_lookup_elem(&counters, &behaviour);

	if (!c)
		return;
	c->packets++;
	c->bytes += bytes;
	c->errors += error;
}

static __always_inline int forward(struct ethhdr *eth, const struct ipv6hdr *ip6)
{
	struct prefix6 key = {.length = 128};
	struct nexthop *hop;

	__builtin_memcpy(key.addr, &ip6->daddr, sizeof key.addr);
	hop = bpf_map_lookup_elem(&locator, &key);
	if (!hop)
		return XDP_DROP;
	mac_copy(eth->h_source, eth->h_dest);
	mac_copy(eth->h_dest, hop->mac);
	return bpf_redirect_map(&tx, hop->port, XDP_DROP);
}

/* Takes the header out: what stands before it moves up. */
static __always_inline int pop_srh(struct xdp_md *ctx, struct ethhdr *eth, struct ipv6hdr *ip6,
				   const struct srh *srh)
{
	struct {
		struct ethhdr eth;
		struct ipv6hdr ip6;
	} __attribute__((packed)) head;
	__u32 bytes = (srh->hdrlen + 1) * 8;
	void *data;

	head.eth = *eth;
	head.ip6 = *ip6;
	head.ip6.nexthdr = srh->nexthdr;
	head.ip6.payload_len = bpf_htons(bpf_ntohs(ip6->payload_len) - bytes);
	if (bpf_xdp_adjust_head(ctx, bytes))
		return XDP_ABORTED;
	data = DATA(ctx);
	if (data + sizeof head > DATA_END(ctx))
		return XDP_ABORTED;
	__builtin_memcpy(data, &head, sizeof head);
	return forward(data, data + sizeof head.eth);
}

static __always_inline int end(struct xdp_md *ctx, struct ethhdr *eth, struct ipv6hdr *ip6,
			       struct srh *srh, void *data_end, bool psp)
{
	struct in6_addr *segment;
	__u32 left;

	if (!srh || !srh->segments_left) /* the upper layer is for us */
		return XDP_PASS;
	left = srh->segments_left - 1;
	if (ip6->hop_limit <= 1 || left > srh->last_entry || left >= SEGMENTS_MAX)
		return XDP_DROP;
	segment = srh->segments + left;
	if ((void *)(segment + 1) > data_end)
		return XDP_DROP;
	srh->segments_left = left;
	ip6->hop_limit--;
	ip6->daddr = *segment;
	return psp && !left ? pop_srh(ctx, eth, ip6, srh) : forward(eth, ip6);
}

static __always_inline int decapsulate(struct xdp_md *ctx, struct ethhdr *eth, void *inner,
				       const struct sid *sid, bool v4)
{
	struct ethhdr old = *eth;
	struct ethhdr *now;

	if (bpf_xdp_adjust_head(ctx, (int)(inner - (void *)eth) - (int)sizeof *eth))
		return XDP_ABORTED;
	now = DATA(ctx);
	if ((void *)(now + 1) > DATA_END(ctx))
		return XDP_ABORTED;
	mac_copy(now->h_source, old.h_dest);
	mac_copy(now->h_dest, sid->mac);
	now->h_proto = v4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	return bpf_redirect_map(&tx, sid->port, XDP_DROP);
}

SEC("xdp")
int srv6_end(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *inner;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct srh *srh = NULL;
	struct sid *sid;
	struct in6_addr address;
	__u8 next;
	bool dx4;

	if ((void *)(ip6 + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	address = ip6->daddr;
	sid = bpf_map_lookup_elem(&sids, &address);
	if (!sid)
		return XDP_PASS;
	next = ip6->nexthdr;
	inner = ip6 + 1;
	if (next == IPPROTO_ROUTING) {
		srh = inner;
		if ((void *)(srh + 1) > data_end || srh->type != SRH_TYPE ||
		    srh->hdrlen < 2 * (srh->last_entry + 1) || srh->hdrlen > 2 * SEGMENTS_MAX) {
			count(0, data_end - data, true);
			return XDP_DROP;
		}
		inner += (srh->hdrlen + 1) * 8;
		next = srh->nexthdr;
	}
	count(sid->behaviour, data_end - data, false);
	if (sid->behaviour <= END_PSP)
		return end(ctx, eth, ip6, srh, data_end, sid->behaviour == END_PSP);
	dx4 = sid->behaviour == END_DX4;
	if ((srh && srh->segments_left) || next != (dx4 ? IPPROTO_IPIP : IPPROTO_IPV6) ||
	    inner + sizeof(struct iphdr) > data_end) {
		count(sid->behaviour, 0, true);
		return XDP_DROP;
	}
	return decapsulate(ctx, eth, inner, sid, dx4);
}

char _license[] SEC("license") = "Dual BSD/GPL";
