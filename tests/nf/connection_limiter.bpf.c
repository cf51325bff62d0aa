// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/30"], "sports": ["2000-2007"], "dports": [80], "flows": 20,
// GEN "daddr4": ["192.0.2.1"], "weights": {"tcp": 90, "udp": 3, "ipv6": 5}}
// MAPS {"limits": [{"key": {"prefix": "10.0.0.0/31"}, "value": 2},
// MAPS {"key": {"prefix": "10.0.0.0/8"}, "value": 4}]}
/*
 * Limits how many TCP connections a client may have open, by its prefix. Connections are counted at
 * their SYN, and given back at RST or the second FIN; those that fell silent are found by age when
 * their tuple comes again.
 */
#include "net.h"

struct tuple {
	__be32 saddr, daddr;
	__be16 sport, dport;
};

struct connection {
	__u64 seen_ns;
	__u32 fins, pad;
};

struct prefix {
	__u32 length;
	__be32 addr;
};

const volatile __u64 timeout_ns = 120000000000ULL;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct tuple);
	__type(value, struct connection);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, __u32);
} open SEC(".maps");

static __always_inline int open_one(const struct tuple *tuple, __u64 now)
{
	struct prefix prefix = {32, tuple->saddr};
	__u32 *limit = bpf_map_lookup_elem(&limits, &prefix), *count, one = 1;
	struct connection fresh = {.seen_ns = now};

	if (!limit)
		return XDP_PASS;
	count = bpf_map_lookup_elem(&open, &prefix.addr);
	if (count && *count >= *limit)
		return XDP_DROP;
	if (bpf_map_update_elem(&connections, tuple, &fresh, BPF_NOEXIST))
		return XDP_DROP;
	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&open, &prefix.addr, &one, BPF_ANY);
	return XDP_PASS;
}

static __always_inline void close_one(const struct tuple *tuple)
{
	__be32 client = tuple->saddr;
	__u32 *count;

	if (bpf_map_delete_elem(&connections, tuple))
		return;
	count = bpf_map_lookup_elem(&open, &client);
	if (!count)
		return;
	if (*count > 1)
		*count -= 1;
	else
		bpf_map_delete_elem(&open, &client);
}

SEC("xdp")
int connection_limiter(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct connection *known;
	struct tuple tuple = {};
	struct tcphdr *tcp;
	__u64 now;

	if (!ip4 || ip4->ihl != 5 || is_fragment(ip4) || ip4->protocol != IPPROTO_TCP)
		return XDP_PASS;
	tcp = (void *)(ip4 + 1);
	if ((void *)(tcp + 1) > data_end)
		return XDP_DROP;
	tuple = (struct tuple){ip4->saddr, ip4->daddr, tcp->source, tcp->dest};
	now = bpf_ktime_get_ns();
	known = bpf_map_lookup_elem(&connections, &tuple);
	if (known && now - known->seen_ns > timeout_ns) {
		close_one(&tuple);
		known = NULL;
	}
	if (!known)
		return tcp->syn && !tcp->ack ? open_one(&tuple, now) : XDP_PASS;
	known->seen_ns = now;
	if (tcp->fin)
		known->fins++;
	if (tcp->rst || known->fins > 1)
		close_one(&tuple);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
