// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"ifindexes": [1, 2], "flows": 10, "dmacs": ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:05",
// GEN "02:00:00:00:00:01", "33:33:00:00:00:01"], "weights": {"arp": 40}}
// MAPS {"ports": [{"key": 1, "value": {"limit": [4, 3, 2], "shutdown": 10}},
// MAPS {"key": 2, "value": {"limit": [100, 100, 100]}}],
// MAPS "known": [{"key": "02:00:00:00:00:09", "value": 1}]}
/*
 * Storm control of a switch port: broadcast, multicast and unknown unicast frames each have a
 * limit per interval; a port that goes on beyond its tolerance is shut down until an operator
 * resets it.
 */
#include "net.h"

enum { BROADCAST, MULTICAST, UNKNOWN, KINDS, INTERVAL_SHIFT = 33 };

struct port {
	__u32 limit[KINDS], count[KINDS];
	__u32 interval, shutdown, violations, down;
};

struct station {
	__u8 mac[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct port);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct station);
	__type(value, __u32);
} known SEC(".maps");

static __always_inline __u32 classify(const struct ethhdr *eth)
{
	struct station to;
	__u8 all = 0xff;

	for (int i = 0; i < 6; i++)
		all &= eth->h_dest[i];
	if (all == 0xff)
		return BROADCAST;
	if (eth->h_dest[0] & 1)
		return MULTICAST;
	mac_copy(to.mac, eth->h_dest);
	return bpf_map_lookup_elem(&known, &to) ? KINDS : UNKNOWN;
}

SEC("xdp")
int storm_control(struct xdp_md *ctx)
{
	struct ethhdr *eth = DATA(ctx);
	__u32 ifindex = ctx->ingress_ifindex, kind, interval;
	struct port *port;

	if ((void *)(eth + 1) > DATA_END(ctx))
		return XDP_DROP;
	port = bpf_map_lookup_elem(&ports, &ifindex);
	if (!port)
		return XDP_PASS;
	if (port->down)
		return XDP_DROP;
	kind = classify(eth);
	if (kind >= KINDS)
		return XDP_PASS;
	interval = bpf_ktime_get_ns() >> INTERVAL_SHIFT;
	if (port->interval != interval) {
		port->interval = interval;
		for (int i = 0; i < KINDS; i++)
			port->count[i] = 0;
	}
	if (++port->count[kind] <= port->limit[kind])
		return XDP_PASS;
	port->violations++;
	if (port->shutdown && port->violations > port->shutdown)
		port->down = 1;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
