/*
 * What the intrinsics of a TC program's user part turn into, beside user_rt.c. The context's fields
 * are in packet->skb, as the kernel part saw them; data_end is where the kernel's linear part
 * ended, packet->end where the packet does.
 *
 * Results are the kernel's, to the error code (net/core/filter.c, net/core/skbuff.c of Linux 6.18),
 * for an Ethernet packet that is neither shared nor of several segments and whose checksum is
 * complete: that is what is handed over.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bundle/user_abi.h"

#define RT __attribute__((always_inline))

enum {
	INT_MAX_OFFSET = 0x7fffffff,
	CHECKSUM_OFFSET_MAX = 0xffff,
	PACKET_BYTES_MAX = 16064, /* SKB_MAX_ALLOC: four pages less struct skb_shared_info */
	ROOM_BYTES_MAX = 0xfff,
	TAG_BYTES = 4,
	ADDRESS_BYTES = 2 * ETH_ALEN,
	QUEUE_NONE = 0xffff,
	MANGLED_0 = 0xffff,
	NOT_SUPPORTED = 524, /* ENOTSUPP, which is the kernel's own */
	ALREADY = EALREADY,
	IPV4_BYTES = 20,
	IPV6_BYTES = 40,
};

static uint16_t big16(uint16_t n)
{
	return __builtin_bswap16(n);
}

static uint32_t length_of(const struct cleave_packet *p)
{
	return (uint32_t)(p->end - p->data);
}

/* The first `bytes` become linear, so that they can be written to. */
static int make_writable(struct cleave_packet *p, uint32_t bytes)
{
	if (bytes > length_of(p))
		return -ENOMEM;
	if (p->data + bytes > p->data_end)
		p->data_end = p->data + bytes;
	return 0;
}

/* Fields. */

#define FIELD(name)                                                                                \
	RT uint32_t cleave_rt_skb_##name(struct cleave_packet *p)                                  \
	{                                                                                          \
		return p->skb->name;                                                               \
	}
FIELD(mark)
FIELD(priority)
FIELD(ifindex)
FIELD(ingress_ifindex)
FIELD(hash)
FIELD(tc_index)
FIELD(tc_classid)
FIELD(queue_mapping)
FIELD(protocol)
FIELD(vlan_tci)
FIELD(vlan_proto)
FIELD(pkt_type)
#undef FIELD

#define CB(n)                                                                                      \
	RT uint32_t cleave_rt_skb_cb##n(struct cleave_packet *p)                                   \
	{                                                                                          \
		return p->skb->cb[n];                                                              \
	}                                                                                          \
	RT void cleave_rt_skb_set_cb##n(struct cleave_packet *p, uint32_t value)                   \
	{                                                                                          \
		p->skb->cb[n] = value;                                                             \
	}
CB(0)
CB(1)
CB(2)
CB(3)
CB(4)
#undef CB

RT uint32_t cleave_rt_skb_len(struct cleave_packet *p)
{
	return length_of(p);
}

RT uint32_t cleave_rt_skb_vlan_present(struct cleave_packet *p)
{
	return p->skb->vlan_proto != 0;
}

RT uint64_t cleave_rt_skb_tstamp(struct cleave_packet *p)
{
	return p->skb->tstamp;
}

RT void cleave_rt_skb_set_tstamp(struct cleave_packet *p, uint64_t value)
{
	p->skb->tstamp = value;
}

RT void cleave_rt_skb_set_mark(struct cleave_packet *p, uint32_t value)
{
	p->skb->mark = value;
}

RT void cleave_rt_skb_set_priority(struct cleave_packet *p, uint32_t value)
{
	p->skb->priority = value;
}

RT void cleave_rt_skb_set_tc_index(struct cleave_packet *p, uint32_t value)
{
	p->skb->tc_index = (uint16_t)value;
}

RT void cleave_rt_skb_set_tc_classid(struct cleave_packet *p, uint32_t value)
{
	p->skb->tc_classid = (uint16_t)value;
}

RT void cleave_rt_skb_set_queue_mapping(struct cleave_packet *p, uint32_t value)
{
	if (value < QUEUE_NONE)
		p->skb->queue_mapping = (uint16_t)value;
}

/* Bytes. */

RT int64_t cleave_rt_help_skb_load_bytes(struct cleave_packet *p, uint32_t offset, void *bytes,
					 uint32_t size)
{
	if (offset > INT_MAX_OFFSET || (uint64_t)offset + size > length_of(p)) {
		memset(bytes, 0, size);
		return -EFAULT;
	}
	memmove(bytes, p->data + offset, size);
	return 0;
}

RT int64_t cleave_rt_help_skb_store_bytes(struct cleave_packet *p, uint32_t offset,
					  const void *bytes, uint32_t size, uint64_t flags)
{
	if (flags & ~(uint64_t)(BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH))
		return -EINVAL;
	if (offset > INT_MAX_OFFSET || make_writable(p, offset + size))
		return -EFAULT;
	memmove(p->data + offset, bytes, size);
	if (flags & BPF_F_INVALIDATE_HASH)
		p->skb->hash = 0;
	return 0;
}

RT int64_t cleave_rt_help_skb_pull_data(struct cleave_packet *p, uint32_t bytes)
{
	return make_writable(p, bytes ? bytes : (uint32_t)(p->data_end - p->data));
}

/* Checksums (include/net/checksum.h): sums of one's complement in 32 bits. */

static uint32_t add_sums(uint32_t a, uint32_t b)
{
	uint32_t sum = a + b;

	return sum + (sum < b);
}

static uint16_t fold_sum(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint16_t add_sums16(uint16_t a, uint16_t b)
{
	uint16_t sum = (uint16_t)(a + b);

	return (uint16_t)(sum + (sum < b));
}

static uint16_t replace_by_difference(uint16_t sum, uint32_t difference)
{
	return fold_sum(add_sums(difference, ~(uint32_t)sum));
}

static uint16_t replace_word(uint16_t sum, uint32_t from, uint32_t to)
{
	return fold_sum(add_sums(add_sums(~(uint32_t)sum, ~from), to));
}

static uint16_t replace_half(uint16_t sum, uint16_t from, uint16_t to)
{
	return (uint16_t)~add_sums16(add_sums16((uint16_t)~sum, (uint16_t)~from), to);
}

/* Where a checksum lies, or an error. */
static int find_sum(struct cleave_packet *p, uint32_t offset)
{
	if (offset > CHECKSUM_OFFSET_MAX || offset & 1 || make_writable(p, offset + 2))
		return -EFAULT;
	return 0;
}

RT int64_t cleave_rt_help_l3_csum_replace(struct cleave_packet *p, uint32_t offset, uint64_t from,
					  uint64_t to, uint64_t flags)
{
	uint16_t sum;
	int err;

	if (flags & ~(uint64_t)BPF_F_HDR_FIELD_MASK)
		return -EINVAL;
	err = find_sum(p, offset);
	if (err)
		return err;
	memcpy(&sum, p->data + offset, sizeof sum);
	if (flags == 0 && from == 0)
		sum = replace_by_difference(sum, (uint32_t)to);
	else if (flags == 2)
		sum = replace_half(sum, (uint16_t)from, (uint16_t)to);
	else if (flags == 4)
		sum = replace_word(sum, (uint32_t)from, (uint32_t)to);
	else
		return -EINVAL;
	memcpy(p->data + offset, &sum, sizeof sum);
	return 0;
}

enum { IPV6_FLAG = 1 << 7 }; /* BPF_F_IPV6, newer than the headers of Linux 6.1 */

RT int64_t cleave_rt_help_l4_csum_replace(struct cleave_packet *p, uint32_t offset, uint64_t from,
					  uint64_t to, uint64_t flags)
{
	const uint64_t known = BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE | BPF_F_PSEUDO_HDR |
			       BPF_F_HDR_FIELD_MASK | IPV6_FLAG;
	bool marks = flags & BPF_F_MARK_MANGLED_0;
	uint16_t sum;
	int err;

	if (flags & ~known)
		return -EINVAL;
	err = find_sum(p, offset);
	if (err)
		return err;
	memcpy(&sum, p->data + offset, sizeof sum);
	if (marks && !(flags & BPF_F_MARK_ENFORCE) && !sum)
		return 0;
	flags &= BPF_F_HDR_FIELD_MASK;
	if (flags == 0 && from == 0)
		sum = replace_by_difference(sum, (uint32_t)to);
	else if (flags == 2)
		sum = replace_word(sum, (uint16_t)from, (uint16_t)to);
	else if (flags == 4)
		sum = replace_word(sum, (uint32_t)from, (uint32_t)to);
	else
		return -EINVAL;
	if (marks && !sum)
		sum = MANGLED_0;
	memcpy(p->data + offset, &sum, sizeof sum);
	return 0;
}

/* The packet's ends, and room in its middle. */

/* Room for `bytes` behind the first `at`, zeroed: what stands before moves to the front. */
static int open_room(struct cleave_packet *p, uint32_t at, uint32_t bytes)
{
	if (bytes > p->data - p->head)
		return -ENOMEM;
	p->data -= bytes;
	memmove(p->data, p->data + bytes, at);
	memset(p->data + at, 0, bytes);
	return 0;
}

static int close_room(struct cleave_packet *p, uint32_t at, uint32_t bytes)
{
	int err = make_writable(p, at + bytes);

	if (err)
		return err;
	memmove(p->data + bytes, p->data, at);
	p->data += bytes;
	return 0;
}

RT int64_t cleave_rt_help_skb_change_head(struct cleave_packet *p, uint32_t bytes, uint64_t flags)
{
	if (flags || (int32_t)bytes < 0 || length_of(p) + bytes > PACKET_BYTES_MAX)
		return -EINVAL;
	if (open_room(p, 0, bytes))
		return -ENOMEM;
	p->network += bytes;
	return 0;
}

RT int64_t cleave_rt_help_skb_change_tail(struct cleave_packet *p, uint32_t bytes, uint64_t flags)
{
	uint32_t old = length_of(p);

	if (flags || bytes > PACKET_BYTES_MAX || bytes < p->network)
		return -EINVAL;
	if (p->encapsulated)
		return -NOT_SUPPORTED;
	if (bytes > old) {
		if (p->data + bytes > p->limit)
			return -ENOMEM;
		memset(p->end, 0, bytes - old);
		p->data_end = p->data + bytes; /* growing makes it linear */
	}
	p->end = p->data + bytes;
	if (p->data_end > p->end)
		p->data_end = p->end;
	return 0;
}

/* Of the header that skb->protocol names. */
static uint32_t base_bytes(const struct cleave_packet *p)
{
	if (p->skb->protocol == big16(ETH_P_IP))
		return IPV4_BYTES;
	return p->skb->protocol == big16(ETH_P_IPV6) ? IPV6_BYTES : ~0u;
}

/* What is wrong with the flags of an encapsulation, or 0. */
static int check_encapsulation(const struct cleave_packet *p, uint32_t bytes, uint64_t flags)
{
	const uint64_t both = BPF_F_ADJ_ROOM_ENCAP_L4_GRE | BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	const uint64_t ips = BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	uint8_t inner = (uint8_t)(flags >> BPF_ADJ_ROOM_ENCAP_L2_SHIFT);

	if ((flags & ips) == ips || (flags & both) == both ||
	    (flags & BPF_F_ADJ_ROOM_ENCAP_L2_ETH && inner < ETH_HLEN))
		return -EINVAL;
	if (p->encapsulated)
		return -ALREADY;
	return inner > bytes ? -EINVAL : 0;
}

static int grow(struct cleave_packet *p, uint32_t at, uint32_t bytes, uint64_t flags)
{
	bool encapsulates = flags & (BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6);
	int err = encapsulates ? check_encapsulation(p, bytes, flags) : 0;

	if (!err)
		err = open_room(p, at, bytes);
	if (err || !encapsulates)
		return err;
	p->encapsulated = 1;
	p->skb->protocol = big16(flags & BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 ? ETH_P_IPV6 : ETH_P_IP);
	return 0;
}

enum { DECAP_IPV4 = 1 << 7, DECAP_IPV6 = 1 << 8 }; /* BPF_F_ADJ_ROOM_DECAP_L3_IPV4, _IPV6 */

static int shrink(struct cleave_packet *p, uint32_t at, uint32_t bytes, uint64_t flags)
{
	int err;

	if (flags & ~(uint64_t)(BPF_F_ADJ_ROOM_FIXED_GSO | DECAP_IPV4 | DECAP_IPV6 |
				BPF_F_ADJ_ROOM_NO_CSUM_RESET))
		return -EINVAL;
	err = close_room(p, at, bytes);
	if (!err && flags & DECAP_IPV6)
		p->skb->protocol = big16(ETH_P_IPV6);
	else if (!err && flags & DECAP_IPV4)
		p->skb->protocol = big16(ETH_P_IP);
	return err;
}

static const uint64_t room_flags =
    BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 |
    BPF_F_ADJ_ROOM_ENCAP_L4_GRE | BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
    (uint64_t)BPF_ADJ_ROOM_ENCAP_L2_MASK << BPF_ADJ_ROOM_ENCAP_L2_SHIFT | DECAP_IPV4 | DECAP_IPV6 |
    BPF_F_ADJ_ROOM_NO_CSUM_RESET;

/* The fewest bytes that may be left of the network packet; 0: the flags are wrong. */
static uint32_t least_left(const struct cleave_packet *p, bool shrinks, uint64_t flags)
{
	uint64_t decap = flags & (DECAP_IPV4 | DECAP_IPV6);

	if (!decap)
		return base_bytes(p);
	if (!shrinks || decap == (DECAP_IPV4 | DECAP_IPV6))
		return 0;
	return decap == DECAP_IPV4 ? IPV4_BYTES : IPV6_BYTES;
}

RT int64_t cleave_rt_help_skb_adjust_room(struct cleave_packet *p, int32_t difference,
					  uint32_t mode, uint64_t flags)
{
	uint32_t bytes = difference < 0 ? -(uint32_t)difference : (uint32_t)difference;
	uint32_t at = p->network, left = length_of(p) - p->network, least;

	if (flags & ~room_flags)
		return -EINVAL;
	if (bytes > ROOM_BYTES_MAX)
		return -EFAULT;
	if (base_bytes(p) == ~0u || (mode != BPF_ADJ_ROOM_NET && mode != BPF_ADJ_ROOM_MAC))
		return -NOT_SUPPORTED;
	if (mode == BPF_ADJ_ROOM_NET)
		at += base_bytes(p);
	least = least_left(p, difference < 0, flags);
	if (!least)
		return -EINVAL;
	if (difference < 0 ? bytes >= left || left - bytes < least
			   : length_of(p) + bytes > PACKET_BYTES_MAX)
		return -NOT_SUPPORTED;
	return difference < 0 ? shrink(p, at, bytes, flags) : grow(p, at, bytes, flags);
}

RT int64_t cleave_rt_help_skb_change_proto(struct cleave_packet *p, uint16_t proto, uint64_t flags)
{
	const uint32_t bytes = IPV6_BYTES - IPV4_BYTES;
	uint16_t from = p->skb->protocol;
	int err = -NOT_SUPPORTED;

	if (flags)
		return -EINVAL;
	if (from == big16(ETH_P_IP) && proto == big16(ETH_P_IPV6))
		err = open_room(p, p->network, bytes);
	else if (from == big16(ETH_P_IPV6) && proto == big16(ETH_P_IP))
		err = close_room(p, p->network, bytes);
	if (err)
		return err;
	p->skb->protocol = proto;
	p->skb->hash = 0;
	return 0;
}

/* VLAN tags: the outermost is a field of the context, the next ones are among the bytes. */

static bool is_tag(uint16_t proto)
{
	return proto == big16(ETH_P_8021Q) || proto == big16(ETH_P_8021AD);
}

RT int64_t cleave_rt_help_skb_vlan_push(struct cleave_packet *p, uint16_t proto, uint16_t tci)
{
	uint16_t tag[2] = {p->skb->vlan_proto, big16(p->skb->vlan_tci)};

	if (!is_tag(proto))
		proto = big16(ETH_P_8021Q);
	if (p->skb->vlan_proto) {
		if (open_room(p, ADDRESS_BYTES, TAG_BYTES))
			return -ENOMEM;
		memcpy(p->data + ADDRESS_BYTES, tag, sizeof tag);
		p->skb->protocol = p->skb->vlan_proto;
	}
	p->skb->vlan_proto = proto;
	p->skb->vlan_tci = tci;
	return 0;
}

/* vlan_set_encap_proto: lengths, as of IEEE 802.3, are no protocols. */
static uint16_t inner_proto(const uint8_t *behind)
{
	uint16_t proto, raw;

	memcpy(&proto, behind, sizeof proto);
	memcpy(&raw, behind + 2, sizeof raw);
	if (big16(proto) >= ETH_P_802_3_MIN)
		return proto;
	return big16(raw == 0xffff ? ETH_P_802_3 : ETH_P_802_2);
}

static int remove_tag(struct cleave_packet *p, uint16_t *tci)
{
	uint16_t bytes;
	int err = make_writable(p, ETH_HLEN + TAG_BYTES);

	if (err)
		return err;
	memcpy(&bytes, p->data + ETH_HLEN, sizeof bytes);
	*tci = big16(bytes);
	p->skb->protocol = inner_proto(p->data + ETH_HLEN + 2);
	return close_room(p, ADDRESS_BYTES, TAG_BYTES);
}

RT int64_t cleave_rt_help_skb_vlan_pop(struct cleave_packet *p)
{
	uint16_t proto, tci;
	int err = 0;

	if (p->skb->vlan_proto)
		p->skb->vlan_proto = p->skb->vlan_tci = 0;
	else if (!is_tag(p->skb->protocol))
		return 0;
	else
		err = remove_tag(p, &tci);
	if (err || !is_tag(p->skb->protocol))
		return err;
	proto = p->skb->protocol;
	err = remove_tag(p, &tci);
	if (err)
		return err;
	p->skb->vlan_proto = proto;
	p->skb->vlan_tci = tci;
	return 0;
}

/* What only the context shows. */

RT int64_t cleave_rt_help_skb_change_type(struct cleave_packet *p, uint32_t type)
{
	if (p->skb->pkt_type > PACKET_OTHERHOST || type > PACKET_OTHERHOST)
		return -EINVAL;
	p->skb->pkt_type = (uint8_t)type;
	return 0;
}

RT int64_t cleave_rt_help_set_hash_invalid(struct cleave_packet *p)
{
	p->skb->hash = 0;
	return 0;
}

RT int64_t cleave_rt_help_set_hash(struct cleave_packet *p, uint32_t hash)
{
	p->skb->hash = hash;
	return 0;
}

/* Redirects. Of several, the last one counts. */

static int64_t redirect(struct cleave_packet *p, uint32_t kind, uint32_t ifindex, uint64_t flags)
{
	p->redirect_kind = kind;
	p->redirect_target = ifindex;
	p->redirect_map = 0;
	p->redirect_flags = flags;
	return TC_ACT_REDIRECT;
}

RT int64_t cleave_rt_tc_help_redirect(struct cleave_packet *p, uint32_t ifindex, uint64_t flags)
{
	if (flags & ~(uint64_t)BPF_F_INGRESS)
		return TC_ACT_SHOT;
	return redirect(p, CLEAVE_REDIRECT_IFINDEX, ifindex, flags);
}

RT int64_t cleave_rt_help_redirect_peer(struct cleave_packet *p, uint32_t ifindex, uint64_t flags)
{
	return flags ? TC_ACT_SHOT : redirect(p, CLEAVE_REDIRECT_PEER, ifindex, 0);
}
