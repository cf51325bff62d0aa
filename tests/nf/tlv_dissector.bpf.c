// EXPECT layers: kernel
// EVERY --cuts 1 --packets 100: with the loop cut open, the verifier follows each way through it
// GEN {"flows": 24, "weights": {"vlan": 10, "qinq": 10, "gre": 15, "extensions": 40, "options": 20,
// GEN "fragments": 10}, "frames": [
// GEN ["eth", "next 0x8847", "hex 0001004000??0140", "ipv4", "udp"],
// GEN ["eth", "next 0x8847", "hex 000a0040000b0040000c0140", "ipv6", "tcp"],
// GEN ["eth", "next 0x8864", "hex 11000001{len}0021", "ipv4", "tcp"],
// GEN ["eth", "vlan 5", "next 0x8864", "hex 11000002{len}0057", "ipv6", "udp"],
// GEN ["eth", "vlan 7 0x88a8", "vlan 8", "next 0x8847", "hex 00064140", "ipv4", "tcp"],
// GEN ["eth", "ipv6", "next 0", "hex 3c00010400000000", "hex 2b00010400000000",
// GEN "hex 11020000000000000000000000000000????????????????", "udp"],
// GEN ["eth", "ipv4", "next 47", "hex b0000800????00000000001200000001", "ipv4", "udp - 53"]]}
/*
 * A flow dissector: Ethernet, up to three tags, PPPoE, MPLS, IPv4 with options,
 * IPv6 with extension headers, GRE with its optional fields and one IP header
 * inside. One loop of steps, each of which parses the header that the step
 * before named, fills the key that counters are kept by.
 */
#include "net.h"

enum step { STEP_ETHERTYPE, STEP_MPLS, STEP_PROTOCOL, STEP_DONE };
enum { STEPS_MAX = 10, NEXT_UNKNOWN = 0xffff };

struct flow_key {
	__u32 saddr[4], daddr[4];
	__u16 sport, dport;
	__u32 label; /* MPLS at the bottom, or the PPPoE session */
	__u16 vlan[2];
	__u8 proto, family, tags, flags;
};

struct flow_counts {
	__u64 packets, bytes;
};

struct dissection {
	struct flow_key key;
	__u32 offset;
	__u16 next; /* ethertype or protocol, in host order */
	__u8 step, tunnels;
};

enum { FLAG_FRAGMENT = 1, FLAG_TUNNEL = 2, FLAG_PPPOE = 4, FLAG_EXTENSIONS = 8 };

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct flow_key);
	__type(value, struct flow_counts);
} flows SEC(".maps");

/* `bytes` at the dissection's place, or NULL. */
static __always_inline void *header(struct dissection *d, void *data, void *data_end, __u32 bytes)
{
	void *p;

	if (d->offset > 512)
		return NULL;
	p = data + d->offset;
	return p + bytes > data_end ? NULL : p;
}

static __always_inline bool step_ip4(struct dissection *d, void *data, void *data_end)
{
	struct iphdr *ip4 = header(d, data, data_end, sizeof *ip4);

	if (!ip4 || ip4->ihl < 5)
		return false;
	__builtin_memset(d->key.saddr, 0, 32);
	d->key.saddr[0] = ip4->saddr;
	d->key.daddr[0] = ip4->daddr;
	d->key.family = 4;
	d->offset += ip4->ihl * 4;
	d->next = ip4->protocol;
	d->step = STEP_PROTOCOL;
	if (is_fragment(ip4))
		d->key.flags |= FLAG_FRAGMENT;
	if (ip4->frag_off & bpf_htons(IP_OFFSET))
		d->next = NEXT_UNKNOWN;
	return true;
}

static __always_inline bool step_ip6(struct dissection *d, void *data, void *data_end)
{
	struct ipv6hdr *ip6 = header(d, data, data_end, sizeof *ip6);

	if (!ip6)
		return false;
	__builtin_memcpy(d->key.saddr, &ip6->saddr, 32);
	d->key.family = 6;
	d->offset += sizeof *ip6;
	d->next = ip6->nexthdr;
	d->step = STEP_PROTOCOL;
	return true;
}

static __always_inline bool step_pppoe(struct dissection *d, void *data, void *data_end)
{
	__be16 *p = header(d, data, data_end, 8);

	if (!p)
		return false;
	d->key.label = bpf_ntohs(p[1]);
	d->key.flags |= FLAG_PPPOE;
	d->offset += 8;
	d->next = p[3] == bpf_htons(0x21) ? ETH_P_IP : p[3] == bpf_htons(0x57) ? ETH_P_IPV6 : 0;
	return d->next != 0;
}

static __always_inline bool step_ethertype(struct dissection *d, void *data, void *data_end)
{
	struct vlan_hdr *tag;

	switch (d->next) {
	case ETH_P_8021Q:
	case ETH_P_8021AD:
		tag = header(d, data, data_end, sizeof *tag);
		if (!tag || d->key.tags >= 3)
			return false;
		if (d->key.tags < 2)
			d->key.vlan[d->key.tags & 1] = bpf_ntohs(tag->tci) & 0xfff;
		d->key.tags++;
		d->offset += sizeof *tag;
		d->next = bpf_ntohs(tag->proto);
		return true;
	case ETH_P_IP:
		return step_ip4(d, data, data_end);
	case ETH_P_IPV6:
		return step_ip6(d, data, data_end);
	case ETH_P_PPP_SES:
		return step_pppoe(d, data, data_end);
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
		d->step = STEP_MPLS;
		return true;
	default:
		return false;
	}
}

/* One label; behind the last one the version says what it is. */
static __always_inline bool step_mpls(struct dissection *d, void *data, void *data_end)
{
	__be32 *label = header(d, data, data_end, 5);
	__u32 word;

	if (!label)
		return false;
	word = bpf_ntohl(*label);
	d->key.label = word >> 12;
	d->offset += 4;
	if (word & 0x100) {
		__u8 version = *(__u8 *)(label + 1) >> 4;

		d->next = version == 4 ? ETH_P_IP : version == 6 ? ETH_P_IPV6 : 0;
		d->step = STEP_ETHERTYPE;
	}
	return true;
}

static __always_inline bool step_gre(struct dissection *d, void *data, void *data_end)
{
	__be16 *gre = header(d, data, data_end, 4);

	if (!gre || d->tunnels++ || (bpf_ntohs(gre[0]) & 7))
		return false;
	d->offset += 4;
	for (int bit = 15; bit >= 12; bit--) /* checksum, (routing), key, sequence */
		if (bit != 14 && bpf_ntohs(gre[0]) & 1 << bit)
			d->offset += 4;
	d->next = bpf_ntohs(gre[1]);
	d->key.flags |= FLAG_TUNNEL;
	if (d->next == ETH_P_TEB) {
		struct ethhdr *eth = header(d, data, data_end, sizeof *eth);

		if (!eth)
			return false;
		d->offset += sizeof *eth;
		d->next = bpf_ntohs(eth->h_proto);
	}
	d->step = STEP_ETHERTYPE;
	return true;
}

static __always_inline bool step_extension(struct dissection *d, void *data, void *data_end)
{
	__u8 *ext = header(d, data, data_end, 8);

	if (!ext || d->key.family != 6)
		return false;
	d->key.flags |= FLAG_EXTENSIONS;
	if (d->next == IPPROTO_FRAGMENT) {
		d->key.flags |= FLAG_FRAGMENT;
		d->offset += 8;
		d->next = (ext[2] | (ext[3] & 0xf8)) ? NEXT_UNKNOWN : ext[0];
	} else if (d->next == IPPROTO_AH) {
		d->offset += (ext[1] + 2) * 4;
		d->next = ext[0];
	} else {
		d->offset += (ext[1] + 1) * 8;
		d->next = ext[0];
	}
	return true;
}

static __always_inline bool step_protocol(struct dissection *d, void *data, void *data_end)
{
	__be16 *ports;

	switch (d->next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
		return step_extension(d, data, data_end);
	case IPPROTO_GRE:
		return step_gre(d, data, data_end);
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		if (d->tunnels++)
			return false;
		d->key.flags |= FLAG_TUNNEL;
		d->step = STEP_ETHERTYPE;
		d->next = d->next == IPPROTO_IPIP ? ETH_P_IP : ETH_P_IPV6;
		return true;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		ports = header(d, data, data_end, 4);
		if (!ports)
			return false;
		d->key.sport = bpf_ntohs(ports[0]);
		d->key.dport = bpf_ntohs(ports[1]);
		break;
	}
	d->key.proto = d->next;
	d->step = STEP_DONE;
	return true;
}

struct walk {
	void *data, *data_end;
	struct dissection d;
	bool known;
};

/* One step; 1 ends the loop. */
static long take_step(__u32 index, void *context)
{
	struct walk *w = context;
	void *data = w->data, *data_end = w->data_end;

	if (w->d.step == STEP_ETHERTYPE)
		w->known = step_ethertype(&w->d, data, data_end);
	else if (w->d.step == STEP_MPLS)
		w->known = step_mpls(&w->d, data, data_end);
	else
		w->known = step_protocol(&w->d, data, data_end);
	return !w->known || w->d.step == STEP_DONE;
}

SEC("xdp")
int tlv_dissector(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct walk w = {.data = data,
			 .data_end = data_end,
			 .d = {.offset = sizeof(struct ethhdr)},
			 .known = true};
	struct flow_counts *counts, first = {1, data_end - data};
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	w.d.next = bpf_ntohs(eth->h_proto);
	bpf_loop(STEPS_MAX, take_step, &w, 0);
	if (!w.known)
		return w.d.key.family ? XDP_DROP : XDP_PASS;
	counts = bpf_map_lookup_elem(&flows, &w.d.key);
	if (!counts) {
		bpf_map_update_elem(&flows, &w.d.key, &first, BPF_ANY);
		return XDP_PASS;
	}
	__sync_fetch_and_add(&counts->packets, 1);
	__sync_fetch_and_add(&counts->bytes, first.bytes);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
