// EXPECT layers: kernel
// EVERY --cuts 10 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/30"], "daddr4": ["192.0.2.1", "203.0.113.0/30"],
// GEN "dports": [80, 2152], "flows": 16, "frames": [
// GEN ["eth", "ipv4", "udp - 2152", "hex 30ff{len}0000000?",
// GEN "ipv4 172.16.0.0/30 203.0.113.1", "udp"],
// GEN ["eth", "ipv4", "udp - 2152", "hex 34ff{len+8}000000010000008501100100",
// GEN "ipv4 172.16.0.1 203.0.113.1", "tcp - 80 2"],
// GEN ["eth", "ipv4", "udp - 2152", "hex 34ff{len+8}000000020000008501100900",
// GEN "ipv4 172.16.0.2", "udp", "random 0-60"],
// GEN ["eth", "ipv4", "udp - 2152", "hex 34ff{len+12}00000001000000400108ffff01098500",
// GEN "ipv4 172.16.0.1 203.0.113.1", "udp"],
// GEN ["eth", "ipv4", "udp - 2152", "hex 30ff{len}00000003", "ipv6 2001:db8:16::1", "udp"],
// GEN ["eth", "ipv4", "udp - 2152", "hex 32010004000000000007????"],
// GEN ["eth", "ipv4", "udp - 2152", "hex 30fe000400000001????????"]]}
// MAPS {"pdrs": [
// MAPS {"key": {"teid": 1, "qfi": 1}, "value": {"ue": "172.16.0.1", "far": 1, "removal": 1}},
// MAPS {"key": {"teid": 1, "qfi": 0}, "value": {"ue": "172.16.0.1", "far": 2, "removal": 1}},
// MAPS {"key": {"teid": 2, "qfi": 9}, "value": {"ue": "172.16.0.2", "far": 3, "removal": 1}},
// MAPS {"key": {"teid": 3, "qfi": 0}, "value": {"far": 2, "v6": 1, "removal": 1}},
// MAPS {"key": {"teid": 4, "qfi": 0}, "value": {"ue": "172.16.0.2", "far": 4}}],
// MAPS "fars": [{"key": 1, "value": {"action": 2, "port": 0, "mac": "02:00:00:00:0d:01"}},
// MAPS {"key": 2, "value": {"action": 2, "port": 1, "mac": "02:00:00:00:0d:02"}},
// MAPS {"key": 3, "value": {"action": 1}}, {"key": 4, "value": {"action": 4}}],
// MAPS "n6": [{"key": 0, "value": 1}, {"key": 1, "value": 2}]}
/*
 * A user plane function's uplink (3GPP TS 29.281, 29.244): GTP-U towards us is matched by tunnel
 * and QoS flow against packet detection rules; their forwarding action rule drops, forwards to N6
 * without the tunnel, or leaves the packet to the slow path for buffering. Echo requests are
 * answered here. The UE's address is checked against the rule.
 */
#include "nf.h"
#include <linux/ipv6.h>

struct gtpuhdr {
	__u8 flags, type;
	__be16 length;
	__be32 teid;
};

struct gtpu_more { /* present when E, S or PN is set */
	__be16 sequence;
	__u8 n_pdu, next;
};

struct pdr_key {
	__u32 teid;
	__u32 qfi;
};

struct pdr {
	__be32 ue;
	__u32 far;
	__u8 removal, v6;
	__u16 pad;
	__u32 reserved;
};

struct far {
	__u32 action; /* 1 drop, 2 forward, 4 buffer */
	__u32 port;
	__u8 mac[6];
	__u16 pad;
};

struct usage {
	__u64 packets, bytes, bad_source;
};

enum { PORT_GTPU = 2152, GTPU_ECHO = 1, GTPU_ECHO_REPLY = 2, GTPU_TPDU = 255 };
enum { FLAG_PN = 1, FLAG_S = 2, FLAG_E = 4 };
enum { EXTENSION_PDU_SESSION = 0x85, EXTENSIONS_MAX = 3 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct pdr_key);
	__type(value, struct pdr);
} pdrs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct far);
} fars SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct usage);
} usage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} n6 SEC(".maps");

/* Behind the extension headers; the QoS flow where there is a PDU session container. */
static __always_inline void *skip_extensions(struct gtpuhdr *gtp, void *data_end, __u32 *qfi)
{
	struct gtpu_more *more = (void *)(gtp + 1);
	__u8 *at = (void *)(more + 1), type;

	if (!(gtp->flags & (FLAG_E | FLAG_S | FLAG_PN)))
		return gtp + 1;
	if ((void *)(more + 1) > data_end)
		return NULL;
	if (!(gtp->flags & FLAG_E))
		return at;
	type = more->next;
	for (int i = 0; i < EXTENSIONS_MAX && type; i++) {
		__u32 bytes;

		if ((void *)(at + 4) > data_end)
			return NULL;
		bytes = at[0] * 4;
		if (!bytes || bytes > 64)
			return NULL;
		if (type == EXTENSION_PDU_SESSION)
			*qfi = at[2] & 0x3f;
		at += bytes;
		if ((void *)at > data_end)
			return NULL;
		type = at[-1];
	}
	return type ? NULL : at;
}

/* An echo request's answer: the same packet back, with the addresses exchanged. */
static __always_inline int answer_echo(struct ethhdr *eth, struct iphdr *ip4, struct udphdr *udp,
				       struct gtpuhdr *gtp)
{
	__u8 mac[6];
	__be32 address = ip4->saddr;
	__be16 port = udp->source;

	__builtin_memcpy(mac, eth->h_source, 6);
	__builtin_memcpy(eth->h_source, eth->h_dest, 6);
	__builtin_memcpy(eth->h_dest, mac, 6);
	ip4->saddr = ip4->daddr;
	ip4->daddr = address;
	udp->source = udp->dest;
	udp->dest = port;
	udp->check = 0;
	gtp->type = GTPU_ECHO_REPLY;
	return XDP_TX;
}

static __always_inline void account(__u32 teid, __u32 bytes, bool bad)
{
	struct usage *u = bpf_map_lookup_elem(&usage, &teid);

	if (u) {
		u->packets++;
		u->bytes += bytes;
		u->bad_source += bad;
	} else {
		struct usage first = {1, bytes, bad};

		bpf_map_update_elem(&usage, &teid, &first, BPF_NOEXIST);
	}
}

/* Is the inner packet from whom the rule is for? */
static __always_inline bool source_fits(const struct pdr *pdr, void *inner, void *data_end)
{
	struct iphdr *ip4 = inner;

	if ((void *)(ip4 + 1) > data_end)
		return false;
	if (pdr->v6)
		return ip4->version == 6 && inner + sizeof(struct ipv6hdr) <= data_end;
	return ip4->version == 4 && ip4->saddr == pdr->ue;
}

static __always_inline int forward(struct xdp_md *ctx, const struct far *far, bool v6, int head,
				   const struct ethhdr *outer)
{
	struct ethhdr *eth, old = *outer;

	if (bpf_xdp_adjust_head(ctx, head - (int)sizeof *eth))
		return XDP_ABORTED;
	eth = DATA(ctx);
	if ((void *)(eth + 1) > DATA_END(ctx))
		return XDP_ABORTED;
	__builtin_memcpy(eth->h_dest, far->mac, 6);
	__builtin_memcpy(eth->h_source, old.h_dest, 6);
	eth->h_proto = v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	return bpf_redirect_map(&n6, far->port, XDP_DROP);
}

SEC("xdp")
int gtpu_decap(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *inner;
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct udphdr *udp;
	struct gtpuhdr *gtp;
	struct pdr_key key = {};
	struct pdr *pdr;
	struct far *far;

	if (!ip4 || ip4->ihl != 5 || ip4->protocol != IPPROTO_UDP ||
	    (ip4->frag_off & bpf_htons(0x3fff)))
		return XDP_PASS;
	udp = (void *)(ip4 + 1);
	gtp = (void *)(udp + 1);
	if ((void *)(gtp + 1) > data_end || udp->dest != bpf_htons(PORT_GTPU))
		return XDP_PASS;
	if ((gtp->flags & 0xf0) != 0x30)
		return XDP_DROP;
	if (gtp->type == GTPU_ECHO)
		return answer_echo(data, ip4, udp, gtp);
	if (gtp->type != GTPU_TPDU)
		return XDP_PASS;
	inner = skip_extensions(gtp, data_end, &key.qfi);
	if (!inner)
		return XDP_DROP;
	key.teid = bpf_ntohl(gtp->teid);
	pdr = bpf_map_lookup_elem(&pdrs, &key);
	if (!pdr)
		return XDP_DROP;
	if (!source_fits(pdr, inner, data_end)) {
		account(key.teid, data_end - inner, true);
		return XDP_DROP;
	}
	account(key.teid, data_end - inner, false);
	far = bpf_map_lookup_elem(&fars, &pdr->far);
	if (!far || far->action == 1)
		return XDP_DROP;
	if (far->action != 2 || !pdr->removal)
		return XDP_PASS;
	return forward(ctx, far, pdr->v6, inner - data, data);
}

char _license[] SEC("license") = "Dual BSD/GPL";
