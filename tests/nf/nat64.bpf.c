// EXPECT layers: kernel
// EVERY --cuts 10 --packets 200: short
// GEN {"saddr6": ["2001:db8:1::/126"], "daddr6": ["64:ff9b::c000:200/126", "2001:db8:9::1"],
// GEN "saddr4": ["192.0.2.0/30"], "daddr4": ["198.51.100.1"], "sports": ["2000-2003"],
// GEN "dports": [53, 443], "flows": 16, "weights": {"extensions": 3, "vlan": 2}, "frames": [
// GEN ["in 1", "eth", "ipv6 2001:db8:1::/127 64:ff9b::c000:201", "udp 2000-2001 53",
// GEN "random 0-40"],
// GEN ["in 1", "eth", "ipv6 2001:db8:1::/127 64:ff9b::c000:201", "tcp 2000-2001 443 2"],
// GEN ["in 1", "eth", "ipv6 2001:db8:1::1 64:ff9b::c000:201", "icmpv6 128", "set 4 0007"],
// GEN ["in 2", "eth", "ipv4 192.0.2.1 198.51.100.1", "udp 53 10000-10007", "random 0-40"],
// GEN ["in 2", "eth", "ipv4 192.0.2.1 198.51.100.1", "tcp 443 10000-10007 18"],
// GEN ["in 2", "eth", "ipv4 192.0.2.1 198.51.100.1", "icmp 0", "set 4 2712", "random 8"],
// GEN ["in 2", "eth", "ipv4 192.0.2.254 198.51.100.1", "icmp 3 0-5", "ipv4 198.51.100.1 192.0.2.1",
// GEN "udp 10000-10003 53"],
// GEN ["in 2", "eth", "ipv4 192.0.2.254 198.51.100.1", "icmp 3 4", "set 6 0500",
// GEN "ipv4 198.51.100.1 192.0.2.1", "tcp 10000-10003 443"]]}
/*
 * A stateful NAT64 (RFC 6146) with the header translation of RFC 7915: IPv6 clients reach IPv4
 * servers through the well-known prefix 64:ff9b::/96. Transport checksums are updated for the
 * pseudo header, ICMP becomes ICMPv6 and back with types and codes, errors with the packet
 * in them. Extension headers, options and fragments are left to the slow path.
 */
#include "net.h"

enum { POOL_FIRST = 10000, POOL_SIZE = 1024 };

struct binding6 {
	__u32 addr[4];
	__u16 port;
	__u16 proto;
};

struct binding4 {
	__u16 port;
	__u16 proto;
};

struct session {
	__u64 used_ns;
	__u32 packets;
	__u16 port, pad;
};

const volatile __be32 pool_addr = __builtin_bswap32(0xc6336401);
const volatile __u8 gateway_mac[6] = {2, 0, 0, 0, 0, 0xfe};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct binding6);
	__type(value, struct session);
} by6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct binding4);
	__type(value, struct binding6);
} by4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_port SEC(".maps");

static __always_inline bool in_prefix(const struct in6_addr *addr)
{
	return addr->in6_u.u6_addr32[0] == bpf_htonl(0x0064ff9b) && !addr->in6_u.u6_addr32[1] &&
	       !addr->in6_u.u6_addr32[2];
}

static __always_inline __be16 allocate(const struct binding6 *inside)
{
	struct session *known = bpf_map_lookup_elem(&by6, inside), fresh = {};
	struct binding4 outside = {.proto = inside->proto};
	__u32 zero = 0, *next;

	if (known) {
		known->used_ns = bpf_ktime_get_ns();
		known->packets++;
		return known->port;
	}
	next = bpf_map_lookup_elem(&next_port, &zero);
	if (!next)
		return 0;
	outside.port = bpf_htons(POOL_FIRST + __sync_fetch_and_add(next, 1) % POOL_SIZE);
	if (bpf_map_update_elem(&by4, &outside, inside, BPF_NOEXIST))
		return 0;
	fresh.used_ns = bpf_ktime_get_ns();
	fresh.packets = 1;
	fresh.port = outside.port;
	if (bpf_map_update_elem(&by6, inside, &fresh, BPF_NOEXIST))
		return 0;
	return outside.port;
}

/* One's complement sum of the pseudo header's addresses, for what a change of family adds. */
static __always_inline __u16 exchange(__u16 check, __u32 out, __u32 in)
{
	__u32 sum = (__u16)~check + (__u16)~csum_fold(in);

	out = (__u16)~csum_fold(out);
	sum += 0xffff - out;
	return csum_fold(sum);
}

static __always_inline int icmp_to_4(struct icmp6hdr *icmp, __u32 addresses6, __u16 length,
				     __be16 port)
{
	__u16 old = *(any_u16 *)icmp;

	if (icmp->icmp6_type != ICMPV6_ECHO_REQUEST)
		return -1;
	icmp->icmp6_type = ICMP_ECHO;
	/* ICMP has no pseudo header. */
	icmp->icmp6_cksum = exchange(icmp->icmp6_cksum,
				     addresses6 + bpf_htons(length) + bpf_htons(IPPROTO_ICMPV6), 0);
	csum_replace2(&icmp->icmp6_cksum, old, *(any_u16 *)icmp);
	csum_replace2(&icmp->icmp6_cksum, icmp->icmp6_dataun.u_echo.identifier, port);
	icmp->icmp6_dataun.u_echo.identifier = port;
	return 0;
}

/* Ports, checksums and, for ICMP, types: XDP_TX when the packet goes on. */
static __always_inline int transport_to_4(struct ipv6hdr *ip6, struct iphdr *ip4,
					  struct binding6 *inside, void *data_end)
{
	void *l4 = ip6 + 1;
	__u32 sum6, sum4;
	__be16 port;

	sum6 = csum_add(&ip6->saddr, 32, 0);
	sum4 = csum_add(&ip4->saddr, 8, 0);
	if (ip6->nexthdr == IPPROTO_UDP) {
		struct udphdr *udp = l4;

		if ((void *)(udp + 1) > data_end || !udp->check)
			return XDP_DROP;
		inside->port = udp->source;
		port = allocate(inside);
		udp->check = exchange(udp->check, sum6 + udp->source, sum4 + port);
		if (!udp->check)
			udp->check = 0xffff;
		udp->source = port;
	} else if (ip6->nexthdr == IPPROTO_TCP) {
		struct tcphdr *tcp = l4;

		if ((void *)(tcp + 1) > data_end)
			return XDP_DROP;
		inside->port = tcp->source;
		port = allocate(inside);
		tcp->check = exchange(tcp->check, sum6 + tcp->source, sum4 + port);
		tcp->source = port;
	} else if (ip6->nexthdr == IPPROTO_ICMPV6) {
		struct icmp6hdr *icmp = l4;

		if ((void *)(icmp + 1) > data_end)
			return XDP_DROP;
		inside->port = icmp->icmp6_dataun.u_echo.identifier;
		inside->proto = IPPROTO_ICMP;
		ip4->protocol = IPPROTO_ICMP;
		port = icmp->icmp6_type == ICMPV6_ECHO_REQUEST ? allocate(inside) : 0;
		if (icmp_to_4(icmp, sum6, bpf_ntohs(ip6->payload_len), port))
			return XDP_PASS;
	} else {
		return XDP_PASS;
	}
	return port ? XDP_TX : XDP_DROP;
}

static __always_inline int to_4(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data, macs;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct binding6 inside = {};
	struct iphdr ip4 = {.version = 4, .ihl = 5, .saddr = pool_addr};
	int verdict;

	if ((void *)(ip6 + 1) > data_end || !in_prefix(&ip6->daddr))
		return XDP_PASS;
	if (ip6->hop_limit <= 1)
		return XDP_DROP;
	inside.proto = ip6->nexthdr;
	__builtin_memcpy(inside.addr, &ip6->saddr, 16);
	ip4.tos = ip6->priority << 4 | ip6->flow_lbl[0] >> 4;
	ip4.tot_len = bpf_htons(bpf_ntohs(ip6->payload_len) + sizeof ip4);
	ip4.frag_off = bpf_ntohs(ip6->payload_len) > 1240 ? bpf_htons(IP_DF) : 0;
	ip4.ttl = ip6->hop_limit - 1;
	ip4.protocol = ip6->nexthdr;
	ip4.daddr = ip6->daddr.in6_u.u6_addr32[3];
	verdict = transport_to_4(ip6, &ip4, &inside, data_end);
	if (verdict != XDP_TX)
		return verdict;
	ip4_set_check(&ip4);
	macs = *eth;
	if (bpf_xdp_adjust_head(ctx, (int)sizeof *ip6 - (int)sizeof ip4))
		return XDP_ABORTED;
	data = DATA(ctx);
	data_end = DATA_END(ctx);
	eth = data;
	if (data + sizeof *eth + sizeof ip4 > data_end)
		return XDP_ABORTED;
	mac_copy(eth->h_source, macs.h_dest);
	for (int i = 0; i < 6; i++)
		eth->h_dest[i] = gateway_mac[i];
	eth->h_proto = bpf_htons(ETH_P_IP);
	__builtin_memcpy(eth + 1, &ip4, sizeof ip4);
	return XDP_TX;
}

/* Types and codes of errors (RFC 7915, 4.2); false for those that have no counterpart. */
static __always_inline bool error_to_6(const struct icmphdr *icmp, __u8 *type, __u8 *code,
				       __u32 *mtu)
{
	*mtu = 0;
	*type = ICMPV6_DEST_UNREACH;
	*code = 0;
	if (icmp->type == ICMP_TIME_EXCEEDED) {
		*type = ICMPV6_TIME_EXCEED;
		*code = icmp->code;
		return true;
	}
	switch (icmp->code) {
	case ICMP_NET_UNREACH:
	case ICMP_HOST_UNREACH:
	case ICMP_SR_FAILED:
		return true;
	case ICMP_PORT_UNREACH:
		*code = ICMPV6_PORT_UNREACH;
		return true;
	case ICMP_PROT_UNREACH:
		*type = ICMPV6_PARAMPROB;
		*code = 1;
		*mtu = 6; /* the pointer: next header */
		return true;
	case ICMP_FRAG_NEEDED:
		*type = ICMPV6_PKT_TOOBIG;
		*mtu = bpf_ntohs(icmp->un.frag.mtu) + 20;
		if (*mtu < 1280)
			*mtu = 1280;
		return true;
	default:
		return false;
	}
}

/* The new IPv6 header in front of `bytes` of transport; Ethernet before it. */
static __always_inline int put_6(struct xdp_md *ctx, const struct ethhdr *macs,
				 const struct ipv6hdr *ip6, int room)
{
	struct ethhdr *eth;

	if (bpf_xdp_adjust_head(ctx, -room))
		return XDP_ABORTED;
	eth = DATA(ctx);
	if ((void *)(eth + 1) + sizeof *ip6 > DATA_END(ctx))
		return XDP_ABORTED;
	mac_copy(eth->h_source, macs->h_dest);
	for (int i = 0; i < 6; i++)
		eth->h_dest[i] = gateway_mac[i];
	eth->h_proto = bpf_htons(ETH_P_IPV6);
	__builtin_memcpy(eth + 1, ip6, sizeof *ip6);
	return XDP_TX;
}

/* An error: the packet in it is translated too; its checksum is computed anew over 48 + 8 bytes. */
static __always_inline int error_4(struct xdp_md *ctx, struct ethhdr *eth, struct iphdr *ip4,
				   void *data_end)
{
	struct icmphdr *icmp = (void *)(ip4 + 1);
	struct iphdr *inner4 = (void *)(icmp + 1);
	struct udphdr *ports = (void *)(inner4 + 1);
	struct {
		struct icmp6hdr icmp;
		struct ipv6hdr ip6;
		__u8 l4[8];
	} __attribute__((packed)) body = {};
	struct ipv6hdr ip6 = {.version = 6, .nexthdr = IPPROTO_ICMPV6, .hop_limit = ip4->ttl - 1};
	struct binding4 outside = {};
	struct binding6 *inside;
	struct ethhdr macs = *eth;
	__u32 mtu, sum;

	if ((void *)(ports + 1) > data_end || inner4->ihl != 5 || inner4->saddr != pool_addr ||
	    !error_to_6(icmp, &body.icmp.icmp6_type, &body.icmp.icmp6_code, &mtu))
		return XDP_DROP;
	outside.port = ports->source;
	outside.proto = inner4->protocol;
	inside = bpf_map_lookup_elem(&by4, &outside);
	if (!inside)
		return XDP_DROP;
	body.icmp.icmp6_dataun.un_data32[0] = bpf_htonl(mtu);
	body.ip6.version = 6;
	body.ip6.nexthdr = inner4->protocol;
	body.ip6.hop_limit = inner4->ttl;
	body.ip6.payload_len = bpf_htons(bpf_ntohs(inner4->tot_len) - 20);
	__builtin_memcpy(&body.ip6.saddr, inside->addr, 16);
	body.ip6.daddr.in6_u.u6_addr32[0] = bpf_htonl(0x0064ff9b);
	body.ip6.daddr.in6_u.u6_addr32[3] = inner4->daddr;
	__builtin_memcpy(body.l4, ports, 8);
	__builtin_memcpy(body.l4, &inside->port, 2);
	ip6.payload_len = bpf_htons(sizeof body);
	ip6.saddr.in6_u.u6_addr32[0] = bpf_htonl(0x0064ff9b);
	ip6.saddr.in6_u.u6_addr32[3] = ip4->saddr;
	__builtin_memcpy(&ip6.daddr, inside->addr, 16);
	sum = csum_add(&ip6.saddr, 32, bpf_htons(sizeof body) + bpf_htons(IPPROTO_ICMPV6));
	body.icmp.icmp6_cksum = csum_fold(csum_add(&body, sizeof body, sum));
	/* The packet is cut to what was translated. */
	if (bpf_xdp_adjust_tail(ctx, (int)(sizeof *eth + sizeof *ip4 + sizeof body - 20 + 20) -
					 (int)(data_end - (void *)eth)))
		return XDP_DROP;
	data_end = DATA_END(ctx);
	eth = DATA(ctx);
	if ((void *)eth + sizeof *eth + sizeof *ip4 + sizeof body > data_end)
		return XDP_ABORTED;
	__builtin_memcpy((void *)eth + sizeof *eth + sizeof *ip4, &body, sizeof body);
	return put_6(ctx, &macs, &ip6, sizeof ip6 - sizeof *ip4);
}

static __always_inline int to_6(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx), *l4;
	struct ethhdr *eth = data, macs;
	struct iphdr *ip4 = (void *)(eth + 1);
	struct icmphdr *icmp = (void *)(ip4 + 1);
	struct ipv6hdr ip6 = {.version = 6};
	struct binding4 outside = {};
	struct binding6 *inside;
	__u32 sum4, sum6;

	if ((void *)(ip4 + 1) > data_end || ip4->daddr != pool_addr || ip4->ihl != 5 ||
	    is_fragment(ip4))
		return XDP_PASS;
	if (ip4->ttl <= 1)
		return XDP_DROP;
	l4 = ip4 + 1;
	if ((void *)(icmp + 1) > data_end)
		return XDP_DROP;
	if (ip4->protocol == IPPROTO_ICMP &&
	    (icmp->type == ICMP_DEST_UNREACH || icmp->type == ICMP_TIME_EXCEEDED))
		return error_4(ctx, eth, ip4, data_end);
	outside.proto = ip4->protocol;
	if (ip4->protocol == IPPROTO_ICMP) {
		if (icmp->type != ICMP_ECHOREPLY)
			return XDP_PASS;
		outside.port = icmp->un.echo.id;
	} else if (ip4->protocol == IPPROTO_TCP || ip4->protocol == IPPROTO_UDP) {
		outside.port = ((struct udphdr *)l4)->dest;
	} else {
		return XDP_PASS;
	}
	inside = bpf_map_lookup_elem(&by4, &outside);
	if (!inside)
		return XDP_DROP;
	ip6.priority = ip4->tos >> 4;
	ip6.flow_lbl[0] = ip4->tos << 4;
	ip6.payload_len = bpf_htons(bpf_ntohs(ip4->tot_len) - sizeof *ip4);
	ip6.nexthdr = ip4->protocol == IPPROTO_ICMP ? IPPROTO_ICMPV6 : ip4->protocol;
	ip6.hop_limit = ip4->ttl - 1;
	ip6.saddr.in6_u.u6_addr32[0] = bpf_htonl(0x0064ff9b);
	ip6.saddr.in6_u.u6_addr32[3] = ip4->saddr;
	__builtin_memcpy(&ip6.daddr, inside->addr, 16);
	sum4 = csum_add(&ip4->saddr, 8, 0);
	sum6 = csum_add(&ip6.saddr, 32, 0);
	if (ip4->protocol == IPPROTO_UDP) {
		struct udphdr *udp = l4;

		if (!udp->check)
			return XDP_DROP; /* has to be computed: the slow path's */
		udp->check = exchange(udp->check, sum4 + udp->dest, sum6 + inside->port);
		udp->dest = inside->port;
	} else if (ip4->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = l4;

		if ((void *)(tcp + 1) > data_end)
			return XDP_DROP;
		tcp->check = exchange(tcp->check, sum4 + tcp->dest, sum6 + inside->port);
		tcp->dest = inside->port;
	} else {
		__u16 old = *(any_u16 *)icmp;

		icmp->type = ICMPV6_ECHO_REPLY;
		csum_replace2(&icmp->checksum, old, *(any_u16 *)icmp);
		icmp->checksum =
		    exchange(icmp->checksum, icmp->un.echo.id,
			     sum6 + ip6.payload_len + bpf_htons(IPPROTO_ICMPV6) + inside->port);
		icmp->un.echo.id = inside->port;
	}
	macs = *eth;
	return put_6(ctx, &macs, &ip6, sizeof ip6 - sizeof *ip4);
}

SEC("xdp")
int nat64(struct xdp_md *ctx)
{
	struct ethhdr *eth = DATA(ctx);

	if ((void *)(eth + 1) > DATA_END(ctx))
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return to_4(ctx);
	return eth->h_proto == bpf_htons(ETH_P_IP) ? to_6(ctx) : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
