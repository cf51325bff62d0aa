// EXPECT layers: kernel user
// EXPECT split-kernel: this loop has no bound
// EXPECT home flows: shared values
// EXPECT home networks: kernel, batched
// EXPECT home services: shared values
// EXPECT home ports: kernel
/*
 * A stateful firewall in the wire between an inside and an outside interface. Flows may be opened
 * from the inside to wherever no network denies it, from the outside to the services that allow it.
 * TCP is followed by state, UDP and ICMP echo by request and reply; ICMP errors pass with the flow
 * they are about. The first bytes of a service's flows are searched for the patterns of a rule
 * file; a hit blocks the flow.
 */
#include "../net/parse.h"
#include <linux/tcp.h>
#include <linux/udp.h>

#define FLOWS_MAX    65536
#define STATES_MAX   4096 /* of the automaton */
#define RULES_MAX    256
#define INSPECT_ALL  0xffffffffu
#define NS_PER_S     1000000000ULL
#define SERVICE_OPEN 1 /* may be opened from the outside */
#define NETWORK_DENY 1 /* no new flow to or from here */

enum reason {
	FORWARD_LINK, /* ARP and neighbour discovery */
	FORWARD_NEW,
	FORWARD_FLOW,
	FORWARD_RELATED,
	FORWARD_SCANNED,
	DROP_MALFORMED,
	DROP_NOT_IP,
	DROP_FRAGMENT, /* a later fragment shows no ports, and is not put together here */
	DROP_POLICY,
	DROP_STATE, /* TCP segment that fits no flow */
	DROP_UNRELATED,
	DROP_ORDER,   /* segment behind a gap in a flow under inspection: TCP sends it again */
	DROP_BLOCKED, /* flow was blocked by a rule before */
	DROP_MATCH,
	REASONS
};
#define DROP_FIRST DROP_MALFORMED

enum flow_state {
	TCP_OPENING,  /* SYN seen */
	TCP_ANSWERED, /* SYN and ACK seen */
	TCP_OPEN,
	TCP_CLOSING, /* one FIN seen */
	TCP_CLOSED,  /* both seen, or RST */
	ONE_WAY,     /* UDP, ICMP echo and others: no reply yet */
	TWO_WAY,
	FLOW_STATES,
	STATE_INVALID
};

struct port {
	__u32 inside; /* 1: the protected side */
	__u32 peer_ifindex;
};

struct lpm_key {
	__u32 prefixlen;
	struct in6_addr address;
};

struct network {
	__u32 zone;
	__u32 flags;
};

struct service_key {
	__u32 zone; /* of the server */
	__u16 port; /* of the server */
	__u16 protocol;
};

struct service {
	__u32 flags;
	__u32 inspect_bytes; /* of each direction; 0 none, INSPECT_ALL all */
};

/* The same for both directions: the end with the lower address and port stands first. */
struct flow_key {
	struct in6_addr address[2];
	__be16 port[2]; /* ICMP echo: both the identifier */
	__u32 protocol;
};

struct flow {
	__u64 seen_ns;
	__u32 scan_state[2]; /* automaton's state behind the last byte in order, by direction */
	__u32 scan_seq[2];   /* TCP: sequence number of the next byte in order */
	__u32 scan_left[2];  /* bytes still to be inspected */
	__u16 rule;          /* that blocked the flow, 0 none */
	__u8 state;          /* enum flow_state */
	__u8 opener;         /* direction of the first packet */
	__u8 fins;           /* bit per direction */
	__u8 pad[3];
};

struct automaton_row {
	__u16 next[256];
	__u32 rule; /* that ends here, 0 none */
};

struct rule {
	__u32 sid;
	__u32 pad;
	__u64 hits;
};

struct counter {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct port);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lpm_key);
	__type(value, struct network);
} networks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct service_key);
	__type(value, struct service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS_MAX);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STATES_MAX);
	__type(key, __u32);
	__type(value, struct automaton_row);
} automaton SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULES_MAX);
	__type(key, __u32);
	__type(value, struct rule);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

const volatile __u32 timeout_s[8] = {
    [TCP_OPENING] = 30, [TCP_ANSWERED] = 30, [TCP_OPEN] = 7200, [TCP_CLOSING] = 120,
    [TCP_CLOSED] = 10,  [ONE_WAY] = 30,      [TWO_WAY] = 180,
};

struct packet {
	struct flow_key key;
	struct in6_addr source, destination;
	struct ip_packet ip;
	struct tcphdr *tcp; /* NULL: not TCP */
	void *payload;      /* of TCP and UDP */
	__u16 server_port;  /* destination, host order; a service's when the flow is new */
	__u8 direction;     /* 0: from the first address of the key to the second */
	bool opens;         /* may open a flow */
	bool error;         /* the key is that of the packet which the ICMP error quotes */
};

static __always_inline bool is_before(const struct in6_addr *a, const struct in6_addr *b)
{
#pragma unroll
	for (int i = 0; i < 3; i++) {
		if (a->s6_addr32[i] != b->s6_addr32[i])
			return a->s6_addr32[i] < b->s6_addr32[i];
	}
	return a->s6_addr32[3] < b->s6_addr32[3];
}

static __always_inline bool is_same(const struct in6_addr *a, const struct in6_addr *b)
{
	return a->s6_addr32[0] == b->s6_addr32[0] && a->s6_addr32[1] == b->s6_addr32[1] &&
	       a->s6_addr32[2] == b->s6_addr32[2] && a->s6_addr32[3] == b->s6_addr32[3];
}

/* Fills the key from a packet from source to destination and returns its direction. */
static __always_inline __u8 make_key(struct flow_key *key, const struct in6_addr *source,
				     const struct in6_addr *destination, __be16 source_port,
				     __be16 destination_port, __u8 protocol)
{
	bool swap = is_before(destination, source) ||
		    (is_same(destination, source) && destination_port < source_port);

	key->address[0] = swap ? *destination : *source;
	key->address[1] = swap ? *source : *destination;
	key->port[0] = swap ? destination_port : source_port;
	key->port[1] = swap ? source_port : destination_port;
	key->protocol = protocol;
	return swap;
}

static __always_inline bool read_addresses(void *l3, void *data_end, __u16 type,
					   struct in6_addr *source, struct in6_addr *destination)
{
	if (type == ETH_P_IP) {
		struct iphdr *ip4 = l3;

		if ((void *)(ip4 + 1) > data_end)
			return false;
		map_address(source, ip4->saddr);
		map_address(destination, ip4->daddr);
	} else {
		struct ipv6hdr *ip6 = l3;

		if ((void *)(ip6 + 1) > data_end)
			return false;
		*source = ip6->saddr;
		*destination = ip6->daddr;
	}
	return true;
}

/*
 * The key of the packet that an ICMP error quotes. A quote is cut short, so its total length says
 * nothing, and eight bytes behind its IP header are all that is sure to be there.
 */
static __always_inline enum reason read_quote(struct packet *packet, void *l3, void *data_end,
					      __u16 type)
{
	struct in6_addr source, destination;
	__be16 *word;
	__u8 protocol;

	if (!read_addresses(l3, data_end, type, &source, &destination))
		return DROP_MALFORMED;
	if (type == ETH_P_IP) {
		struct iphdr *ip4 = l3;

		if (ip4->frag_off & bpf_htons(IP_OFFSET_MASK))
			return DROP_UNRELATED;
		protocol = ip4->protocol;
		word = l3 + ip4->ihl * 4;
	} else {
		protocol = ((struct ipv6hdr *)l3)->nexthdr;
		word = l3 + sizeof(struct ipv6hdr);
	}
	if ((void *)(word + 4) > data_end)
		return DROP_MALFORMED;
	packet->error = true;
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
		make_key(&packet->key, &source, &destination, word[0], word[1], protocol);
	else if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		make_key(&packet->key, &source, &destination, word[2], word[2], protocol);
	else
		make_key(&packet->key, &source, &destination, 0, 0, protocol);
	return FORWARD_FLOW;
}

/* Ports, payload and whether the packet may open a flow. */
static __always_inline enum reason read_transport(struct packet *packet, void *l3, void *data_end,
						  __u16 type)
{
	struct ip_packet *ip = &packet->ip;
	__be16 from = 0, to = 0;

	if (!read_addresses(l3, data_end, type, &packet->source, &packet->destination))
		return DROP_MALFORMED;
	packet->opens = true;
	packet->payload = ip->l4;
	if (ip->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = ip->l4;

		if ((void *)(tcp + 1) > data_end || tcp->doff < 5)
			return DROP_MALFORMED;
		packet->tcp = tcp;
		packet->payload = ip->l4 + tcp->doff * 4;
		packet->opens = tcp->syn && !tcp->ack && !tcp->fin && !tcp->rst;
		from = tcp->source;
		to = tcp->dest;
	} else if (ip->protocol == IPPROTO_UDP) {
		struct udphdr *udp = ip->l4;

		if ((void *)(udp + 1) > data_end)
			return DROP_MALFORMED;
		packet->payload = udp + 1;
		from = udp->source;
		to = udp->dest;
	} else if (ip->protocol == IPPROTO_ICMP || ip->protocol == IPPROTO_ICMPV6) {
		struct icmp_hdr *icmp = ip->l4;
		bool v6 = ip->protocol == IPPROTO_ICMPV6;

		if ((void *)(icmp + 1) > data_end)
			return DROP_MALFORMED;
		if (v6 && icmp->type >= ICMP6_ND_FIRST && icmp->type < ICMP6_ND_LAST)
			return FORWARD_LINK;
		if (is_icmp_error(ip->protocol, icmp->type))
			return read_quote(packet, icmp + 1, data_end, type);
		packet->opens = icmp->type == (v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO_REQUEST);
		if (!packet->opens && icmp->type != (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHO_REPLY))
			return DROP_POLICY;
		packet->payload = icmp + 1;
		from = to = icmp->id;
	}
	if (packet->payload > ip->end)
		return DROP_MALFORMED;
	packet->server_port =
	    ip->protocol == IPPROTO_TCP || ip->protocol == IPPROTO_UDP ? bpf_ntohs(to) : 0;
	packet->direction =
	    make_key(&packet->key, &packet->source, &packet->destination, from, to, ip->protocol);
	return FORWARD_FLOW;
}

/* FORWARD_FLOW: the packet's key is that of a flow. All else is the packet's fate. */
static __always_inline enum reason read_packet(struct packet *packet, void *data, void *data_end)
{
	void *l3 = data;
	__u16 type = parse_link(data, data_end, &l3);

	if (type == ETH_P_ARP)
		return FORWARD_LINK;
	if (type != ETH_P_IP && type != ETH_P_IPV6)
		return type ? DROP_NOT_IP : DROP_MALFORMED;
	if (!parse_ip(l3, data_end, type, &packet->ip))
		return DROP_MALFORMED;
	if (packet->ip.fragment == FRAGMENT_LATER)
		return DROP_FRAGMENT;
	return read_transport(packet, l3, data_end, type);
}

static __always_inline struct network *find_network(const struct in6_addr *address)
{
	struct lpm_key key = {.prefixlen = 128, .address = *address};

	return bpf_map_lookup_elem(&networks, &key);
}

/* Whether the packet may open its flow, and how much of the flow is to be inspected. */
static __always_inline bool is_allowed(const struct packet *packet, bool inside,
				       __u32 *inspect_bytes)
{
	struct service_key key = {.port = packet->server_port, .protocol = packet->key.protocol};
	struct network *network = find_network(&packet->destination);
	struct network *client = find_network(&packet->source);
	struct service *service;

	if ((network && network->flags & NETWORK_DENY) || (client && client->flags & NETWORK_DENY))
		return false;
	key.zone = network ? network->zone : 0;
	service = bpf_map_lookup_elem(&services, &key);
	*inspect_bytes = service ? service->inspect_bytes : 0;
	return inside || (service && service->flags & SERVICE_OPEN);
}

static __always_inline enum reason open_flow(const struct packet *packet, bool inside, __u64 now,
					     struct flow **flow)
{
	struct flow fresh = {.seen_ns = now, .opener = packet->direction, .state = ONE_WAY};
	__u32 inspect_bytes = 0;

	if (!packet->opens)
		return DROP_STATE;
	if (!is_allowed(packet, inside, &inspect_bytes))
		return DROP_POLICY;
	fresh.scan_left[0] = fresh.scan_left[1] = inspect_bytes;
	if (packet->tcp)
		fresh.state = TCP_OPENING;
	bpf_map_update_elem(&flows, &packet->key, &fresh, BPF_ANY);
	*flow = bpf_map_lookup_elem(&flows, &packet->key);
	return *flow ? FORWARD_NEW : DROP_STATE;
}

/* The state behind a segment, STATE_INVALID when it does not fit. RFC 9293, figure 5, seen from the
 * wire. */
static __always_inline __u32 follow_tcp(struct flow *flow, const struct tcphdr *tcp, __u8 direction)
{
	bool from_opener = direction == flow->opener;

	if (tcp->syn && (tcp->fin || tcp->rst))
		return STATE_INVALID;
	if (tcp->rst)
		return TCP_CLOSED;
	switch (flow->state) {
	case TCP_OPENING:
		if (from_opener)
			return tcp->syn && !tcp->ack ? TCP_OPENING : STATE_INVALID;
		return tcp->syn && tcp->ack ? TCP_ANSWERED : STATE_INVALID;
	case TCP_ANSWERED:
		if (!from_opener)
			return tcp->ack ? TCP_ANSWERED : STATE_INVALID;
		if (tcp->syn)
			return TCP_ANSWERED;
		break;
	default:
		break;
	}
	if (!tcp->ack)
		return STATE_INVALID;
	if (tcp->fin)
		flow->fins |= 1 << direction;
	if (flow->state == TCP_CLOSED || flow->fins == 3)
		return TCP_CLOSED;
	return flow->fins ? TCP_CLOSING : TCP_OPEN;
}

/* The first byte that is expected of a direction is known from its SYN. */
static __always_inline void follow_syn(struct flow *flow, const struct tcphdr *tcp, __u8 direction)
{
	if (!tcp->syn)
		return;
	if (direction)
		flow->scan_seq[1] = bpf_ntohl(tcp->seq) + 1;
	else
		flow->scan_seq[0] = bpf_ntohl(tcp->seq) + 1;
}

static __always_inline enum reason follow_flow(struct packet *packet, struct flow *flow, __u64 now)
{
	__u32 state;

	if (flow->rule)
		return DROP_BLOCKED;
	if (packet->tcp) {
		state = follow_tcp(flow, packet->tcp, packet->direction);
		if (state == STATE_INVALID)
			return DROP_STATE;
		follow_syn(flow, packet->tcp, packet->direction);
	} else {
		state = packet->direction == flow->opener ? flow->state : TWO_WAY;
	}
	flow->state = state;
	flow->seen_ns = now;
	return FORWARD_FLOW;
}

static __always_inline bool is_over(const struct flow *flow, const struct packet *packet, __u64 now)
{
	if (flow->state == TCP_CLOSED && packet->opens)
		return true;
	/* Another CPU may have seen the flow later than this packet. */
	return now > flow->seen_ns + timeout_s[flow->state & 7] * NS_PER_S;
}

static __always_inline enum reason track(struct packet *packet, bool inside, struct flow **found)
{
	__u64 now = bpf_ktime_get_ns();
	struct flow *flow = bpf_map_lookup_elem(&flows, &packet->key);

	if (packet->error)
		return flow && !flow->rule ? FORWARD_RELATED : DROP_UNRELATED;
	if (flow && is_over(flow, packet, now)) {
		bpf_map_delete_elem(&flows, &packet->key);
		flow = NULL;
	}
	if (flow) {
		*found = flow;
		return follow_flow(packet, flow, now);
	}
	if (open_flow(packet, inside, now, &flow) != FORWARD_NEW)
		return packet->opens ? DROP_POLICY : DROP_STATE;
	if (packet->tcp)
		follow_syn(flow, packet->tcp, packet->direction);
	*found = flow;
	return FORWARD_NEW;
}

/* The automaton's state behind the payload; *rule is the first rule that matched. */
static __always_inline __u32 scan(__u32 state, const __u8 *p, const __u8 *end, void *data_end,
				  __u32 *rule)
{
	while (p < end && (void *)(p + 1) <= data_end) {
		struct automaton_row *row = bpf_map_lookup_elem(&automaton, &state);

		if (!row)
			return 0;
		state = row->next[*p];
		row = bpf_map_lookup_elem(&automaton, &state);
		if (row && row->rule) {
			*rule = row->rule;
			break;
		}
		p++;
	}
	return state;
}

static __always_inline void block(struct flow *flow, __u32 number)
{
	struct rule *rule = bpf_map_lookup_elem(&rules, &number);

	flow->rule = number;
	if (rule)
		__sync_fetch_and_add(&rule->hits, 1);
}

/*
 * Patterns may straddle segments, so a TCP flow is searched in order: a segment behind a gap is
 * dropped, one that was seen before is searched by itself.
 */
static __always_inline enum reason inspect(const struct packet *packet, struct flow *flow,
					   void *data_end)
{
	__u32 direction = packet->direction & 1, length = packet->ip.end - packet->payload;
	__u32 start = 0, behind = 0, state = 0, rule = 0;
	__s32 ahead = 0;

	if (packet->tcp) {
		start = bpf_ntohl(packet->tcp->seq) + packet->tcp->syn;
		behind = start + length;
		ahead = start - flow->scan_seq[direction];
		if (ahead > 0)
			return DROP_ORDER;
		if (ahead == 0)
			state = flow->scan_state[direction];
	}
	state = scan(state, packet->payload, packet->ip.end, data_end, &rule);
	if (rule) {
		block(flow, rule);
		return DROP_MATCH;
	}
	if (packet->tcp) {
		if ((__s32)(behind - flow->scan_seq[direction]) <= 0)
			return FORWARD_SCANNED;
		flow->scan_state[direction] = state;
		flow->scan_seq[direction] = behind;
	}
	if (flow->scan_left[direction] != INSPECT_ALL)
		flow->scan_left[direction] -=
		    length < flow->scan_left[direction] ? length : flow->scan_left[direction];
	return FORWARD_SCANNED;
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
int firewall(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	__u64 bytes = data_end - data;
	__u32 ifindex = ctx->ingress_ifindex, peer;
	struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	struct packet packet = {};
	struct flow *flow = NULL;
	enum reason reason;

	if (!port)
		return XDP_PASS;
	peer = port->peer_ifindex;
	reason = read_packet(&packet, data, data_end);
	if (reason == FORWARD_FLOW)
		reason = track(&packet, port->inside, &flow);
	if ((reason == FORWARD_FLOW || reason == FORWARD_NEW) && flow &&
	    packet.payload < packet.ip.end && flow->scan_left[packet.direction & 1])
		reason = inspect(&packet, flow, data_end);
	count(reason, bytes);
	return reason < DROP_FIRST ? bpf_redirect(peer, 0) : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
