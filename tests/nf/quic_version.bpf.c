// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"flows": 10, "dports": [443], "frames": [ ["eth", "ipv4", "udp - 443",
// GEN "hex c00000000108????????????????08????????????????", "random 1200"], ["eth", "ipv4",
// GEN "udp - 443", "hex c0ff00001d08????????????????08????????????????", "random 1200"],
// GEN ["eth", "ipv6", "udp - 443", "hex c06b3343cf08????????????????00", "random 20"], ["eth",
// GEN "ipv6", "udp - 443", "hex cababababa08????????????????08????????????????",
// GEN "random 1180"], ["eth", "ipv4", "udp - 443", "hex 4008????????????????"], ["eth", "ipv4",
// GEN "udp - 443", "hex c00000000115", "random 1200"]]}
// MAPS {"versions": [{"key": 1, "value": 1}, {"key": 1798521807, "value": 1}]}
/*
 * QUIC's invariants (RFC 8999): clients with a version that the servers do not speak get a version
 * negotiation packet from here, made of their own first packet; too small first packets, which
 * could be reflected, are dropped (RFC 9000, 14.1).
 */
#include "net.h"

enum { CID_MAX = 20, INITIAL_MIN = 1200 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} versions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} unknown SEC(".maps");

static __always_inline void count(__u32 version)
{
	__u64 *times = bpf_map_lookup_elem(&unknown, &version), one = 1;

	if (times)
		__sync_fetch_and_add(times, 1);
	else
		bpf_map_update_elem(&unknown, &version, &one, BPF_ANY);
}

/* Connection ids of eight bytes, the common case, are exchanged; others are left to the server. */
static __always_inline int negotiate(struct ethhdr *eth, struct iphdr *ip4, struct udphdr *udp,
				     __u8 *quic, void *data_end)
{
	__u8 id[8];

	if ((void *)(quic + 6 + 8 + 1 + 8 + 4) > data_end || quic[5] != 8 || quic[14] != 8)
		return XDP_PASS;
	__builtin_memcpy(id, quic + 6, 8);
	__builtin_memcpy(quic + 6, quic + 15, 8);
	__builtin_memcpy(quic + 15, id, 8);
	quic[0] = 0x80;
	__builtin_memset(quic + 1, 0, 4);
	*(any_u32 *)(quic + 23) = bpf_htonl(1);
	udp_turn_round(eth, ip4, udp);
	return XDP_TX;
}

SEC("xdp")
int quic_version(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct iphdr *ip4 = (void *)(eth + 1);
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct udphdr *udp;
	bool v6 = false;
	__u32 version;
	__u8 *quic;

	if ((void *)(ip4 + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		if (ip4->ihl != 5 || is_fragment(ip4) || ip4->protocol != IPPROTO_UDP)
			return XDP_PASS;
		udp = (void *)(ip4 + 1);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		if ((void *)(ip6 + 1) > data_end || ip6->nexthdr != IPPROTO_UDP)
			return XDP_PASS;
		udp = (void *)(ip6 + 1);
		v6 = true;
	} else {
		return XDP_PASS;
	}
	quic = (void *)(udp + 1);
	if ((void *)(quic + 6) > data_end || udp->dest != bpf_htons(443) || !(quic[0] & 0x80))
		return XDP_PASS;
	version = quic[1] << 24 | quic[2] << 16 | quic[3] << 8 | quic[4];
	if (quic[5] > CID_MAX && version == 1)
		return XDP_DROP;
	if (!version || bpf_map_lookup_elem(&versions, &version))
		return XDP_PASS;
	count(version);
	if (data_end - (void *)quic < INITIAL_MIN)
		return XDP_DROP;
	return v6 ? XDP_DROP : negotiate(eth, ip4, udp, quic, data_end);
}

char _license[] SEC("license") = "Dual BSD/GPL";
