/*
 * Headers and parsing that the examples share: Ethernet with up to two VLAN tags, IPv4 with
 * options, IPv6 with extension headers. Everything here is inlined; a parser answers where the next
 * header starts and leaves the bounds check of that header to whoever reads it.
 *
 *     __u16 type = parse_link(data, data_end, &l3);
 *     if (!parse_ip(l3, data_end, type, &ip)) return XDP_DROP;
 *     struct udphdr *udp = ip.l4;
 *     if ((void *)(udp + 1) > data_end) return XDP_DROP;
 *
 * Addresses of both families are kept as struct in6_addr, IPv4 mapped (::ffff:a.b.c.d), so that one
 * map serves both.
 */
#ifndef EXAMPLES_NET_PARSE_H
#define EXAMPLES_NET_PARSE_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define VLAN_TAGS_MAX      2
#define IP6_EXTENSIONS_MAX 4
#define IP_OFFSET_MASK     0x1fff
#define IP_MORE_FRAGMENTS  0x2000

struct vlan_hdr {
	__be16 tci;
	__be16 type;
};

/* <linux/icmp.h> needs the C library's headers, which -target bpf does not have. One layout serves
 * ICMP and ICMPv6. */
struct icmp_hdr {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be16 id; /* of an echo */
	__be16 sequence;
};

enum {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_ECHO_REQUEST = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_ERROR_LAST = 127, /* types 1 to 127 are errors */
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_ND_FIRST = 133, /* router solicitation */
	ICMP6_ND_LAST = 137,  /* redirect */
};

struct ip6_extension {
	__u8 next;
	__u8 length;     /* in 8 bytes, not counting the first 8 */
	__be16 fragment; /* of a fragment header: offset and flags */
};

enum fragment_kind { FRAGMENT_NONE, FRAGMENT_FIRST, FRAGMENT_LATER };

struct ip_packet {
	void *l4;  /* first byte behind the IP header and its options or extensions */
	void *end; /* where the IP packet ends: at most data_end, less when the frame is padded */
	__u8 protocol;
	__u8 fragment; /* enum fragment_kind */
	bool options;  /* IPv4 options or IPv6 hop-by-hop options: a router has to look at them */
};

/* The EtherType behind the VLAN tags in host order, 0 when the frame is truncated. */
static __always_inline __u16 parse_link(void *data, void *data_end, void **l3)
{
	struct ethhdr *eth = data;
	struct vlan_hdr *vlan = (void *)(eth + 1);
	__be16 type;

	if ((void *)(eth + 1) > data_end)
		return 0;
	type = eth->h_proto;
#pragma unroll
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(vlan + 1) > data_end)
			return 0;
		type = vlan->type;
		vlan++;
	}
	*l3 = vlan;
	return bpf_ntohs(type);
}

static __always_inline bool parse_ip4(void *l3, void *data_end, struct ip_packet *ip)
{
	struct iphdr *ip4 = l3;
	__u32 header, total, offset;

	if ((void *)(ip4 + 1) > data_end || ip4->version != 4)
		return false;
	header = ip4->ihl * 4;
	total = bpf_ntohs(ip4->tot_len);
	if (header < sizeof(*ip4) || total < header || l3 + total > data_end)
		return false;
	offset = bpf_ntohs(ip4->frag_off);
	ip->l4 = l3 + header;
	ip->end = l3 + total;
	ip->protocol = ip4->protocol;
	ip->options = header > sizeof(*ip4);
	ip->fragment = offset & IP_OFFSET_MASK      ? FRAGMENT_LATER
		       : offset & IP_MORE_FRAGMENTS ? FRAGMENT_FIRST
						    : FRAGMENT_NONE;
	return true;
}

static __always_inline bool parse_ip6(void *l3, void *data_end, struct ip_packet *ip)
{
	struct ipv6hdr *ip6 = l3;
	struct ip6_extension *extension = (void *)(ip6 + 1);
	__u8 next;

	if ((void *)(ip6 + 1) > data_end || ip6->version != 6)
		return false;
	ip->end = (void *)(ip6 + 1) + bpf_ntohs(ip6->payload_len);
	if (ip->end > data_end)
		return false;
	next = ip6->nexthdr;
	ip->options = next == IPPROTO_HOPOPTS;
	ip->fragment = FRAGMENT_NONE;
#pragma unroll
	for (int i = 0; i < IP6_EXTENSIONS_MAX; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT)
			break;
		if (ip->fragment == FRAGMENT_LATER)
			break;
		if ((void *)extension + 8 > data_end)
			return false;
		if (next == IPPROTO_FRAGMENT) {
			ip->fragment = extension->fragment & bpf_htons(0xfff8) ? FRAGMENT_LATER
				       : extension->fragment & bpf_htons(1)    ? FRAGMENT_FIRST
									       : FRAGMENT_NONE;
			next = extension->next;
			extension = (void *)extension + 8;
		} else {
			next = extension->next;
			extension = (void *)extension + 8 + extension->length * 8;
		}
	}
	ip->l4 = extension;
	ip->protocol = next;
	return true;
}

/* False when the packet is not IP, or is malformed or truncated. */
static __always_inline bool parse_ip(void *l3, void *data_end, __u16 type, struct ip_packet *ip)
{
	if (type == ETH_P_IP)
		return parse_ip4(l3, data_end, ip);
	if (type == ETH_P_IPV6)
		return parse_ip6(l3, data_end, ip);
	return false;
}

static __always_inline void map_address(struct in6_addr *mapped, __be32 address)
{
	mapped->s6_addr32[0] = 0;
	mapped->s6_addr32[1] = 0;
	mapped->s6_addr32[2] = bpf_htonl(0xffff);
	mapped->s6_addr32[3] = address;
}

static __always_inline bool same_mac(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const __u16 *)a, *y = (const __u16 *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

static __always_inline __u16 fold_checksum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static __always_inline bool is_icmp_error(__u8 protocol, __u8 type)
{
	if (protocol == IPPROTO_ICMPV6)
		return type <= ICMP6_ERROR_LAST;
	return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETER_PROBLEM;
}

/* RFC 1624, equation 3: the checksum after one 16-bit word of what it covers has changed. */
static __always_inline void replace_checksum(__sum16 *check, __be16 from, __be16 to)
{
	*check = fold_checksum((__u16) ~*check + (__u32)(__u16)~from + to);
}

#endif
