// EXPECT layers: kernel
// EVERY --cuts 10 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/30"], "daddr4": ["192.0.2.1", "192.0.2.9"], "ifindexes": [1, 2],
// GEN "dmacs": ["02:00:00:00:00:01", "02:00:00:00:bb:01", "02:00:00:00:bb:07"], "flows": 12,
// GEN "frames": [["in 1", "eth", "ipv4 10.9.0.2 192.0.2.1", "udp - 4789", "vxlan 100-102",
// GEN "eth 02:00:00:00:aa:01 02:00:00:00:cc:01", "ipv4", "udp", "random 0-80"],
// GEN ["in 1", "eth", "ipv4 10.9.0.3 192.0.2.1", "udp - 4789", "vxlan 100",
// GEN "eth 02:00:00:00:aa:01 02:00:00:00:cc:02", "vlan 7", "ipv4", "tcp"],
// GEN ["in 2", "eth 02:00:00:00:bb:01", "vlan 10-12", "ipv4", "udp", "random 0-80"],
// GEN ["in 2", "eth 02:00:00:00:bb:01", "vlan 10", "ipv6", "tcp", "random 0-1400"],
// GEN ["in 2", "eth ff:ff:ff:ff:ff:ff", "vlan 10", "arp 1"]]}
// MAPS {"tunnels": [{"key": 10, "value": {"vni": 100, "flood": "10.9.0.9"}},
// MAPS {"key": 11, "value": {"vni": 101, "flood": "0.0.0.0"}}],
// MAPS "vlans": [{"key": 100, "value": 10}, {"key": 101, "value": 11}],
// MAPS "fdb": [{"key": {"mac": "02:00:00:00:bb:01", "vni": 100}, "value": "10.9.0.2"}],
// MAPS "vteps": [{"key": "10.9.0.2", "value": {"mac": "02:00:00:00:09:02"}},
// MAPS {"key": "10.9.0.9", "value": {"mac": "02:00:00:00:09:09"}}],
// MAPS "ports": [{"key": 0, "value": 1}, {"key": 1, "value": 2}]}
/*
 * A VXLAN gateway (RFC 7348) between a tagged network on interface 2 and an IPv4 underlay on
 * interface 1. Tags and VNIs map one to one. Which VTEP a station is behind is learned from what
 * comes out of the tunnel; unknown stations are flooded to one replicator for each VNI.
 */
#include "nf.h"
#include <linux/if_vlan.h>

struct vlan_hdr {
	__be16 tci;
	__be16 proto;
};

struct vxlanhdr {
	__be32 flags;
	__be32 vni;
};

/* Ethernet as it starts, and all that is put in front of a frame without its tag. */
struct outer {
	struct ethhdr eth;
	struct iphdr ip4;
	struct udphdr udp;
	struct vxlanhdr vxlan;
} __attribute__((packed));

struct tunnel {
	__u32 vni;
	__be32 flood; /* 0: none */
};

struct station {
	__u8 mac[6];
	__u16 pad;
	__u32 vni;
};

struct vtep {
	__u8 mac[6];
	__u16 pad;
};

enum { UNDERLAY = 1, PORT_VXLAN = 4789, VXLAN_FLAG_VNI = 0x08000000 };

const volatile __be32 own_address = __builtin_bswap32(0xc0000201);
const volatile __u8 own_mac[6] = {2, 0, 0, 0, 0, 1};
const volatile __u16 underlay_mtu = 1500;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct tunnel);
} tunnels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} vlans SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct station);
	__type(value, __be32);
} fdb SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __be32);
	__type(value, struct vtep);
} vteps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

static __always_inline __u16 ip4_checksum(const struct iphdr *ip4)
{
	const __u16 __attribute__((may_alias)) *words = (const void *)ip4;
	__u32 sum = 0;

	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline void learn(const struct ethhdr *inner, __u32 vni, __be32 vtep)
{
	struct station from = {.vni = vni};
	__be32 *known;

	__builtin_memcpy(from.mac, inner->h_source, 6);
	if (from.mac[0] & 1)
		return;
	known = bpf_map_lookup_elem(&fdb, &from);
	if (!known || *known != vtep)
		bpf_map_update_elem(&fdb, &from, &vtep, BPF_ANY);
}

/* Underlay to network: the outer headers go, a tag comes. */
static __always_inline int decapsulate(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct outer *outer = data;
	struct ethhdr *inner, macs;
	struct vlan_hdr *tag;
	__u32 vni, *vlan;
	__be16 proto;

	if ((void *)(outer + 1) > data_end || outer->eth.h_proto != bpf_htons(ETH_P_IP) ||
	    outer->ip4.ihl != 5 || outer->ip4.protocol != IPPROTO_UDP ||
	    outer->ip4.daddr != own_address || outer->udp.dest != bpf_htons(PORT_VXLAN))
		return XDP_PASS;
	if (outer->ip4.frag_off & bpf_htons(0x3fff))
		return XDP_DROP;
	if (!(outer->vxlan.flags & bpf_htonl(VXLAN_FLAG_VNI)))
		return XDP_DROP;
	inner = (void *)(outer + 1);
	if ((void *)(inner + 1) > data_end || inner->h_proto == bpf_htons(ETH_P_8021Q))
		return XDP_DROP;
	vni = bpf_ntohl(outer->vxlan.vni) >> 8;
	vlan = bpf_map_lookup_elem(&vlans, &vni);
	if (!vlan)
		return XDP_DROP;
	learn(inner, vni, outer->ip4.saddr);
	macs = *inner;
	if (bpf_xdp_adjust_head(ctx, (int)sizeof(struct outer) - (int)sizeof(struct vlan_hdr)))
		return XDP_ABORTED;
	data = DATA(ctx);
	data_end = DATA_END(ctx);
	inner = data;
	tag = (void *)(inner + 1);
	if ((void *)(tag + 1) > data_end)
		return XDP_ABORTED;
	proto = macs.h_proto;
	__builtin_memcpy(inner, &macs, 12);
	inner->h_proto = bpf_htons(ETH_P_8021Q);
	tag->tci = bpf_htons(*vlan & 0xfff);
	tag->proto = proto;
	return bpf_redirect_map(&ports, 1, XDP_DROP);
}

/* Source port by what the inner frame says, so that the underlay spreads flows (RFC 7348, 5). */
static __always_inline __be16 entropy(const struct ethhdr *inner)
{
	const __u16 __attribute__((may_alias)) *words = (const void *)inner;
	__u32 hash = 0;

	for (int i = 0; i < 7; i++)
		hash = (hash ^ words[i]) * 0x9e3779b1;
	return bpf_htons(49152 + (hash >> 18));
}

/* Network to underlay: the tag goes, the outer headers come. */
static __always_inline int encapsulate(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data, inner;
	struct vlan_hdr *tag = (void *)(eth + 1);
	struct station to = {};
	struct tunnel *tunnel;
	struct outer *outer;
	struct vtep *vtep;
	__be32 remote, *known;
	__u32 id, bytes;

	if ((void *)(tag + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_8021Q))
		return XDP_PASS;
	id = bpf_ntohs(tag->tci) & 0xfff;
	tunnel = bpf_map_lookup_elem(&tunnels, &id);
	if (!tunnel)
		return XDP_DROP;
	to.vni = tunnel->vni;
	__builtin_memcpy(to.mac, eth->h_dest, 6);
	known = bpf_map_lookup_elem(&fdb, &to);
	remote = known ? *known : tunnel->flood;
	vtep = bpf_map_lookup_elem(&vteps, &remote);
	if (!remote || !vtep)
		return XDP_DROP;
	bytes = data_end - data;
	if (bytes - sizeof *tag + sizeof *outer - sizeof outer->eth > underlay_mtu)
		return XDP_DROP;
	inner = *eth;
	inner.h_proto = tag->proto;
	if (bpf_xdp_adjust_head(ctx, (int)sizeof *tag - (int)sizeof *outer))
		return XDP_ABORTED;
	data = DATA(ctx);
	data_end = DATA_END(ctx);
	outer = data;
	eth = (void *)(outer + 1);
	if ((void *)(eth + 1) > data_end)
		return XDP_ABORTED;
	*eth = inner;
	bytes = data_end - data;
	__builtin_memcpy(outer->eth.h_dest, vtep->mac, 6);
	for (int i = 0; i < 6; i++)
		outer->eth.h_source[i] = own_mac[i];
	outer->eth.h_proto = bpf_htons(ETH_P_IP);
	outer->ip4 = (struct iphdr){.version = 4,
				    .ihl = 5,
				    .tot_len = bpf_htons(bytes - sizeof outer->eth),
				    .ttl = 64,
				    .frag_off = bpf_htons(0x4000),
				    .protocol = IPPROTO_UDP,
				    .saddr = own_address,
				    .daddr = remote};
	outer->ip4.check = ip4_checksum(&outer->ip4);
	outer->udp.source = entropy(eth);
	outer->udp.dest = bpf_htons(PORT_VXLAN);
	outer->udp.len = bpf_htons(bytes - sizeof outer->eth - sizeof outer->ip4);
	outer->udp.check = 0;
	outer->vxlan.flags = bpf_htonl(VXLAN_FLAG_VNI);
	outer->vxlan.vni = bpf_htonl(to.vni << 8);
	return bpf_redirect_map(&ports, 0, XDP_DROP);
}

SEC("xdp")
int vxlan_gateway(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex == UNDERLAY ? decapsulate(ctx) : encapsulate(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
