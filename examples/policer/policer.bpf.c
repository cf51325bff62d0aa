// EXPECT layers: kernel
// EXPECT cuts: 0
// EXPECT home profiles: kernel
// EXPECT home sources: kernel
// EXPECT home aggregates: kernel
// EXPECT home counters: kernel
/*
 * A policer: what a source may send is given by the longest prefix it is in. Each source has the
 * two-rate three-colour meter of RFC 2698 (colour-blind), and all sources of a prefix together one
 * more bucket. Green passes, yellow passes with another DSCP, red is dropped.
 *
 * Tokens are bytes times 10^9, so refilling is elapsed_ns * rate with no division. Packets of one
 * source meet on one queue, so a bucket needs no lock; two CPUs that meet on an aggregate may give
 * one packet too many.
 */
#include "../net/parse.h"

#define SOURCES_MAX 65536
#define CLASSES_MAX 64
#define NS_PER_S    1000000000ULL
#define REFILL_MAX_NS                                                                              \
	(4 * NS_PER_S) /* idle longer: the bucket is full. A burst is at most 4 s of its rate */
#define DSCP_UNCHANGED 0xff

enum colour { GREEN, YELLOW, RED, COLOURS };

struct lpm_key {
	__u32 prefixlen;
	struct in6_addr address;
};

/* Rates in bytes a second, at most 4.6e9; bursts in bytes. */
struct profile {
	__u64 committed_rate, committed_burst;
	__u64 peak_rate, peak_burst;
	__u64 aggregate_rate, aggregate_burst;
	__u32 class;       /* index of aggregate and counters */
	__u32 yellow_dscp; /* DSCP_UNCHANGED leaves it */
};

struct bucket {
	__u64 tokens; /* bytes * 10^9 */
	__u64 filled_ns;
};

struct meter {
	struct bucket committed, peak;
};

struct class_counters {
	__u64 packets[COLOURS];
	__u64 bytes[COLOURS];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lpm_key);
	__type(value, struct profile);
} profiles SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SOURCES_MAX);
	__type(key, struct in6_addr);
	__type(value, struct meter);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLASSES_MAX);
	__type(key, __u32);
	__type(value, struct bucket);
} aggregates SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CLASSES_MAX);
	__type(key, __u32);
	__type(value, struct class_counters);
} counters SEC(".maps");

const volatile __u32 conform_action = XDP_PASS;
__u64 unmetered_packets; /* from no prefix at all */

static __always_inline void refill(struct bucket *bucket, __u64 rate, __u64 burst, __u64 now)
{
	/* Another CPU may have filled it later than this packet came. */
	__u64 elapsed = now > bucket->filled_ns ? now - bucket->filled_ns : 0;
	__u64 limit = burst * NS_PER_S, tokens;

	tokens = elapsed > REFILL_MAX_NS ? limit : bucket->tokens + elapsed * rate;
	bucket->tokens = tokens < limit ? tokens : limit;
	bucket->filled_ns += elapsed;
}

static __always_inline bool has_tokens(const struct bucket *bucket, __u64 bytes)
{
	return bucket->tokens >= bytes * NS_PER_S;
}

static __always_inline void take_tokens(struct bucket *bucket, __u64 bytes)
{
	bucket->tokens -= bytes * NS_PER_S;
}

static __always_inline struct meter *find_meter(const struct in6_addr *source,
						const struct profile *profile, __u64 now)
{
	struct meter *meter = bpf_map_lookup_elem(&sources, source);
	struct meter full = {
	    .committed = {profile->committed_burst * NS_PER_S, now},
	    .peak = {profile->peak_burst * NS_PER_S, now},
	};

	if (meter)
		return meter;
	bpf_map_update_elem(&sources, source, &full, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sources, source);
}

/* RFC 2698, section 3, colour-blind mode; the packet must also fit the prefix's own bucket. */
static __always_inline enum colour meter_packet(struct meter *meter, const struct profile *profile,
						__u64 bytes, __u64 now)
{
	__u32 class = profile->class;
	struct bucket *aggregate = bpf_map_lookup_elem(&aggregates, &class);

	refill(&meter->committed, profile->committed_rate, profile->committed_burst, now);
	refill(&meter->peak, profile->peak_rate, profile->peak_burst, now);
	if (!aggregate || !has_tokens(&meter->peak, bytes))
		return RED;
	refill(aggregate, profile->aggregate_rate, profile->aggregate_burst, now);
	if (!has_tokens(aggregate, bytes))
		return RED;
	take_tokens(aggregate, bytes);
	take_tokens(&meter->peak, bytes);
	if (!has_tokens(&meter->committed, bytes))
		return YELLOW;
	take_tokens(&meter->committed, bytes);
	return GREEN;
}

/* DSCP is the upper six bits of the byte; the lower two are ECN and stay. */
static __always_inline void mark_ip4(struct iphdr *ip4, __u32 dscp)
{
	__be16 *word = (__be16 *)ip4, from = *word;

	ip4->tos = dscp << 2 | (ip4->tos & 3);
	replace_checksum(&ip4->check, from, *word);
}

static __always_inline void mark_ip6(struct ipv6hdr *ip6, __u32 dscp)
{
	__be16 *word = (__be16 *)ip6;

	*word = (*word & bpf_htons(0xf03f)) | bpf_htons(dscp << 6);
}

static __always_inline void mark(void *l3, void *data_end, __u16 type, __u32 dscp)
{
	if (dscp == DSCP_UNCHANGED)
		return;
	if (type == ETH_P_IP && l3 + sizeof(struct iphdr) <= data_end)
		mark_ip4(l3, dscp & 0x3f);
	else if (type == ETH_P_IPV6 && l3 + sizeof(struct ipv6hdr) <= data_end)
		mark_ip6(l3, dscp & 0x3f);
}

static __always_inline bool read_source(void *l3, void *data_end, __u16 type,
					struct in6_addr *source)
{
	if (type == ETH_P_IP && l3 + sizeof(struct iphdr) <= data_end)
		map_address(source, ((struct iphdr *)l3)->saddr);
	else if (type == ETH_P_IPV6 && l3 + sizeof(struct ipv6hdr) <= data_end)
		*source = ((struct ipv6hdr *)l3)->saddr;
	else
		return false;
	return true;
}

static __always_inline void count(__u32 class, enum colour colour, __u64 bytes)
{
	struct class_counters *counter = bpf_map_lookup_elem(&counters, &class);

	if (!counter)
		return;
	counter->packets[colour]++;
	counter->bytes[colour] += bytes;
}

SEC("xdp")
int policer(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end, *l3 = data;
	__u64 bytes = data_end - data, now;
	struct lpm_key key = {.prefixlen = 128};
	__u16 type = parse_link(data, data_end, &l3);
	struct profile *profile;
	struct meter *meter;
	enum colour colour;

	if (type != ETH_P_IP && type != ETH_P_IPV6)
		return type ? XDP_PASS : XDP_DROP;
	if (!read_source(l3, data_end, type, &key.address))
		return XDP_DROP;
	profile = bpf_map_lookup_elem(&profiles, &key);
	if (!profile) {
		__sync_fetch_and_add(&unmetered_packets, 1);
		return conform_action;
	}
	now = bpf_ktime_get_ns();
	meter = find_meter(&key.address, profile, now);
	colour = meter ? meter_packet(meter, profile, bytes, now) : RED;
	count(profile->class, colour, bytes);
	if (colour == RED)
		return XDP_DROP;
	if (colour == YELLOW)
		mark(l3, data_end, type, profile->yellow_dscp);
	return conform_action;
}

char _license[] SEC("license") = "Dual BSD/GPL";
