// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/30"], "daddr4": ["192.0.2.1"], "sports": ["2000-2001"],
// GEN "dports": [80], "ifindexes": [1, 2], "flows": 12, "weights": {"tcp": 70, "udp": 20,
// GEN "ipv6": 30}}
// MAPS {"services": [{"key": {"port": 80, "proto": 6}, "value": 1}]}
/*
 * A small stateful firewall for both families: connections are opened from inside, or from outside
 * to published services; TCP follows its handshake and its end, UDP and ICMP have answers for a
 * while. One entry serves both directions, its key has the lower end first.
 */
#include "net.h"

enum { INSIDE = 1, SYN_SENT = 1, SYN_RECEIVED, ESTABLISHED, CLOSING, CLOSED };

struct key {
	__u32 addr[2][4];
	__be16 port[2];
	__u32 proto;
};

struct connection {
	__u64 seen_ns;
	__u32 state, opener; /* opener: which of the ends */
	__u32 packets[2];
};

struct service {
	__u16 port, proto;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct key);
	__type(value, struct connection);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct service);
	__type(value, __u32);
} services SEC(".maps");

struct packet {
	__u32 saddr[4], daddr[4];
	__be16 sport, dport;
	__u32 proto;
	__u8 syn, ack, fin, rst;
};

static __always_inline bool parse_l4(void *l4, void *data_end, struct packet *p)
{
	if (p->proto == IPPROTO_TCP) {
		struct tcphdr *tcp = l4;

		if ((void *)(tcp + 1) > data_end)
			return false;
		p->sport = tcp->source;
		p->dport = tcp->dest;
		p->syn = tcp->syn;
		p->ack = tcp->ack;
		p->fin = tcp->fin;
		p->rst = tcp->rst;
		return true;
	}
	if (p->proto == IPPROTO_UDP) {
		struct udphdr *udp = l4;

		if ((void *)(udp + 1) > data_end)
			return false;
		p->sport = udp->source;
		p->dport = udp->dest;
		return true;
	}
	if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6) {
		struct icmphdr *icmp = l4;

		if ((void *)(icmp + 1) > data_end)
			return false;
		p->sport = p->dport = icmp->un.echo.id;
		return true;
	}
	return false;
}

static __always_inline int parse(void *data, void *data_end, struct packet *p)
{
	struct ethhdr *eth = data;
	void *l4;

	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end || ip4->ihl != 5 || is_fragment(ip4))
			return XDP_DROP;
		p->saddr[3] = ip4->saddr;
		p->daddr[3] = ip4->daddr;
		p->proto = ip4->protocol;
		l4 = ip4 + 1;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end)
			return XDP_DROP;
		__builtin_memcpy(p->saddr, &ip6->saddr, 32);
		p->proto = ip6->nexthdr;
		l4 = ip6 + 1;
	} else {
		return XDP_PASS; /* ARP and the like */
	}
	return parse_l4(l4, data_end, p) ? XDP_TX : XDP_DROP;
}

/* The lower end first; which of the two sent the packet. */
static __always_inline __u32 make_key(const struct packet *p, struct key *key)
{
	__u32 sender = 0;

	for (int i = 0; i < 4; i++)
		if (p->saddr[i] != p->daddr[i]) {
			sender = p->saddr[i] > p->daddr[i];
			break;
		}
	__builtin_memcpy(key->addr[0], sender ? p->daddr : p->saddr, 16);
	__builtin_memcpy(key->addr[1], sender ? p->saddr : p->daddr, 16);
	key->port[0] = sender ? p->dport : p->sport;
	key->port[1] = sender ? p->sport : p->dport;
	key->proto = p->proto;
	return sender;
}

static __always_inline int open(const struct key *key, const struct packet *p, bool inside,
				__u32 sender, __u64 now)
{
	struct connection new = {.seen_ns = now, .state = ESTABLISHED, .opener = sender};
	struct service service = {bpf_ntohs(p->dport), p->proto};

	if (p->proto == IPPROTO_TCP) {
		if (!p->syn || p->ack)
			return XDP_DROP;
		new.state = SYN_SENT;
	}
	if (!inside && !bpf_map_lookup_elem(&services, &service))
		return XDP_DROP;
	new.packets[sender & 1] = 1;
	return bpf_map_update_elem(&connections, key, &new, BPF_NOEXIST) ? XDP_DROP : XDP_PASS;
}

static __always_inline int follow(struct connection *c, const struct packet *p, __u32 sender)
{
	bool opener = c->opener == sender;

	if (p->rst)
		c->state = CLOSED;
	else if (c->state == SYN_SENT && !opener && p->syn && p->ack)
		c->state = SYN_RECEIVED;
	else if (c->state == SYN_SENT && !opener)
		return XDP_DROP;
	else if (c->state == SYN_RECEIVED && opener && p->ack)
		c->state = ESTABLISHED;
	else if (p->fin)
		c->state = c->state == CLOSING ? CLOSED : CLOSING;
	return XDP_PASS;
}

SEC("xdp")
int stateful_firewall(struct xdp_md *ctx)
{
	bool inside = ctx->ingress_ifindex == INSIDE;
	struct packet p = {};
	struct key key = {};
	struct connection *c;
	__u64 now, idle;
	__u32 sender;
	int verdict = parse(DATA(ctx), DATA_END(ctx), &p);

	if (verdict != XDP_TX)
		return verdict;
	sender = make_key(&p, &key);
	now = bpf_ktime_get_ns();
	c = bpf_map_lookup_elem(&connections, &key);
	if (!c)
		return open(&key, &p, inside, sender, now);
	idle = c->state == ESTABLISHED ? 300000000000ULL : 30000000000ULL;
	if (c->state == CLOSED || now - c->seen_ns > idle) {
		bpf_map_delete_elem(&connections, &key);
		return open(&key, &p, inside, sender, now);
	}
	c->seen_ns = now;
	c->packets[sender & 1]++;
	return p.proto == IPPROTO_TCP ? follow(c, &p, sender) : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
