/*
 * What every generated program starts with. Its text is put in front of each, so that a program is
 * one file. All arithmetic is defined for all operands; packets are read through types that may
 * alias anything.
 */

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define DATA(ctx)     ((void *)(long)(ctx)->data)
#define DATA_END(ctx) ((void *)(long)(ctx)->data_end)

typedef __u8 u8_any;
typedef __u16 __attribute__((may_alias)) u16_any;
typedef __u32 __attribute__((may_alias)) u32_any;
typedef __u64 __attribute__((may_alias)) u64_any;

#define AT(type, p, at)      (*(type *)((__u8 *)(p) + (at)))
#define LOAD8(p, at)         AT(u8_any, p, at)
#define LOAD16(p, at)        AT(u16_any, p, at)
#define LOAD32(p, at)        AT(u32_any, p, at)
#define LOAD64(p, at)        AT(u64_any, p, at)
#define STORE8(p, at, what)  (AT(u8_any, p, at) = (what))
#define STORE16(p, at, what) (AT(u16_any, p, at) = (what))
#define STORE32(p, at, what) (AT(u32_any, p, at) = (what))
#define STORE64(p, at, what) (AT(u64_any, p, at) = (what))

/* As in linux/icmp.h, which does not compile for BPF everywhere. */
struct icmp_echo {
	__u8 type, code;
	__u16 checksum, id, sequence;
};

struct vlan_tag {
	__u16 tci, proto;
};

struct cursor {
	void *at, *end;
};

static __always_inline void *cursor_take(struct cursor *c, __u32 bytes)
{
	void *here = c->at;

	if (here + bytes > c->end)
		return NULL;
	c->at = here + bytes;
	return here;
}

static __always_inline struct ethhdr *cursor_ethernet(struct cursor *c, __u16 *proto)
{
	struct ethhdr *eth = cursor_take(c, sizeof *eth);
	struct vlan_tag *tag;

	if (!eth)
		return NULL;
	*proto = eth->h_proto;
	if (*proto == bpf_htons(ETH_P_8021Q)) {
		tag = cursor_take(c, sizeof *tag);
		if (!tag)
			return NULL;
		*proto = tag->proto;
	}
	return eth;
}

static __always_inline struct iphdr *cursor_ip4(struct cursor *c)
{
	struct iphdr *ip4 = cursor_take(c, sizeof *ip4);
	__u32 bytes;

	if (!ip4)
		return NULL;
	bytes = ip4->ihl * 4;
	if (bytes < sizeof *ip4 || (bytes > sizeof *ip4 && !cursor_take(c, bytes - sizeof *ip4)))
		return NULL;
	return ip4;
}

static __always_inline __u64 signed_divide(__s64 a, __u32 b)
{
	return a < 0 ? -(-(__u64)a / b) : (__u64)a / b;
}

static __always_inline __u64 signed_remainder(__s64 a, __u32 b)
{
	return a < 0 ? -(-(__u64)a % b) : (__u64)a % b;
}

static __always_inline __u16 fold(__s64 sum)
{
	__u32 half = ((__u32)sum & 0xffff) + ((__u32)sum >> 16);

	return (half & 0xffff) + (half >> 16);
}

static __always_inline __u16 ip4_checksum(struct iphdr *ip4)
{
	__u32 sum = 0;

	for (int i = 0; i < 10; i++)
		sum += LOAD16(ip4, 2 * i);
	return ~fold(sum);
}

static __always_inline void ip4_decrease_ttl(struct iphdr *ip4)
{
	__u32 check = ip4->check + bpf_htons(0x0100);

	ip4->check = check + (check >= 0xffff);
	ip4->ttl--;
}

static __always_inline void ip4_swap(struct iphdr *ip4)
{
	__be32 address = ip4->saddr;

	ip4->saddr = ip4->daddr;
	ip4->daddr = address;
}

/* One word of the header, and the checksum with it. */
static __always_inline void ip4_replace(__be32 *word, struct iphdr *ip4, __be32 by)
{
	__be32 old = *word;
	__s64 sum = bpf_csum_diff(&old, 4, &by, 4, (__u16)~ip4->check);

	*word = by;
	ip4->check = ~fold(sum);
}

static __always_inline void ip4_fill(struct iphdr *ip4, __u32 bytes, __be32 daddr)
{
	__builtin_memset(ip4, 0, sizeof *ip4);
	ip4->version = 4;
	ip4->ihl = 5;
	ip4->ttl = 64;
	ip4->protocol = IPPROTO_IPIP;
	ip4->tot_len = bpf_htons(bytes);
	ip4->daddr = daddr;
	ip4->check = ip4_checksum(ip4);
}

static __always_inline void ethernet_swap(struct ethhdr *eth)
{
	__u8 address[ETH_ALEN];

	__builtin_memcpy(address, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, address, ETH_ALEN);
}
