// EXPECT layers: kernel
// EVERY --cuts 10 --packets 200: short
// GEN {"daddr6": ["2001:db8:5::1", "2001:db8:5::2"], "flows": 12, "frames": [
// GEN ["eth", "ipv6 - 2001:db8:5::1", "next 43",
// GEN "hex 11020302ff00000000020003000000000000000000000000",
// GEN "udp - 53"],
// GEN ["eth", "ipv6 - 2001:db8:5::1", "next 43",
// GEN "hex 1101030?ee00000000020003", "hex 00000004",
// GEN "udp - 53"],
// GEN ["eth", "ipv6 - 2001:db8:5::1", "next 43",
// GEN "hex 3a010302ef004000000200030405????", "icmpv6 128"],
// GEN ["eth", "ipv6 - 2001:db8:5::1", "next 43",
// GEN "hex 11040301000000002001", "hex 0db8000500000000",
// GEN "hex 00000000000200000000000000000000000000000000", "udp - 53"],
// GEN ["eth", "ipv6 - 2001:db8:5::1", "next 43",
// GEN "hex 11010303ef00400000010101????????", "udp - 53"],
// GEN ["eth", "ipv6 - 2001:db8:5::1", "next 43",
// GEN "hex 11010301ef004000ff02????????????", "udp - 53"]]}
/*
 * A hop of RPL's source routing header (RFC 6554): addresses share their first CmprI (the last one
 * CmprE) bytes with the packet's own destination. The next address is expanded, and exchanged with
 * the destination; loops and multicast addresses are refused.
 */
#include "net.h"

enum { RPL_TYPE = 3, ADDRESSES_MAX = 16 };

struct rpl_hdr {
	__u8 nexthdr, hdrlen, type, segments_left;
	__u8 compression; /* CmprI, CmprE */
	__u8 pad;         /* of the last address: upper four bits */
	__be16 reserved;
	__u8 data[];
};

struct loops {
	__u64 forwarded, arrived, malformed, looped, expired;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct loops);
} statistics SEC(".maps");

const volatile __u8 next_mac[6] = {2, 0, 0, 0, 0, 0x77};
const volatile __u32 own[4] = {0xb80d0120, 0x500, 0, 0x01000000};

static __always_inline bool is_own(const struct in6_addr *addr)
{
	for (int i = 0; i < 4; i++)
		if (addr->in6_u.u6_addr32[i] != own[i])
			return false;
	return true;
}

/*
 * Exchanges the destination's last bytes with those at `at`: all but the shared ones. The 16 bytes
 * that end with the address are in the packet whatever is shared: headers stand before it.
 */
static __always_inline bool exchange(struct ipv6hdr *ip6, __u8 *data, __u32 offset, __u32 shared,
				     void *data_end)
{
	struct in6_addr next = ip6->daddr;
	__u8 *end;

	offset += 16 - shared;
	if (offset > ADDRESSES_MAX * 16)
		return false;
	end = data + offset;
	if ((void *)end > data_end)
		return false;
	end -= 16;
	if ((void *)(end + 16) > data_end)
		return false;
	for (__u32 i = 0; i < 16; i++)
		if (i >= shared)
			next.in6_u.u6_addr8[i] = end[i];
	if (next.in6_u.u6_addr8[0] == 0xff || is_own(&next))
		return false;
	for (__u32 i = 0; i < 16; i++)
		if (i >= shared)
			end[i] = ip6->daddr.in6_u.u6_addr8[i];
	ip6->daddr = next;
	return true;
}

static __always_inline int process(struct ethhdr *eth, struct ipv6hdr *ip6, struct rpl_hdr *rpl,
				   void *data_end, struct loops *s)
{
	__u32 within = rpl->compression >> 4, last = rpl->compression & 15, pad = rpl->pad >> 4;
	__u32 bytes = rpl->hdrlen * 8, count, index, shared, offset;

	if (bytes < pad + 16 - last || bytes > ADDRESSES_MAX * 16) {
		s->malformed++;
		return XDP_DROP;
	}
	count = (bytes - pad - (16 - last)) / (16 - within) + 1;
	if (!rpl->segments_left) {
		s->arrived++;
		return XDP_PASS;
	}
	if (rpl->segments_left > count) {
		s->malformed++;
		return XDP_DROP;
	}
	if (ip6->hop_limit <= 1) {
		s->expired++;
		return XDP_DROP;
	}
	index = count - rpl->segments_left;
	shared = index + 1 == count ? last : within;
	offset = index * (16 - within);
	if (offset > ADDRESSES_MAX * 16)
		return XDP_DROP;
	if (!exchange(ip6, rpl->data, offset, shared, data_end)) {
		s->looped++;
		return XDP_DROP;
	}
	rpl->segments_left--;
	ip6->hop_limit--;
	mac_copy(eth->h_source, eth->h_dest);
	for (int i = 0; i < 6; i++)
		eth->h_dest[i] = next_mac[i];
	s->forwarded++;
	return XDP_TX;
}

SEC("xdp")
int rpl_source_routing(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct rpl_hdr *rpl = (void *)(ip6 + 1);
	struct loops *s;
	__u32 zero = 0;

	if ((void *)(rpl + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IPV6) ||
	    ip6->nexthdr != IPPROTO_ROUTING || rpl->type != RPL_TYPE)
		return XDP_PASS;
	if (!is_own(&ip6->daddr))
		return XDP_PASS;
	s = bpf_map_lookup_elem(&statistics, &zero);
	return s ? process(eth, ip6, rpl, data_end, s) : XDP_ABORTED;
}

char _license[] SEC("license") = "Dual BSD/GPL";
