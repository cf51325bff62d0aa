// EXPECT layers: kernel
/* Every helper that changes the packet, with arguments that are drawn: right ones and wrong */
#include "nf.h"
#include <linux/pkt_cls.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __s64);
} results SEC(".maps");

struct arguments {
	__u8 which, small;
	__u16 half;
	__u32 word;
};

/* Wrong flags in one packet of eight. */
static __always_inline __u64 flags_of(const struct arguments *a, __u64 right)
{
	return a->small & 7 ? right : right | 1ull << (a->half & 31);
}

static __always_inline long call_room(struct __sk_buff *skb, const struct arguments *a)
{
	__u64 flags = 0;
	int bytes = a->half % 61;

	if (a->small & 0x40)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;
	if ((a->small & 0x30) == 0x30)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	if (a->small & 0x80)
		return bpf_skb_adjust_room(skb, -bytes, a->word % 3, flags_of(a, 0));
	return bpf_skb_adjust_room(skb, bytes, a->word % 3, flags_of(a, flags));
}

static __always_inline long call_one(struct __sk_buff *skb, const struct arguments *a)
{
	__u32 bytes[2] = {a->word, a->word}, offset = a->half % 80;
	long err;

	switch (a->which & 15) {
	case 0:
		return bpf_skb_store_bytes(skb, offset, bytes, sizeof bytes,
					   flags_of(a, a->small & 3));
	case 1:
		err = bpf_skb_load_bytes(skb, offset, bytes, sizeof bytes);
		skb->mark = bytes[0] ^ bytes[1];
		return err;
	case 2:
		return bpf_l3_csum_replace(skb, offset, a->word, a->half,
					   flags_of(a, a->small & 6));
	case 3:
		return bpf_l4_csum_replace(skb, offset, a->word, a->half,
					   flags_of(a, (a->small & 6) | (a->small & 0x70)));
	case 4:
		return bpf_skb_vlan_push(skb, a->small & 8 ? bpf_htons(ETH_P_8021AD) : a->half,
					 a->word);
	case 5:
		return bpf_skb_vlan_pop(skb);
	case 6:
		return bpf_skb_change_type(skb, a->small & 7);
	case 7:
		return bpf_skb_change_tail(skb, a->half % 300, flags_of(a, 0));
	case 8:
		return bpf_skb_change_head(skb, a->half % 40, flags_of(a, 0));
	case 9:
		return bpf_skb_pull_data(skb, a->half % 200);
	case 10:
		return bpf_skb_change_proto(skb, bpf_htons(a->small & 8 ? ETH_P_IP : ETH_P_IPV6),
					    flags_of(a, 0));
	case 11:
		return bpf_set_hash(skb, a->word);
	case 12:
		bpf_set_hash_invalid(skb);
		return skb->hash;
	default:
		return call_room(skb, a);
	}
}

static __always_inline struct arguments draw(__u64 *seed)
{
	__u64 x = *seed = (*seed ^ *seed >> 29) * 0x9E3779B97F4A7C15ull;

	return (struct arguments){
	    .which = x >> 8, .small = x >> 16, .half = x >> 24, .word = x >> 32};
}

SEC("tc")
int tc_any_helper(struct __sk_buff *skb)
{
	__u64 seed = skb->tstamp + skb->mark + ((__u64)skb->cb[0] << 32) + skb->cb[1];
	struct arguments first = draw(&seed), second = draw(&seed);
	__u32 key = first.which << 4 & 0xf0 | second.which & 15;
	__s64 *result, errors;

	errors = call_one(skb, &first) * 31;
	errors += call_one(skb, &second);
	result = bpf_map_lookup_elem(&results, &key);
	if (result)
		*result = *result * 31 + errors;
	skb->cb[0] = skb->len;
	skb->cb[1] = skb->protocol;
	skb->cb[2] = skb->data_end - skb->data;
	return first.half % 9 ? TC_ACT_OK : bpf_redirect_peer(1, second.half % 3);
}

char _license[] SEC("license") = "Dual BSD/GPL";
