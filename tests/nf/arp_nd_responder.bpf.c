// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"flows": 12, "daddr4": ["192.0.2.0/30"], "daddr6": ["2001:db8::/126"],
// GEN "weights": {"arp": 60, "nd": 20, "tcp": 5, "udp": 5, "vlan": 20}, "frames": [
// GEN ["eth", "ipv6 2001:db8::9 ff02::1:ff00:1", "set 7 ff", "icmpv6 135",
// GEN "hex 20010db8000000000000000000000001", "hex 0101020000000009"],
// GEN ["eth", "ipv6 :: ff02::1:ff00:1", "set 7 ff", "icmpv6 135",
// GEN "hex 20010db8000000000000000000000001"],
// GEN ["eth ff:ff:ff:ff:ff:ff", "vlan 5", "arp 1 192.0.2.1 192.0.2.1"]]}
// MAPS {"stations": [{"key": {"addr": "::ffff:192.0.2.1"}, "value": {"mac": "02:aa:00:00:00:01"}},
// MAPS {"key": {"addr": "::ffff:192.0.2.2", "vlan": 5}, "value": {"mac": "02:aa:00:00:00:02"}},
// MAPS {"key": {"addr": "2001:db8::1"}, "value": {"mac": "02:aa:00:00:00:61", "router": 1}}]}
/*
 * Proxy ARP and neighbour discovery (RFC 826, 4861): requests for stations in a table are answered
 * in the station's name, on its VLAN. Announcements and duplicate address detection are left alone.
 */
#include "net.h"

struct station_key {
	__u32 addr[4];
	__u32 vlan;
};

struct station {
	__u8 mac[6];
	__u8 router, pad;
	__u32 answers;
};

struct nd_solicit {
	struct icmp6hdr icmp;
	struct in6_addr target;
};

struct nd_option {
	__u8 type, length, mac[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct station_key);
	__type(value, struct station);
} stations SEC(".maps");

static __always_inline int answer_arp(struct ethhdr *eth, struct arp_ip4 *arp, void *data_end,
				      struct station_key *key)
{
	struct station *station;
	__be32 asked;

	if ((void *)(arp + 1) > data_end || arp->op != bpf_htons(ARPOP_REQUEST) ||
	    arp->hrd != bpf_htons(ARPHRD_ETHER) || arp->pro != bpf_htons(ETH_P_IP) ||
	    arp->hln != 6 || arp->pln != 4 || arp->spa == arp->tpa)
		return XDP_PASS;
	asked = arp->tpa;
	key->addr[2] = bpf_htonl(0xffff);
	key->addr[3] = asked;
	station = bpf_map_lookup_elem(&stations, key);
	if (!station)
		return XDP_PASS;
	__sync_fetch_and_add(&station->answers, 1);
	arp->op = bpf_htons(ARPOP_REPLY);
	mac_copy(arp->tha, arp->sha);
	arp->tpa = arp->spa;
	mac_copy(arp->sha, station->mac);
	arp->spa = asked;
	mac_copy(eth->h_dest, arp->tha);
	mac_copy(eth->h_source, station->mac);
	return XDP_TX;
}

/* The solicitation becomes the advertisement; its source link address option, the target's. */
static __always_inline int answer_nd(struct ethhdr *eth, struct ipv6hdr *ip6, void *data_end,
				     struct station_key *key)
{
	struct nd_solicit *nd = (void *)(ip6 + 1);
	struct nd_option *option = (void *)(nd + 1);
	struct station *station;
	__u32 sum;

	if ((void *)(option + 1) > data_end || ip6->nexthdr != IPPROTO_ICMPV6 ||
	    nd->icmp.icmp6_type != 135 || nd->icmp.icmp6_code || ip6->hop_limit != 255 ||
	    ip6->payload_len != bpf_htons(sizeof *nd + sizeof *option) || option->type != 1)
		return XDP_PASS;
	if (!ip6->saddr.in6_u.u6_addr32[0] && !ip6->saddr.in6_u.u6_addr32[3])
		return XDP_PASS;
	__builtin_memcpy(key->addr, &nd->target, 16);
	station = bpf_map_lookup_elem(&stations, key);
	if (!station)
		return XDP_PASS;
	__sync_fetch_and_add(&station->answers, 1);
	nd->icmp.icmp6_type = 136;
	nd->icmp.icmp6_dataun.un_data32[0] =
	    station->router ? bpf_htonl(0xe0000000) : bpf_htonl(0x60000000);
	option->type = 2;
	mac_copy(option->mac, station->mac);
	ip6->daddr = ip6->saddr;
	ip6->saddr = nd->target;
	nd->icmp.icmp6_cksum = 0;
	sum = csum_add(&ip6->saddr, 32, ip6->payload_len + bpf_htons(IPPROTO_ICMPV6));
	sum = csum_add(nd, sizeof *nd + sizeof *option, sum);
	nd->icmp.icmp6_cksum = csum_fold(sum);
	mac_copy(eth->h_dest, eth->h_source);
	mac_copy(eth->h_source, station->mac);
	return XDP_TX;
}

SEC("xdp")
int arp_nd_responder(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *l3;
	struct ethhdr *eth = data;
	struct station_key key = {};
	__u16 vlan = 0;
	__be16 proto;

	l3 = find_l3(data, data_end, &proto, &vlan);
	if (!l3)
		return XDP_PASS;
	key.vlan = vlan;
	if (proto == bpf_htons(ETH_P_ARP))
		return answer_arp(eth, l3, data_end, &key);
	if (proto == bpf_htons(ETH_P_IPV6))
		return answer_nd(eth, l3, data_end, &key);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
