// EXPECT layers: kernel user
// EXPECT home seen: shared array
/*
 * A pair in strict order where only one program knows its key before the cut: what comes in counts
 * by address, what leaves by its payload, which user reads. So neither tells keys apart: a packet
 * that comes in waits for any that is on its way out in user.
 */
// GEN {"saddr4": ["10.0.0.0/30"], "daddr4": ["10.0.0.0/30"], "flows": 12,
// GEN "weights": {"udp": 20, "tcp": 1}}
#include "pair.h"

NUMBERS(seen, ARRAY, 4);

SEC("xdp")
int come_in(struct xdp_md *ctx)
{
	void *end = DATA_END(ctx);
	struct udphdr *udp;
	struct iphdr *ip = find_udp(DATA(ctx), end, &udp);
	__u64 *count;
	__u32 key;

	if (!ip)
		return XDP_PASS;
	key = bpf_ntohl(ip->saddr) & 3;
	count = bpf_map_lookup_elem(&seen, &key);
	if (!count)
		return XDP_ABORTED;
	*count = *count * 5 + 1;
	if (udp->source & 1)
		*count += hash_bytes((void *)(udp + 1), end, 0);
	return *count & 2 ? XDP_DROP : XDP_PASS;
}

SEC("tc/egress")
int go_out(struct __sk_buff *skb)
{
	void *end = DATA_END(skb);
	struct udphdr *udp;
	struct iphdr *ip = find_udp(DATA(skb), end, &udp);
	__u64 *count;
	__u32 key;

	if (!ip)
		return TC_ACT_OK;
	key = hash_bytes((void *)(udp + 1), end, 0) & 3;
	count = bpf_map_lookup_elem(&seen, &key);
	if (!count)
		return TC_ACT_SHOT;
	*count = *count * 3 + 1;
	return *count & 4 ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
