// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"flows": 12, "weights": {"tcp": 60, "vlan": 10}, "frames": [ ["eth", "ipv4",
// GEN "tcp - - 2 020405b4040201010303"], ["eth", "ipv6", "tcp - - 2 0101020405b4"], ["eth",
// GEN "ipv4", "tcp - - 18 040203030a020405dc"], ["eth", "ipv6", "tcp - - 2 02040190"], ["eth",
// GEN "ipv4", "tcp - - 2 0303ff"]]}
/*
 * Clamps the MSS that SYNs announce to what the path takes, with an incremental checksum. Options
 * at odd places are possible: what changes are two bytes that may lie across checksum words.
 */
#include "net.h"

enum { OPTIONS_MAX = 12, MSS4 = 1360, MSS6 = 1340 };

NUMBERS(counters, PERCPU_ARRAY, 4);

static __always_inline int clamp(struct tcphdr *tcp, void *data_end, __u16 limit)
{
	__u8 *at = (void *)(tcp + 1);
	__u32 left = tcp->doff * 4 - sizeof *tcp;
	__u16 mss, now = bpf_htons(limit), was;

	for (int i = 0; i < OPTIONS_MAX; i++) {
		if (!left || (void *)(at + 4) > data_end || !at[0])
			return XDP_PASS;
		if (at[0] == 1) {
			at++;
			left--;
			continue;
		}
		if (at[1] < 2 || at[1] > left) {
			count_own(&counters, 1);
			return XDP_DROP;
		}
		if (at[0] == 2)
			break;
		left -= at[1];
		at += at[1];
	}
	if ((void *)(at + 4) > data_end || at[0] != 2 || at[1] != 4)
		return XDP_PASS;
	mss = at[2] << 8 | at[3];
	if (mss <= limit) {
		count_own(&counters, 2);
		return XDP_PASS;
	}
	was = bpf_htons(mss);
	at[2] = limit >> 8;
	at[3] = limit & 0xff;
	if (left & 1) { /* the other way round in its words */
		was = was >> 8 | was << 8;
		now = now >> 8 | now << 8;
	}
	csum_replace2(&tcp->check, was, now);
	count_own(&counters, 3);
	return XDP_PASS;
}

SEC("xdp")
int mss_clamp(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *l3;
	struct ethhdr *eth = data;
	struct vlan_hdr *tag = (void *)(eth + 1);
	struct tcphdr *tcp;
	__u16 limit;
	__be16 proto;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	l3 = eth + 1;
	proto = eth->h_proto;
	if (is_vlan(proto)) {
		if ((void *)(tag + 1) > data_end)
			return XDP_PASS;
		proto = tag->proto;
		l3 = tag + 1;
	}
	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = l3;

		if ((void *)(ip4 + 1) > data_end || ip4->ihl < 5 || ip4->protocol != IPPROTO_TCP ||
		    (ip4->frag_off & bpf_htons(IP_OFFSET)))
			return XDP_PASS;
		tcp = l3 + ip4->ihl * 4;
		limit = MSS4;
	} else if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = l3;

		if ((void *)(ip6 + 1) > data_end || ip6->nexthdr != IPPROTO_TCP)
			return XDP_PASS;
		tcp = (void *)(ip6 + 1);
		limit = MSS6;
	} else {
		return XDP_PASS;
	}
	if ((void *)(tcp + 1) > data_end || tcp->doff < 5)
		return XDP_DROP;
	if (!tcp->syn)
		return XDP_PASS;
	count_own(&counters, 0);
	return clamp(tcp, data_end, limit);
}

char _license[] SEC("license") = "Dual BSD/GPL";
