// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"daddr4": ["192.0.2.0/28"], "flows": 12, "weights": {"vlan": 5}}
// MAPS {"shapes": [
// MAPS {"key": {"prefix": "::ffff:192.0.2.0/125"},
// MAPS "value": {"rate": 1000000, "horizon_ns": 900000}},
// MAPS {"key": {"prefix": "::ffff:192.0.2.8/125"}, "value": {"rate": 100000, "horizon_ns": 20000}},
// MAPS {"key": {"prefix": "2001:db8:2::/64"}, "value": {"rate": 500000, "horizon_ns": 500000}}]}
/*
 * A shaper by earliest departure time, as a policer: each prefix has a virtual clock that a packet
 * of n bytes moves on by n / rate. A packet that would have to wait longer than the horizon is
 * dropped; one that has to wait at all is marked CE when its transport knows ECN (RFC 3168).
 */
#include "net.h"

struct shape {
	__u64 rate; /* bytes a second */
	__u64 horizon_ns;
	__u64 next_ns; /* when the next packet may leave */
	__u64 passed, marked, dropped;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix6);
	__type(value, struct shape);
} shapes SEC(".maps");

static __always_inline void mark4(struct iphdr *ip4)
{
	__u16 from = *(any_u16 *)ip4;

	if (!(ip4->tos & 3))
		return;
	ip4->tos |= 3;
	csum_replace2(&ip4->check, from, *(any_u16 *)ip4);
}

static __always_inline void mark6(struct ipv6hdr *ip6)
{
	if (ip6->flow_lbl[0] & 0x30)
		ip6->flow_lbl[0] |= 0x30;
}

/* How long the packet would have to wait; the clock moves on unless that is too long. */
static __always_inline __u64 delay(struct shape *s, __u64 bytes, __u64 now, bool *drop)
{
	__u64 next = s->next_ns, cost = bytes * 1000000000 / (s->rate ? s->rate : 1);

	if (next < now)
		next = now;
	*drop = next - now > s->horizon_ns;
	if (!*drop)
		s->next_ns = next + cost;
	return next - now;
}

SEC("xdp")
int edt_shaper(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct prefix6 key = {.length = 128};
	struct iphdr *ip4 = (void *)(eth + 1);
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct shape *shape;
	bool v6, drop;
	__u64 wait;

	if ((void *)(ip4 + 1) > data_end)
		return XDP_PASS;
	v6 = eth->h_proto == bpf_htons(ETH_P_IPV6);
	if (v6) {
		if ((void *)(ip6 + 1) > data_end)
			return XDP_PASS;
		__builtin_memcpy(key.addr, &ip6->daddr, 16);
	} else if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		key.addr[2] = bpf_htonl(0xffff);
		key.addr[3] = ip4->daddr;
	} else {
		return XDP_PASS;
	}
	shape = bpf_map_lookup_elem(&shapes, &key);
	if (!shape)
		return XDP_PASS;
	wait = delay(shape, data_end - data, bpf_ktime_get_ns(), &drop);
	if (drop) {
		shape->dropped++;
		return XDP_DROP;
	}
	shape->passed++;
	if (!wait)
		return XDP_PASS;
	shape->marked++;
	if (!v6)
		mark4(ip4);
	else if ((void *)(ip6 + 1) <= data_end)
		mark6(ip6);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
