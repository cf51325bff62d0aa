/*
 * What the NFs of real protocols share beside nf.h: more headers, and the
 * Internet checksum (RFC 1071) with its updates (RFC 1624).
 */
#ifndef TESTS_NF_NET_H
#define TESTS_NF_NET_H

#include "nf.h"
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#define IP_DF     0x4000
#define IP_MF     0x2000
#define IP_OFFSET 0x1fff

/* Words of whatever memory: checksums and hashes look at headers as they lie.
 */
typedef __u16 __attribute__((may_alias)) any_u16;
typedef __u32 __attribute__((may_alias)) any_u32;
typedef __u64 __attribute__((may_alias)) any_u64;

/* Keys of tables of the longest prefix. */
struct prefix4 {
	__u32 length;
	__be32 addr;
};

struct prefix6 {
	__u32 length;
	__u32 addr[4];
};

struct vlan_hdr {
	__be16 tci;
	__be16 proto;
};

struct arp_ip4 { /* ARP for IPv4 over Ethernet (RFC 826) */
	__be16 hrd, pro;
	__u8 hln, pln;
	__be16 op;
	__u8 sha[6];
	__be32 spa;
	__u8 tha[6];
	__be32 tpa;
} __attribute__((packed));

static __always_inline bool is_vlan(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

static __always_inline bool is_fragment(const struct iphdr *ip4)
{
	return ip4->frag_off & bpf_htons(IP_MF | IP_OFFSET);
}

static __always_inline __u16 csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Sum of 16-bit words; bytes is a constant and even. */
static __always_inline __u32 csum_add(const void *p, __u32 bytes, __u32 sum)
{
	const any_u16 *words = p;

	for (__u32 i = 0; i < bytes / 2; i++)
		sum += words[i];
	return sum;
}

static __always_inline void csum_replace2(__u16 *check, __u16 from, __u16 to)
{
	__u32 sum = (__u16) ~*check + (__u32)(__u16)~from + to;

	*check = csum_fold(sum);
}

static __always_inline void csum_replace4(__u16 *check, __u32 from, __u32 to)
{
	csum_replace2(check, from & 0xffff, to & 0xffff);
	csum_replace2(check, from >> 16, to >> 16);
}

/* The header checksum of an IPv4 header without options. */
static __always_inline void ip4_set_check(struct iphdr *ip4)
{
	ip4->check = 0;
	ip4->check = csum_fold(csum_add(ip4, sizeof *ip4, 0));
}

static __always_inline void ip4_decrease_ttl(struct iphdr *ip4)
{
	__u16 from = *(any_u16 *)&ip4->ttl;

	ip4->ttl--;
	csum_replace2(&ip4->check, from, *(any_u16 *)&ip4->ttl);
}

static __always_inline void mac_copy(void *to, const void *from)
{
	__builtin_memcpy(to, from, 6);
}

static __always_inline void eth_swap(struct ethhdr *eth)
{
	__u8 mac[6];

	mac_copy(mac, eth->h_dest);
	mac_copy(eth->h_dest, eth->h_source);
	mac_copy(eth->h_source, mac);
}

/* Back to where it came from: an answer in its own frame. */
static __always_inline void ip4_turn_round(struct ethhdr *eth, struct iphdr *ip4)
{
	__be32 addr = ip4->saddr;

	eth_swap(eth);
	ip4->saddr = ip4->daddr;
	ip4->daddr = addr;
}

/* The same with its ports, and no checksum. */
static __always_inline void udp_turn_round(struct ethhdr *eth, struct iphdr *ip4,
					   struct udphdr *udp)
{
	__be16 port = udp->source;

	ip4_turn_round(eth, ip4);
	udp->source = udp->dest;
	udp->dest = port;
	udp->check = 0;
}

/*
 * What follows Ethernet and at most one 802.1Q tag, with its EtherType, and the tag's VLAN, which
 * stays as it is without one; or NULL.
 */
static __always_inline void *find_l3(void *data, const void *data_end, __be16 *proto, __u16 *vlan)
{
	struct ethhdr *eth = data;
	struct vlan_hdr *tag = (void *)(eth + 1);

	if ((void *)(eth + 1) > data_end)
		return NULL;
	*proto = eth->h_proto;
	if (*proto != bpf_htons(ETH_P_8021Q))
		return eth + 1;
	if ((void *)(tag + 1) > data_end)
		return NULL;
	*vlan = bpf_ntohs(tag->tci) & 0xfff;
	*proto = tag->proto;
	return tag + 1;
}

/* A well-mixed hash of 32 bits (the finaliser of MurmurHash3). */
static __always_inline __u32 hash_mix(__u32 h)
{
	h ^= h >> 16;
	h *= 0x85ebca6b;
	h ^= h >> 13;
	h *= 0xc2b2ae35;
	return h ^ h >> 16;
}

static __always_inline __u32 hash_words(const void *p, __u32 count, __u32 seed)
{
	const any_u32 *words = p;

	for (__u32 i = 0; i < count; i++)
		seed = hash_mix(seed ^ words[i]) * 5 + 0xe6546b64;
	return seed;
}

#endif
