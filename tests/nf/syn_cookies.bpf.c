// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/30"], "daddr4": ["192.0.2.1"], "sports": ["2000-2003"],
// GEN "dports": [80, 443], "flows": 12, "weights": {"tcp": 60, "udp": 5, "ipv6": 40}, "frames": [
// GEN ["eth", "ipv4 10.0.0.1 192.0.2.1", "tcp 2000 80 2 020405b40402080a0000000100000000"],
// GEN ["eth", "ipv4 10.0.0.1 192.0.2.1", "tcp 2000 80 16", "set 4 00000002", "set 8 7ce45ee5"],
// GEN ["eth", "ipv4 10.0.0.1 192.0.2.1", "tcp 2000 80 24"],
// GEN ["eth", "ipv6 2001:db8::1 2001:db8::2", "tcp 2000 80 2 0204????01030307"],
// GEN ["eth", "ipv6 2001:db8::1 2001:db8::2", "tcp 2000 80 16"]]}
// MAPS {"ports": [{"key": 80, "value": 1}]}
/*
 * A SYN proxy's first half: SYNs to protected ports are answered with a cookie
 * instead of state. The cookie is 3 bits of the MSS, 5 of a coarse clock, and
 * 24 of SipHash-1-3 (Aumasson, Bernstein 2012) over both ends and clock. An ACK
 * that brings a good cookie lets its source through.
 */
#include "net.h"

enum { TCP_OPTION_MSS = 2, OPTIONS_MAX = 10, COOKIE_TICK_SHIFT = 36 };

struct ends {
	__u32 saddr[4], daddr[4];
	__be16 sport, dport;
	__u32 pad;
};

const volatile __u64 secret[2] = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
static const __u16 mss_table[8] = {216, 536, 1024, 1220, 1300, 1400, 1440, 1460};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct ends);
	__type(value, __u64);
} admitted SEC(".maps");

NUMBERS(counters, PERCPU_ARRAY, 4);

#define ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))
#define SIP_ROUND                                                                                  \
	do {                                                                                       \
		v0 += v1, v1 = ROTL(v1, 13) ^ v0, v0 = ROTL(v0, 32);                               \
		v2 += v3, v3 = ROTL(v3, 16) ^ v2;                                                  \
		v0 += v3, v3 = ROTL(v3, 21) ^ v0;                                                  \
		v2 += v1, v1 = ROTL(v1, 17) ^ v2, v2 = ROTL(v2, 32);                               \
	} while (0)

static __always_inline __u64 siphash(const any_u64 *words, __u32 count)
{
	__u64 k0 = secret[0], k1 = secret[1];
	__u64 v0 = k0 ^ 0x736f6d6570736575ULL, v1 = k1 ^ 0x646f72616e646f6dULL;
	__u64 v2 = k0 ^ 0x6c7967656e657261ULL, v3 = k1 ^ 0x7465646279746573ULL;

	for (__u32 i = 0; i < count; i++) {
		v3 ^= words[i];
		SIP_ROUND;
		v0 ^= words[i];
	}
	v2 ^= 0xff;
	SIP_ROUND;
	SIP_ROUND;
	SIP_ROUND;
	return v0 ^ v1 ^ v2 ^ v3;
}

static __always_inline __u32 make_cookie(const struct ends *ends, __u32 seq, __u32 tick, __u32 mss)
{
	struct {
		struct ends ends;
		__u32 seq, tick;
	} input = {*ends, seq, tick};
	__u64 hash = siphash((const any_u64 *)&input, sizeof input / 8);

	return (tick & 31) << 27 | mss << 24 | (hash & 0xffffff);
}

/* Index of the largest MSS in the table that is not above the one that the SYN
 * offers. */
static __always_inline __u32 read_mss(struct tcphdr *tcp, void *data_end)
{
	__u8 *at = (void *)(tcp + 1);
	__u32 left = tcp->doff * 4 - sizeof *tcp, mss = 536, index = 0;

	for (int i = 0; i < OPTIONS_MAX; i++) {
		if (left < 1 || (void *)(at + 2) > data_end || !at[0])
			break;
		if (at[0] == 1) {
			at++;
			left--;
			continue;
		}
		if (at[1] < 2 || at[1] > left || at[1] > 40)
			break;
		if (at[0] == TCP_OPTION_MSS && at[1] == 4) {
			if ((void *)(at + 4) > data_end)
				break;
			mss = at[2] << 8 | at[3];
			break;
		}
		left -= at[1];
		at += at[1];
	}
	for (__u32 i = 1; i < 8; i++)
		if (mss >= mss_table[i])
			index = i;
	return index;
}

/* Turns the SYN into its SYN-ACK, without options. The IP checksum stays: only
 * ends change. */
static __always_inline bool answer(struct ethhdr *eth, bool v6, struct tcphdr *tcp, void *data_end,
				   const struct ends *ends, __u32 cookie)
{
	__u32 sum = bpf_htons(IPPROTO_TCP) + bpf_htons(tcp->doff * 4);
	struct iphdr *ip4 = (void *)(eth + 1);
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	__be16 port = tcp->source;

	if (v6) {
		if ((void *)(ip6 + 1) > data_end)
			return false;
		__builtin_memcpy(&ip6->saddr, ends->daddr, 16);
		__builtin_memcpy(&ip6->daddr, ends->saddr, 16);
		sum = csum_add(&ip6->saddr, 32, sum);
	} else {
		ip4->saddr = ends->daddr[3];
		ip4->daddr = ends->saddr[3];
		sum = csum_add(&ip4->saddr, 8, sum);
	}
	eth_swap(eth);
	tcp->source = tcp->dest;
	tcp->dest = port;
	tcp->ack_seq = bpf_htonl(bpf_ntohl(tcp->seq) + 1);
	tcp->seq = bpf_htonl(cookie);
	tcp->ack = 1;
	tcp->window = 0;
	tcp->check = 0;
	/* What options there are were left as NOPs. */
	tcp->check = csum_fold(csum_add(tcp, sizeof *tcp, sum));
	return true;
}

/* All option bytes become NOPs, whose sum is known; false where they are not
 * all there. */
static __always_inline bool clear_options(struct tcphdr *tcp, void *data_end, __u32 *sum)
{
	__u32 *words = (void *)(tcp + 1);

	*sum = 0;
	for (__u32 i = 0; i < OPTIONS_MAX; i++) {
		if (i + 5 >= tcp->doff)
			return true;
		if ((void *)(words + i + 1) > data_end)
			return false;
		words[i] = 0x01010101;
		*sum += 0x0202;
	}
	return true;
}

/* An ACK that is no part of a known connection: does it bring a cookie of ours?
 */
static __always_inline int admit(const struct ends *ends, struct tcphdr *tcp, __u64 now)
{
	__u32 cookie = bpf_ntohl(tcp->ack_seq) - 1, tick = now >> COOKIE_TICK_SHIFT;

	for (__u32 age = 0; age < 2 && tcp->ack && !tcp->rst; age++) {
		if (make_cookie(ends, bpf_ntohl(tcp->seq) - 1, tick - age, cookie >> 24 & 7) !=
		    cookie)
			continue;
		bpf_map_update_elem(&admitted, ends, &now, BPF_ANY);
		count_own(&counters, 3);
		return XDP_PASS;
	}
	count_own(&counters, 2);
	return XDP_DROP;
}

SEC("xdp")
int syn_cookies(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct tcphdr *tcp;
	struct ends ends = {};
	__u32 port, cookie, option_sum;
	bool v6 = false;
	__u64 now;

	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end || ip4->ihl != 5 || is_fragment(ip4) ||
		    ip4->protocol != IPPROTO_TCP)
			return XDP_PASS;
		ends.saddr[3] = ip4->saddr;
		ends.daddr[3] = ip4->daddr;
		tcp = (void *)(ip4 + 1);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end || ip6->nexthdr != IPPROTO_TCP)
			return XDP_PASS;
		__builtin_memcpy(ends.saddr, &ip6->saddr, 32);
		tcp = (void *)(ip6 + 1);
		v6 = true;
	} else {
		return XDP_PASS;
	}
	if ((void *)(tcp + 1) > data_end || tcp->doff < 5)
		return XDP_DROP;
	port = bpf_ntohs(tcp->dest);
	if (!bpf_map_lookup_elem(&ports, &port))
		return XDP_PASS;
	ends.sport = tcp->source;
	ends.dport = tcp->dest;
	if (bpf_map_lookup_elem(&admitted, &ends)) {
		count_own(&counters, 0);
		return XDP_PASS;
	}
	now = bpf_ktime_get_ns();
	if (!tcp->syn || tcp->ack)
		return admit(&ends, tcp, now);
	cookie = make_cookie(&ends, bpf_ntohl(tcp->seq), now >> COOKIE_TICK_SHIFT,
			     read_mss(tcp, data_end));
	if (!clear_options(tcp, data_end, &option_sum) ||
	    !answer(eth, v6, tcp, data_end, &ends, cookie))
		return XDP_DROP;
	csum_replace2(&tcp->check, 0, csum_fold(~option_sum & 0xffff));
	count_own(&counters, 1);
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
