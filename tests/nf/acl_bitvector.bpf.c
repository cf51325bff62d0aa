// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/30", "192.168.0.0/30"], "daddr4": ["192.0.2.0/30"], "dports": [22,
// GEN 80, 443], "sports": ["1024-1027", "60000-60003"], "flows": 30, "weights": {"ipv6": 5,
// GEN "vlan": 1}}
// MAPS {"sources": [{"key": {"prefix": "10.0.0.0/8"}, "value": {"bits": [15, 0]}},
// MAPS {"key": {"prefix": "10.0.0.2/32"}, "value": {"bits": [31, 0]}},
// MAPS {"key": {"prefix": "0.0.0.0/0"}, "value": {"bits": [36, 0]}}],
// MAPS "destinations": [{"key": {"prefix": "192.0.2.0/31"}, "value": {"bits": [47, 0]}},
// MAPS {"key": {"prefix": "0.0.0.0/0"}, "value": {"bits": [60, 0]}}],
// MAPS "port_ranges": [{"key": 0, "value": {"first": 0, "bits": [36, 0]}}, {"key": 1,
// MAPS "value": {"first": 22, "bits": [37, 0]}}, {"key": 2, "value": {"first": 23, "bits": [36,
// MAPS 0]}}, {"key": 3, "value": {"first": 80, "bits": [46, 0]}}, {"key": 4,
// MAPS "value": {"first": 81, "bits": [36, 0]}}, {"key": 5, "value": {"first": 443,
// MAPS "bits": [62, 0]}}, {"key": 6, "value": {"first": 444, "bits": [36, 0]}}, {"key": 7,
// MAPS "value": {"first": 65535, "bits": [36, 0]}}], "protocols": [{"key": 6,
// MAPS "value": {"bits": [63, 0]}}, {"key": 17, "value": {"bits": [36, 0]}}],
// MAPS "actions": [{"key": 0, "value": 1}, {"key": 1, "value": 2}, {"key": 2, "value": 2},
// MAPS {"key": 3, "value": 1}, {"key": 4, "value": 1}, {"key": 5, "value": 2}]}
/*
 * A five-tuple classifier by bit vectors (Lakshman, Stiliadis 1998): each dimension gives the set
 * of rules that match in it, the lowest rule of the intersection decides. Addresses by longest
 * prefix, ports by binary search in the borders of their ranges.
 */
#include "net.h"

enum { WORDS = 2, RANGES = 8, SEARCH_STEPS = 3 };

struct prefix {
	__u32 length;
	__be32 addr;
};

struct vector {
	__u64 bits[WORDS];
};

struct range {
	__u32 first, pad;
	__u64 bits[WORDS];
};

#define PREFIX_MAP(name)                                                                           \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);                                               \
		__uint(max_entries, 256);                                                          \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__type(key, struct prefix);                                                        \
		__type(value, struct vector);                                                      \
	} name SEC(".maps")

PREFIX_MAP(sources);
PREFIX_MAP(destinations);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RANGES);
	__type(key, __u32);
	__type(value, struct range);
} port_ranges SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct vector);
} protocols SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WORDS * 64);
	__type(key, __u32);
	__type(value, __u32);
} actions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WORDS * 64);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

/* The last range that begins at or before the port. */
static __always_inline struct range *find_range(__u32 port)
{
	__u32 index = 0;

	for (int step = RANGES / 2; step; step /= 2) {
		__u32 middle = index + step;
		struct range *range = bpf_map_lookup_elem(&port_ranges, &middle);

		if (range && range->first <= port)
			index = middle;
	}
	return bpf_map_lookup_elem(&port_ranges, &index);
}

static __always_inline __u32 lowest_bit(__u64 x)
{
	__u32 n = 0;

	for (int width = 32; width; width /= 2)
		if (!(x & ((1ULL << width) - 1))) {
			x >>= width;
			n += width;
		}
	return n;
}

static __always_inline int decide(const struct vector *a, const struct vector *b,
				  const struct range *c, const struct vector *d)
{
	for (__u32 i = 0; i < WORDS; i++) {
		__u64 all = a->bits[i] & b->bits[i] & c->bits[i] & d->bits[i], *hit;
		__u32 rule, *action;

		if (!all)
			continue;
		rule = i * 64 + lowest_bit(all);
		hit = bpf_map_lookup_elem(&hits, &rule);
		if (hit)
			++*hit;
		action = bpf_map_lookup_elem(&actions, &rule);
		return action ? *action : XDP_DROP;
	}
	return XDP_DROP;
}

SEC("xdp")
int acl_bitvector(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct vector *source, *destination, *protocol;
	struct prefix key = {.length = 32};
	struct range *range;
	struct udphdr *ports;
	__u32 proto;

	if (!ip4)
		return XDP_PASS;
	if (ip4->ihl < 5 || (ip4->frag_off & bpf_htons(IP_OFFSET)))
		return XDP_DROP;
	proto = ip4->protocol;
	ports = (void *)ip4 + ip4->ihl * 4;
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return XDP_PASS;
	if ((void *)(ports + 1) > data_end)
		return XDP_DROP;
	key.addr = ip4->saddr;
	source = bpf_map_lookup_elem(&sources, &key);
	if (!source)
		return XDP_DROP;
	key.addr = ip4->daddr;
	destination = bpf_map_lookup_elem(&destinations, &key);
	protocol = bpf_map_lookup_elem(&protocols, &proto);
	if (!destination || !protocol)
		return XDP_DROP;
	range = find_range(bpf_ntohs(ports->dest));
	return range ? decide(source, destination, range, protocol) : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
