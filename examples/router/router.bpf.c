// EXPECT layers: kernel user
// EXPECT split-kernel: this loop has no bound
// EXPECT home routes4: kernel
// EXPECT home routes6: kernel
// EXPECT home nexthops: kernel
// EXPECT home neighbours: kernel
/*
 * An IPv4 and IPv6 router: longest prefix, next hop, neighbour, out. What needs the slow path (own
 * addresses, ARP and ND, IP options, neighbours that are not resolved, packets that are too big)
 * goes to the kernel's stack. A packet whose time is over is answered with ICMP, built over the
 * packet itself.
 */
#include "../net/parse.h"

#define PORTS_MAX     64
#define NEXTHOPS_MAX  1024
#define TTL_NEW       64
#define NEXTHOP_LOCAL 1 /* the router's own address */
#define NEXTHOP_DROP  2 /* black hole */
#define NS_PER_S      1000000000ULL
/* RFC 1812, section 4.3.2.3: the answer is at most 576 bytes long */
#define ICMP4_QUOTE (576 - 28)
#define ICMP6_QUOTE (1280 - 48) /* RFC 4443, section 2.4 (c): at most the minimum MTU */

enum reason {
	FORWARDED,
	TO_STACK_LINK,  /* not IP, or not for the router's MAC alone */
	TO_STACK_LOCAL, /* own address, multicast, link-local */
	TO_STACK_OPTIONS,
	TO_STACK_NEIGHBOUR,
	TO_STACK_TOO_BIG,
	TIME_EXCEEDED,
	DROP_MALFORMED,
	DROP_OTHER_HOST,
	DROP_MARTIAN,
	DROP_NO_ROUTE,
	DROP_BLACK_HOLE,
	DROP_TIME_EXCEEDED, /* no answer due: rate, or RFC 1812, section 4.3.2.7 */
	REASONS
};

struct lpm_key4 {
	__u32 prefixlen;
	__be32 address;
};

struct lpm_key6 {
	__u32 prefixlen;
	struct in6_addr address;
};

struct nexthop {
	struct in6_addr gateway; /* zero: the destination is on the link */
	__u32 port;
	__u32 flags;
};

struct neighbour_key {
	struct in6_addr address;
	__u32 port;
};

struct neighbour {
	__u8 mac[6];
	__u16 pad;
};

struct port {
	struct in6_addr address4, address6; /* source of ICMP errors */
	__u8 mac[6];
	__u16 mtu;
};

struct budget {
	__u64 tokens; /* ICMP errors * 10^9 */
	__u64 filled_ns;
};

struct counter {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PORTS_MAX);
	__type(key, __u32); /* ifindex */
	__type(value, __u32);
} port_numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORTS_MAX);
	__type(key, __u32);
	__type(value, struct port);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, PORTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} tx_ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lpm_key4);
	__type(value, __u32);
} routes4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lpm_key6);
	__type(value, __u32);
} routes6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NEXTHOPS_MAX);
	__type(key, __u32);
	__type(value, struct nexthop);
} nexthops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct neighbour_key);
	__type(value, struct neighbour);
} neighbours SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORTS_MAX);
	__type(key, __u32);
	__type(value, struct budget);
} icmp_budgets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

const volatile __u32 icmp_rate = 100; /* errors a second and port */
const volatile __u32 icmp_burst = 20;

/* One packet on its way through the router. */
struct hop {
	void *l3;
	struct in6_addr destination;   /* IPv4 mapped */
	__u32 in_port, nexthop, bytes; /* bytes: of the IP packet */
	__u16 type;
	bool expired; /* TTL or hop limit does not reach beyond the router */
};

static __always_inline bool is_martian4(__be32 address)
{
	__u32 a = bpf_ntohl(address);

	return a >> 24 == 0 || a >> 24 == 127 || a >> 16 == 0xa9fe || a >> 28 >= 14;
}

static __always_inline bool is_martian6(const struct in6_addr *address)
{
	bool low = !address->s6_addr32[0] && !address->s6_addr32[1] && !address->s6_addr32[2];

	return address->s6_addr[0] == 0xff || (low && bpf_ntohl(address->s6_addr32[3]) <= 1);
}

static __always_inline bool is_link_local6(const struct in6_addr *address)
{
	return (address->s6_addr32[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

/* Destinations that are never forwarded. */
static __always_inline bool is_for_link4(__be32 address)
{
	__u32 a = bpf_ntohl(address);

	return a >> 28 == 14 || a >> 16 == 0xa9fe || a == 0xffffffff;
}

static __always_inline enum reason route4(struct hop *hop, const struct ip_packet *ip,
					  void *data_end)
{
	struct iphdr *ip4 = hop->l3;
	struct lpm_key4 key = {.prefixlen = 32};
	__u32 *nexthop;

	if ((void *)(ip4 + 1) > data_end)
		return DROP_MALFORMED;
	if (is_for_link4(ip4->daddr))
		return TO_STACK_LOCAL;
	if (is_martian4(ip4->saddr) || is_martian4(ip4->daddr))
		return DROP_MARTIAN;
	key.address = ip4->daddr;
	nexthop = bpf_map_lookup_elem(&routes4, &key);
	if (!nexthop)
		return DROP_NO_ROUTE;
	hop->nexthop = *nexthop;
	hop->expired = ip4->ttl <= 1;
	hop->bytes = ip->end - hop->l3;
	map_address(&hop->destination, ip4->daddr);
	return FORWARDED;
}

static __always_inline enum reason route6(struct hop *hop, const struct ip_packet *ip,
					  void *data_end)
{
	struct ipv6hdr *ip6 = hop->l3;
	struct lpm_key6 key = {.prefixlen = 128};
	__u32 *nexthop;

	if ((void *)(ip6 + 1) > data_end)
		return DROP_MALFORMED;
	if (ip6->daddr.s6_addr[0] == 0xff || is_link_local6(&ip6->daddr))
		return TO_STACK_LOCAL;
	if (is_martian6(&ip6->saddr) || is_link_local6(&ip6->saddr) || is_martian6(&ip6->daddr))
		return DROP_MARTIAN;
	key.address = ip6->daddr;
	nexthop = bpf_map_lookup_elem(&routes6, &key);
	if (!nexthop)
		return DROP_NO_ROUTE;
	hop->nexthop = *nexthop;
	hop->expired = ip6->hop_limit <= 1;
	hop->bytes = ip->end - hop->l3;
	hop->destination = ip6->daddr;
	return FORWARDED;
}

/* RFC 1812, section 4.3.2.7: no error about an error, a fragment that is not the first, many hosts.
 */
static __always_inline bool may_answer(const struct ip_packet *ip, void *data_end)
{
	struct icmp_hdr *icmp = ip->l4;

	if (ip->fragment == FRAGMENT_LATER)
		return false;
	if (ip->protocol != IPPROTO_ICMP && ip->protocol != IPPROTO_ICMPV6)
		return true;
	if ((void *)(icmp + 1) > data_end)
		return false;
	return !is_icmp_error(ip->protocol, icmp->type) &&
	       (ip->protocol == IPPROTO_ICMPV6 || icmp->type == ICMP_ECHO_REQUEST ||
		icmp->type == ICMP_ECHO_REPLY);
}

static __always_inline bool take_budget(__u32 port)
{
	struct budget *budget = bpf_map_lookup_elem(&icmp_budgets, &port);
	__u64 now = bpf_ktime_get_ns(), limit = icmp_burst * NS_PER_S, elapsed, tokens;

	if (!budget)
		return false;
	elapsed = now > budget->filled_ns ? now - budget->filled_ns : 0;
	tokens = elapsed > 60 * NS_PER_S ? limit : budget->tokens + elapsed * icmp_rate;
	if (tokens > limit)
		tokens = limit;
	budget->filled_ns += elapsed;
	budget->tokens = tokens < NS_PER_S ? tokens : tokens - NS_PER_S;
	return tokens >= NS_PER_S;
}

/* RFC 1071 over bytes of any number; sum is what pseudo header and the like already add up to. */
static __always_inline __u16 checksum(const void *p, const void *end, void *data_end, __u32 sum)
{
	while (p + 2 <= end && p + 2 <= data_end) {
		sum += *(const __u16 *)p;
		p += 2;
	}
	if (p < end && p + 1 <= data_end)
		sum += *(const __u8 *)p;
	return fold_checksum(sum);
}

static __always_inline __u32 add_words(const struct in6_addr *address)
{
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < 8; i++)
		sum += address->s6_addr16[i];
	return sum;
}

/* Link header of the answer: back to where the packet came from, with its VLAN tags. */
struct link {
	__u8 to[ETH_ALEN], from[ETH_ALEN];
	__be16 type;
	struct vlan_hdr tag[VLAN_TAGS_MAX];
};

static __always_inline bool save_link(struct link *link, void *data, void *data_end, __u32 tags)
{
	struct ethhdr *eth = data;
	struct vlan_hdr *tag = (void *)(eth + 1);

	if ((void *)tag > data_end)
		return false;
	__builtin_memcpy(link->to, eth->h_source, ETH_ALEN);
	__builtin_memcpy(link->from, eth->h_dest, ETH_ALEN);
	link->type = eth->h_proto;
#pragma unroll
	for (__u32 i = 0; i < VLAN_TAGS_MAX; i++) {
		if (i < tags) {
			if ((void *)(tag + i + 1) > data_end)
				return false;
			link->tag[i] = tag[i];
		}
	}
	return true;
}

static __always_inline bool write_link(const struct link *link, void *data, void *data_end,
				       __u32 tags)
{
	struct ethhdr *eth = data;
	struct vlan_hdr *tag = (void *)(eth + 1);

	if ((void *)(tag + VLAN_TAGS_MAX) > data_end)
		return false;
	__builtin_memcpy(eth->h_dest, link->to, ETH_ALEN);
	__builtin_memcpy(eth->h_source, link->from, ETH_ALEN);
	eth->h_proto = link->type;
	if (tags > 0)
		tag[0] = link->tag[0];
	if (tags > 1)
		tag[1] = link->tag[1];
	return true;
}

/* IPv4 header in front of the ICMP message; the returned sum is what the message's checksum starts
 * from. */
static __always_inline __u32 write_ip4(struct iphdr *ip4, const struct port *port,
				       const struct in6_addr *to, __u32 message_bytes)
{
	ip4->version = 4;
	ip4->ihl = 5;
	ip4->tos = 0xc0; /* internetwork control, RFC 1812, section 4.3.2.5 */
	ip4->tot_len = bpf_htons(sizeof(*ip4) + message_bytes);
	ip4->id = 0;
	ip4->frag_off = bpf_htons(0x4000);
	ip4->ttl = TTL_NEW;
	ip4->protocol = IPPROTO_ICMP;
	ip4->check = 0;
	ip4->saddr = port->address4.s6_addr32[3];
	ip4->daddr = to->s6_addr32[3];
	ip4->check = fold_checksum(bpf_csum_diff(NULL, 0, (__be32 *)ip4, sizeof(*ip4), 0));
	return 0;
}

static __always_inline __u32 write_ip6(struct ipv6hdr *ip6, const struct port *port,
				       const struct in6_addr *to, __u32 message_bytes)
{
	*(__be32 *)ip6 = bpf_htonl(6u << 28 | 0xc0u << 20);
	ip6->payload_len = bpf_htons(message_bytes);
	ip6->nexthdr = IPPROTO_ICMPV6;
	ip6->hop_limit = TTL_NEW;
	ip6->saddr = port->address6;
	ip6->daddr = *to;
	return add_words(&port->address6) + add_words(to) + bpf_htons(message_bytes) +
	       bpf_htons(IPPROTO_ICMPV6);
}

static __always_inline bool read_sender(const struct hop *hop, void *data_end, struct in6_addr *to)
{
	struct iphdr *ip4 = hop->l3;
	struct ipv6hdr *ip6 = hop->l3;

	if (hop->type == ETH_P_IP && (void *)(ip4 + 1) <= data_end) {
		map_address(to, ip4->saddr);
		return true;
	}
	if (hop->type == ETH_P_IPV6 && (void *)(ip6 + 1) <= data_end) {
		*to = ip6->saddr;
		return true;
	}
	return false;
}

/* The headers of the answer at data; checksum and all. RFC 792 and RFC 4443, section 3.3. */
static __always_inline bool write_answer(struct xdp_md *ctx, const struct link *link,
					 const struct port *port, const struct in6_addr *to,
					 __u32 tags, __u32 quote, bool v6)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	void *l3 = data + sizeof(struct ethhdr) + (tags & 3) * sizeof(struct vlan_hdr);
	struct icmp_hdr *icmp = l3 + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	__u32 bytes = sizeof(*icmp) + quote, sum;

	if (!write_link(link, data, data_end, tags) || (void *)(icmp + 1) > data_end)
		return false;
	if (v6 && l3 + sizeof(struct ipv6hdr) <= data_end)
		sum = write_ip6(l3, port, to, bytes);
	else if (!v6 && l3 + sizeof(struct iphdr) <= data_end)
		sum = write_ip4(l3, port, to, bytes);
	else
		return false;
	icmp->type = v6 ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED;
	icmp->code = 0;
	icmp->checksum = 0;
	icmp->id = 0;
	icmp->sequence = 0;
	icmp->checksum = checksum(icmp, (void *)icmp + bytes, data_end, sum);
	return true;
}

static __always_inline enum reason answer_expired(struct xdp_md *ctx, const struct hop *hop)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	__u32 tags = (hop->l3 - data - sizeof(struct ethhdr)) / sizeof(struct vlan_hdr);
	__u32 in_port = hop->in_port, frame = data_end - data, quote = hop->bytes, quote_max, keep;
	bool v6 = hop->type == ETH_P_IPV6;
	struct port *port = bpf_map_lookup_elem(&ports, &in_port);
	struct in6_addr to;
	struct link link = {};

	if (!port || !read_sender(hop, data_end, &to) || !save_link(&link, data, data_end, tags))
		return DROP_TIME_EXCEEDED;
	quote_max = v6 ? ICMP6_QUOTE : ICMP4_QUOTE;
	if (quote > quote_max)
		quote = quote_max;
	keep = sizeof(struct ethhdr) + tags * sizeof(struct vlan_hdr) + quote;
	if (bpf_xdp_adjust_tail(ctx, (int)(keep - frame)))
		return DROP_TIME_EXCEEDED;
	if (bpf_xdp_adjust_head(ctx, -(int)(v6 ? 48 : 28)))
		return DROP_TIME_EXCEEDED;
	return write_answer(ctx, &link, port, &to, tags, quote, v6) ? TIME_EXCEEDED
								    : DROP_TIME_EXCEEDED;
}

/* TTL or hop limit down by one; in IPv4 the checksum follows (RFC 1624). */
static __always_inline bool age(const struct hop *hop, void *data_end)
{
	struct iphdr *ip4 = hop->l3;
	struct ipv6hdr *ip6 = hop->l3;
	__be16 *word, from;

	if (hop->type == ETH_P_IPV6) {
		if ((void *)(ip6 + 1) > data_end)
			return false;
		ip6->hop_limit--;
		return true;
	}
	if ((void *)(ip4 + 1) > data_end)
		return false;
	word = (__be16 *)&ip4->ttl;
	from = *word;
	ip4->ttl--;
	replace_checksum(&ip4->check, from, *word);
	return true;
}

static __always_inline bool is_unset(const struct in6_addr *address)
{
	return !(address->s6_addr32[0] | address->s6_addr32[1] | address->s6_addr32[2] |
		 address->s6_addr32[3]);
}

static __always_inline enum reason forward(struct hop *hop, const struct nexthop *nexthop,
					   void *data, void *data_end)
{
	struct neighbour_key key = {.port = nexthop->port};
	struct ethhdr *eth = data;
	struct port *port = bpf_map_lookup_elem(&ports, &key.port);
	struct neighbour *neighbour;

	if (!port)
		return DROP_NO_ROUTE;
	if (hop->bytes > port->mtu)
		return TO_STACK_TOO_BIG;
	key.address = is_unset(&nexthop->gateway) ? hop->destination : nexthop->gateway;
	neighbour = bpf_map_lookup_elem(&neighbours, &key);
	if (!neighbour)
		return TO_STACK_NEIGHBOUR;
	if ((void *)(eth + 1) > data_end || !age(hop, data_end))
		return DROP_MALFORMED;
	__builtin_memcpy(eth->h_dest, neighbour->mac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, port->mac, ETH_ALEN);
	return FORWARDED;
}

/* FORWARDED: a routable frame for this router. */
static __always_inline enum reason read_frame(struct hop *hop, __u32 ifindex, void *data,
					      void *data_end, struct ip_packet *ip)
{
	__u32 *number = bpf_map_lookup_elem(&port_numbers, &ifindex);
	struct ethhdr *eth = data;
	struct port *port;

	hop->type = parse_link(data, data_end, &hop->l3);
	if (!hop->type || (void *)(eth + 1) > data_end)
		return DROP_MALFORMED;
	if (!number || (hop->type != ETH_P_IP && hop->type != ETH_P_IPV6) || eth->h_dest[0] & 1)
		return TO_STACK_LINK;
	hop->in_port = *number;
	port = bpf_map_lookup_elem(&ports, number);
	if (!port || !same_mac(eth->h_dest, port->mac))
		return DROP_OTHER_HOST;
	if (!parse_ip(hop->l3, data_end, hop->type, ip))
		return DROP_MALFORMED;
	return FORWARDED;
}

static __always_inline enum reason route(struct xdp_md *ctx, struct hop *hop, __u32 *out_port)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ip_packet ip = {};
	struct nexthop *nexthop;
	enum reason reason = read_frame(hop, ctx->ingress_ifindex, data, data_end, &ip);

	if (reason != FORWARDED)
		return reason;
	reason = hop->type == ETH_P_IP ? route4(hop, &ip, data_end) : route6(hop, &ip, data_end);
	if (reason != FORWARDED)
		return reason;
	nexthop = bpf_map_lookup_elem(&nexthops, &hop->nexthop);
	if (!nexthop)
		return DROP_NO_ROUTE;
	if (nexthop->flags & NEXTHOP_LOCAL)
		return TO_STACK_LOCAL;
	if (nexthop->flags & NEXTHOP_DROP)
		return DROP_BLACK_HOLE;
	if (hop->expired) {
		if (!may_answer(&ip, data_end) || !take_budget(hop->in_port))
			return DROP_TIME_EXCEEDED;
		return answer_expired(ctx, hop);
	}
	if (ip.options)
		return TO_STACK_OPTIONS;
	*out_port = nexthop->port;
	return forward(hop, nexthop, data, data_end);
}

static __always_inline void count(__u32 reason, __u64 bytes)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &reason);

	if (counter) {
		counter->packets++;
		counter->bytes += bytes;
	}
}

SEC("xdp")
int router(struct xdp_md *ctx)
{
	__u64 bytes = ctx->data_end - ctx->data;
	struct hop hop = {};
	__u32 out_port = 0;
	enum reason reason = route(ctx, &hop, &out_port);

	count(reason, bytes);
	if (reason == FORWARDED)
		return bpf_redirect_map(&tx_ports, out_port, XDP_DROP);
	if (reason == TIME_EXCEEDED)
		return XDP_TX;
	return reason >= DROP_MALFORMED ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
