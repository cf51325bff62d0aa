// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_dynptr_from_skb
/* A TC program that reads the packet by a dynptr, and writes into a slice of it. */
#include "nf.h"
#include <linux/pkt_cls.h>

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *ptr) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, __u32 offset, void *buffer,
			      __u32 size) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} protocols SEC(".maps");

SEC("tc")
int tc_packet_dynptrs(struct __sk_buff *skb)
{
	struct bpf_dynptr packet;
	struct iphdr room = {}, *ip4;
	__u32 protocol;
	__u64 *packets;
	__u8 ttl;

	if (bpf_dynptr_from_skb(skb, 0, &packet))
		return TC_ACT_SHOT;
	ip4 = bpf_dynptr_slice(&packet, sizeof(struct ethhdr), &room, sizeof room);
	if (!ip4 || ip4->version != 4)
		return TC_ACT_OK;
	protocol = ip4->protocol;
	ttl = ip4->ttl;
	packets = bpf_map_lookup_elem(&protocols, &protocol);
	if (packets)
		*packets += ttl;
	ttl ^= 0x55;
	if (bpf_dynptr_write(&packet, sizeof(struct ethhdr) + 8, &ttl, 1, 0))
		return TC_ACT_SHOT;
	skb->mark = protocol;
	return TC_ACT_PIPE;
}

char LICENSE[] SEC("license") = "GPL";
