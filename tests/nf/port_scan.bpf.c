// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/31"], "saddr6": ["2001:db8::/127"], "dports": ["1-60"], "flows": 12,
// GEN "weights": {"tcp": 80}, "frames": [["eth", "ipv4 10.0.0.1", "tcp - 1-400 2"],
// GEN ["eth", "ipv6 2001:db8::1", "tcp - 1-400 2"], ["eth", "ipv4 10.0.0.1", "tcp - 1-9 1"],
// GEN ["eth", "ipv4 10.0.0.1", "tcp - 80 41"], ["eth", "ipv4 10.0.0.1", "tcp - 80 0"]]}
/*
 * A port-scan detector: for each source a bitmap of hashed destination ports per window, whose
 * number of set bits estimates distinct ports (linear counting, Whang et al. 1990). Sources with
 * too many are blocked for a while; NULL, FIN and XMAS probes at once.
 */
#include "net.h"

enum { BITMAP_WORDS = 4, LIMIT = 24 };

struct source {
	__u32 addr[4];
};

struct window {
	__u64 start_ns, blocked_until_ns;
	__u64 bitmap[BITMAP_WORDS];
	__u32 probes, pad;
};

const volatile __u64 window_ns = 5000000000ULL, block_ns = 60000000000ULL;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct source);
	__type(value, struct window);
} windows SEC(".maps");

static __always_inline __u32 count_bits(__u64 x)
{
	x -= x >> 1 & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + (x >> 2 & 0x3333333333333333ULL);
	return ((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL) * 0x0101010101010101ULL >> 56;
}

static __always_inline struct tcphdr *find_tcp(void *data, void *data_end, struct source *source)
{
	struct ethhdr *eth = data;
	struct tcphdr *tcp = NULL;

	if ((void *)(eth + 1) > data_end)
		return NULL;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end || ip4->ihl < 5 || ip4->protocol != IPPROTO_TCP ||
		    (ip4->frag_off & bpf_htons(IP_OFFSET)))
			return NULL;
		source->addr[3] = ip4->saddr;
		tcp = (void *)ip4 + ip4->ihl * 4;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end || ip6->nexthdr != IPPROTO_TCP)
			return NULL;
		__builtin_memcpy(source, &ip6->saddr, sizeof *source);
		tcp = (void *)(ip6 + 1);
	}
	return tcp && (void *)(tcp + 1) <= data_end ? tcp : NULL;
}

static __always_inline bool is_odd_probe(const struct tcphdr *tcp)
{
	__u8 flags = ((const __u8 *)tcp)[13] & 0x3f;

	return !flags || flags == 1 || flags == 0x29 || (flags & 3) == 3;
}

/* Distinct ports in this window, with this one. */
static __always_inline __u32 note(struct window *w, __be16 port, __u64 now)
{
	__u32 hash = hash_mix(port), bits = 0;

	if (now - w->start_ns > window_ns) {
		__builtin_memset(w->bitmap, 0, sizeof w->bitmap);
		w->start_ns = now;
	}
	w->bitmap[hash >> 6 & (BITMAP_WORDS - 1)] |= 1ULL << (hash & 63);
	w->probes++;
	for (int i = 0; i < BITMAP_WORDS; i++)
		bits += count_bits(w->bitmap[i]);
	return bits;
}

SEC("xdp")
int port_scan(struct xdp_md *ctx)
{
	struct source source = {};
	struct tcphdr *tcp = find_tcp(DATA(ctx), DATA_END(ctx), &source);
	struct window *w, fresh = {};
	__u64 now;

	if (!tcp)
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	w = bpf_map_lookup_elem(&windows, &source);
	if (w && now < w->blocked_until_ns)
		return XDP_DROP;
	if (!w) {
		if (!tcp->syn && !is_odd_probe(tcp))
			return XDP_PASS;
		fresh.start_ns = now;
		bpf_map_update_elem(&windows, &source, &fresh, BPF_NOEXIST);
		w = bpf_map_lookup_elem(&windows, &source);
		if (!w)
			return XDP_PASS;
	}
	if (is_odd_probe(tcp)) {
		w->blocked_until_ns = now + block_ns;
		return XDP_DROP;
	}
	if (!tcp->syn || tcp->ack)
		return XDP_PASS;
	if (note(w, tcp->dest, now) < LIMIT)
		return XDP_PASS;
	w->blocked_until_ns = now + block_ns;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
