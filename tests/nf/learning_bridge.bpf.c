// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"ifindexes": [1, 2, 3], "flows": 12, "dmacs": ["02:00:00:00:01:00", "02:00:00:00:01:01",
// GEN "ff:ff:ff:ff:ff:ff", "01:80:c2:00:00:00"], "saddr4": ["10.0.0.0/31"],
// GEN "weights": {"vlan": 50},
// GEN "frames": [["in 1", "eth 02:00:00:00:00:22 02:00:00:00:00:11", "vlan 5", "ipv4", "udp"],
// GEN ["in 2", "eth 02:00:00:00:00:11 02:00:00:00:00:22", "vlan 5", "ipv4", "udp"],
// GEN ["in 3", "eth 02:00:00:00:00:11 02:00:00:00:00:22", "vlan 5", "ipv6", "udp"]]}
// MAPS {"ports": [{"key": 1, "value": {"slot": 0, "pvid": 1, "state": 3, "allowed": 4294967295}},
// MAPS {"key": 2, "value": {"slot": 1, "pvid": 1, "state": 3, "allowed": 34}},
// MAPS {"key": 3, "value": {"slot": 2, "pvid": 2, "state": 2, "allowed": 4294967295}}],
// MAPS "tx": [{"key": 0, "value": 1}, {"key": 1, "value": 2}, {"key": 2, "value": 3}]}
/*
 * A VLAN-aware learning bridge (IEEE 802.1Q): stations are learned per VLAN with their port and
 * age, known unicast goes out of one port, the rest is left to the stack to flood. Frames to the
 * link-local block are never forwarded, ports that are only learning learn.
 */
#include "net.h"

enum { STATE_LEARNING = 2, STATE_FORWARDING = 3 };

struct port {
	__u32 slot; /* in tx */
	__u16 pvid, state;
	__u32 allowed; /* VLANs 0 to 31 by bit */
};

struct station_key {
	__u8 mac[6];
	__u16 vlan;
};

struct station {
	__u64 seen_ns;
	__u32 port;
	__u32 moves;
};

const volatile __u64 age_ns = 300000000000ULL;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct port);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct station_key);
	__type(value, struct station);
} stations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} tx SEC(".maps");

static __always_inline bool is_allowed(const struct port *port, __u16 vlan)
{
	return vlan < 32 && port->allowed >> vlan & 1;
}

static __always_inline void learn(const struct ethhdr *eth, __u16 vlan, __u32 ifindex, __u64 now)
{
	struct station_key key = {.vlan = vlan};
	struct station *known, fresh = {.seen_ns = now, .port = ifindex};

	mac_copy(key.mac, eth->h_source);
	if (key.mac[0] & 1)
		return;
	known = bpf_map_lookup_elem(&stations, &key);
	if (!known) {
		bpf_map_update_elem(&stations, &key, &fresh, BPF_NOEXIST);
		return;
	}
	known->seen_ns = now;
	if (known->port != ifindex) {
		known->port = ifindex;
		known->moves++;
	}
}

static __always_inline int forward(const struct ethhdr *eth, __u16 vlan, __u32 ifindex, __u64 now)
{
	struct station_key key = {.vlan = vlan};
	struct station *station;
	struct port *out;
	__u32 to;

	mac_copy(key.mac, eth->h_dest);
	if (key.mac[0] & 1)
		return XDP_PASS;
	station = bpf_map_lookup_elem(&stations, &key);
	if (!station)
		return XDP_PASS;
	if (now - station->seen_ns > age_ns) {
		bpf_map_delete_elem(&stations, &key);
		return XDP_PASS;
	}
	to = station->port;
	if (to == ifindex)
		return XDP_DROP;
	out = bpf_map_lookup_elem(&ports, &to);
	if (!out || out->state != STATE_FORWARDING || !is_allowed(out, vlan))
		return XDP_DROP;
	return bpf_redirect_map(&tx, out->slot, XDP_DROP);
}

SEC("xdp")
int learning_bridge(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct vlan_hdr *tag = (void *)(eth + 1);
	__u32 ifindex = ctx->ingress_ifindex;
	struct port *port;
	__u16 vlan;
	__u64 now;

	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	if (eth->h_dest[0] == 0x01 && eth->h_dest[1] == 0x80 && eth->h_dest[2] == 0xc2 &&
	    !eth->h_dest[3] && !eth->h_dest[4] && eth->h_dest[5] < 16)
		return XDP_PASS;
	port = bpf_map_lookup_elem(&ports, &ifindex);
	if (!port || port->state < STATE_LEARNING)
		return XDP_DROP;
	vlan = port->pvid;
	if (eth->h_proto == bpf_htons(ETH_P_8021Q)) {
		if ((void *)(tag + 1) > data_end)
			return XDP_DROP;
		if (tag->tci & bpf_htons(0xfff))
			vlan = bpf_ntohs(tag->tci) & 0xfff;
	}
	if (!is_allowed(port, vlan))
		return XDP_DROP;
	now = bpf_ktime_get_ns();
	learn(eth, vlan, ifindex, now);
	if (port->state != STATE_FORWARDING)
		return XDP_DROP;
	return forward(eth, vlan, ifindex, now);
}

char _license[] SEC("license") = "Dual BSD/GPL";
