// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/29"], "ifindexes": [1, 2], "flows": 10, "weights": {"vlan": 3},
// GEN "frames": [
// GEN ["in 1", "eth ff:ff:ff:ff:ff:ff 02:00:00:00:00:11", "ipv4 0.0.0.0 255.255.255.255",
// GEN "udp 68 67", "hex 0101060000000001000080000000000000000000", "hex 0000000000000000",
// GEN "hex 02000000001100000000000000000000", "random 192", "hex 63825363350101ff"],
// GEN ["in 2", "eth ff:ff:ff:ff:ff:ff 02:00:00:00:00:99", "ipv4 10.0.0.254 255.255.255.255",
// GEN "udp 67 68", "hex 02010600000000010000800000000000", "hex 0a00000300000000",
// GEN "hex 00000000", "hex 02000000001100000000000000000000", "random 192",
// GEN "hex 6382536300350105330400000e1036040a0000feff"],
// GEN ["in 1", "eth 02:00:00:00:00:99 02:00:00:00:00:11", "ipv4 10.0.0.3", "udp"],
// GEN ["in 1", "eth ff:ff:ff:ff:ff:ff 02:00:00:00:00:11", "arp 1 10.0.0.3"],
// GEN ["in 1", "eth ff:ff:ff:ff:ff:ff 02:00:00:00:00:11", "arp 1 10.0.0.4"],
// GEN ["in 1", "eth 02:00:00:00:00:99 02:00:00:00:00:11", "ipv4 10.0.0.9 10.0.0.254",
// GEN "udp 67 68", "random 250"],
// GEN ["in 1", "eth 02:00:00:00:00:99 02:00:00:00:00:11", "ipv4 10.0.0.3 10.0.0.254",
// GEN "udp 68 67", "hex 01010600000000010000000000000000", "hex 0000000000000000",
// GEN "hex 0000000002000000001100000000000000000000", "random 188", "hex 63825363350107ff"]]}
/*
 * DHCP snooping with a source guard: answers of DHCP servers are taken from trusted ports only, an
 * acknowledged lease binds address, station and port, and what other ports send must be bound. ARP
 * is inspected by the same table. Releases take the binding away.
 */
#include "net.h"

enum { TRUSTED = 2, DHCP_ACK = 5, DHCP_RELEASE = 7, OPTION_TYPE = 53, OPTION_LEASE = 51 };
enum { OPTIONS_MAX = 4, COOKIE = 0x63825363 };

struct dhcp {
	__u8 op, htype, hlen, hops;
	__be32 xid;
	__be16 secs, flags;
	__be32 ciaddr, yiaddr, siaddr, giaddr;
	__u8 chaddr[16];
	__u8 names[192];
	__be32 cookie;
	__u8 options[];
};

struct binding {
	__u64 until_ns;
	__u8 mac[6];
	__u16 pad;
};

struct station {
	__u8 mac[6];
	__u16 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __be32);
	__type(value, struct binding);
} bindings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct station);
	__type(value, __u32);
} requests SEC(".maps");

NUMBERS(counters, ARRAY, 16);

/* Message type and lease of the options; 0 where there is no type. */
static __always_inline __u8 read_options(const __u8 *at, void *data_end, __u32 *lease)
{
	__u8 type = 0;

	for (int i = 0; i < OPTIONS_MAX; i++) {
		if ((void *)(at + 2) > data_end || at[0] == 255)
			break;
		if (at[0] == OPTION_TYPE && at[1] == 1) {
			if ((void *)(at + 3) > data_end)
				break;
			type = at[2];
		} else if (at[0] == OPTION_LEASE && at[1] == 4) {
			if ((void *)(at + 6) > data_end)
				break;
			*lease = at[2] << 24 | at[3] << 16 | at[4] << 8 | at[5];
		}
		at += at[1] + 2;
	}
	return type;
}

static __always_inline int from_server(const struct dhcp *dhcp, void *data_end, bool trusted)
{
	struct binding binding = {};
	__u32 lease = 3600;
	__be32 address;
	__u8 type;

	if (!trusted) {
		count_shared(&counters, 0);
		return XDP_DROP;
	}
	type = read_options(dhcp->options, data_end, &lease);
	count_shared(&counters, type & 15);
	if (type != DHCP_ACK || !dhcp->yiaddr)
		return XDP_PASS;
	address = dhcp->yiaddr;
	mac_copy(binding.mac, dhcp->chaddr);
	binding.until_ns = bpf_ktime_get_ns() + (__u64)lease * 1000000000;
	bpf_map_update_elem(&bindings, &address, &binding, BPF_ANY);
	return XDP_PASS;
}

static __always_inline bool is_bound(__be32 address, const __u8 *mac)
{
	struct binding *b = bpf_map_lookup_elem(&bindings, &address);

	if (!b)
		return false;
	if (bpf_ktime_get_ns() > b->until_ns) {
		bpf_map_delete_elem(&bindings, &address);
		return false;
	}
	for (int i = 0; i < 6; i++)
		if (b->mac[i] != mac[i])
			return false;
	return true;
}

static __always_inline int from_client(const struct ethhdr *eth, const struct dhcp *dhcp,
				       void *data_end, __u32 port)
{
	struct station station = {.port = port};
	__u32 lease = 0, *seen, one = 1;
	__be32 address = dhcp->ciaddr;
	__u8 type = read_options(dhcp->options, data_end, &lease);

	count_shared(&counters, type & 15);
	mac_copy(station.mac, eth->h_source);
	seen = bpf_map_lookup_elem(&requests, &station);
	if (seen)
		__sync_fetch_and_add(seen, 1);
	else
		bpf_map_update_elem(&requests, &station, &one, BPF_ANY);
	if (type != DHCP_RELEASE)
		return XDP_PASS;
	if (!is_bound(address, eth->h_source))
		return XDP_DROP;
	bpf_map_delete_elem(&bindings, &address);
	return XDP_PASS;
}

SEC("xdp")
int dhcp_snooping(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	bool trusted = ctx->ingress_ifindex == TRUSTED;
	struct ethhdr *eth = data;
	struct arp_ip4 *arp = (void *)(eth + 1);
	struct iphdr *ip4 = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip4 + 1);
	struct dhcp *dhcp = (void *)(udp + 1);

	if ((void *)(arp + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_ARP))
		return trusted || is_bound(arp->spa, arp->sha) ? XDP_PASS : XDP_DROP;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip4->ihl != 5)
		return XDP_PASS;
	if (ip4->protocol == IPPROTO_UDP && !is_fragment(ip4) && (void *)(dhcp + 1) <= data_end &&
	    dhcp->cookie == bpf_htonl(COOKIE)) {
		if (udp->source == bpf_htons(67) && dhcp->op == 2)
			return from_server(dhcp, data_end, trusted);
		if (udp->dest == bpf_htons(67) && dhcp->op == 1)
			return from_client(eth, dhcp, data_end, ctx->ingress_ifindex);
	}
	return trusted || is_bound(ip4->saddr, eth->h_source) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
