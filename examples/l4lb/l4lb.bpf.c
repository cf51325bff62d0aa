// EXPECT layers: kernel
// EXPECT cuts: 0
// EXPECT home vips: kernel
// EXPECT home rings: kernel
// EXPECT home backends: kernel
// EXPECT home connections: kernel
// EXPECT home vip_stats: kernel
// EXPECT home backend_stats: kernel
/*
 * A layer 4 load balancer with direct server return: packets to a virtual service go to one of its
 * backends inside an outer IP header, answers go past the balancer. A connection keeps its backend
 * as long as that is healthy; without an entry the Maglev ring chooses (Eisenbud et al., NSDI
 * 2016). ICMP errors about an answer, path MTU above all, follow the connection that they quote.
 */
#include "../net/parse.h"
#include <linux/tcp.h>
#include <linux/udp.h>

#define VIPS_MAX        64
#define RING_SIZE       509 /* slots of each VIP, prime; maglev.c fills them */
#define BACKENDS_MAX    256
#define CONNECTIONS_MAX 65536
#define RETRIES         4 /* slots tried until a healthy backend is found */
#define BACKEND_HEALTHY 1
#define BACKEND_IPV6    2
#define IDLE_NS         (60 * 1000000000ULL) /* a UDP flow older than this chooses again */
#define TUNNEL_TTL      64

struct vip_key {
	struct in6_addr address;
	__be16 port;
	__u16 protocol;
};

struct vip {
	__u32 number; /* of its ring and statistics */
	__u32 flags;
};

struct backend {
	struct in6_addr address;
	__u32 flags;
};

struct connection_key {
	struct in6_addr client, vip;
	__be16 client_port, vip_port;
	__u32 protocol;
};

struct connection {
	__u64 seen_ns;
	__u32 backend;
	__u32 pad;
};

struct stats {
	__u64 packets, bytes, unserved;
};

struct config {
	struct in6_addr tunnel_source4, tunnel_source6;
	__u8 own_mac[6];
	__u8 gateway_mac[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VIPS_MAX);
	__type(key, struct vip_key);
	__type(value, struct vip);
} vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VIPS_MAX *RING_SIZE);
	__type(key, __u32);
	__type(value, __u32);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BACKENDS_MAX);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, struct connection_key);
	__type(value, struct connection);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VIPS_MAX);
	__type(key, __u32);
	__type(value, struct stats);
} vip_stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BACKENDS_MAX);
	__type(key, __u32);
	__type(value, struct stats);
} backend_stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct config);
} config SEC(".maps");

/* What the packet is about, and what of it is needed when its headers have moved. */
struct request {
	struct connection_key key;
	bool opens; /* TCP SYN: chooses anew */
	bool quote; /* an ICMP error about the connection: leaves it as it is */
	__u8 tos;
	__u16 ip_bytes; /* of the IP packet, to the end of what it says */
};

static __always_inline __u32 mix(__u32 hash, __u32 word)
{
	hash ^= word * 0xcc9e2d51;
	hash = hash << 13 | hash >> 19;
	return hash * 5 + 0xe6546b64;
}

/* The backend must not depend on the VIP's side of the key but for its number, which picks the
 * ring. */
static __always_inline __u32 hash_key(const struct connection_key *key)
{
	__u32 hash = key->protocol;

#pragma unroll
	for (int i = 0; i < 4; i++)
		hash = mix(hash, key->client.s6_addr32[i]);
	hash = mix(hash, (__u32)key->client_port << 16 | key->vip_port);
	hash ^= hash >> 16;
	hash *= 0x85ebca6b;
	return hash ^ hash >> 13;
}

static __always_inline bool read_ports(struct request *request, const struct ip_packet *ip,
				       void *data_end)
{
	struct udphdr *ports = ip->l4; /* TCP and UDP begin alike */

	if (ip->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = ip->l4;

		if ((void *)(tcp + 1) > data_end)
			return false;
		request->opens = tcp->syn && !tcp->ack;
	} else if (ip->protocol != IPPROTO_UDP || (void *)(ports + 1) > data_end) {
		return false;
	}
	request->key.client_port = ports->source;
	request->key.vip_port = ports->dest;
	request->key.protocol = ip->protocol;
	return true;
}

/* An ICMP error quotes an answer, from VIP to client: the key is the other way round. */
static __always_inline bool read_quote4(struct request *request, const struct ip_packet *ip,
					void *data_end)
{
	struct icmp_hdr *icmp = ip->l4;
	struct iphdr *quoted = (void *)(icmp + 1);
	struct udphdr *ports;

	if ((void *)(quoted + 1) > data_end || !is_icmp_error(IPPROTO_ICMP, icmp->type))
		return false;
	ports = (void *)quoted + quoted->ihl * 4;
	if ((void *)(ports + 1) > data_end || quoted->frag_off & bpf_htons(IP_OFFSET_MASK))
		return false;
	map_address(&request->key.client, quoted->daddr);
	map_address(&request->key.vip, quoted->saddr);
	request->key.client_port = ports->dest;
	request->key.vip_port = ports->source;
	request->key.protocol = quoted->protocol;
	request->quote = true;
	return true;
}

static __always_inline bool read_quote6(struct request *request, const struct ip_packet *ip,
					void *data_end)
{
	struct icmp_hdr *icmp = ip->l4;
	struct ipv6hdr *quoted = (void *)(icmp + 1);
	struct udphdr *ports = (void *)(quoted + 1);

	if ((void *)(ports + 1) > data_end || !is_icmp_error(IPPROTO_ICMPV6, icmp->type))
		return false;
	request->key.client = quoted->daddr;
	request->key.vip = quoted->saddr;
	request->key.client_port = ports->dest;
	request->key.vip_port = ports->source;
	request->key.protocol = quoted->nexthdr;
	request->quote = true;
	return true;
}

/* False: not for us, or nothing that can be balanced. */
static __always_inline bool read_request(struct request *request, void *l3, void *data_end,
					 __u16 type)
{
	struct ip_packet ip;

	if (!parse_ip(l3, data_end, type, &ip) || ip.fragment != FRAGMENT_NONE)
		return false;
	request->ip_bytes = ip.end - l3;
	if (type == ETH_P_IP) {
		struct iphdr *ip4 = l3;

		request->tos = ip4->tos;
		map_address(&request->key.client, ip4->saddr);
		map_address(&request->key.vip, ip4->daddr);
		if (ip.protocol == IPPROTO_ICMP)
			return read_quote4(request, &ip, data_end);
	} else {
		struct ipv6hdr *ip6 = l3;

		request->tos = ip6->priority << 4 | ip6->flow_lbl[0] >> 4;
		request->key.client = ip6->saddr;
		request->key.vip = ip6->daddr;
		if (ip.protocol == IPPROTO_ICMPV6)
			return read_quote6(request, &ip, data_end);
	}
	return read_ports(request, &ip, data_end);
}

static __always_inline struct backend *healthy_backend(__u32 number)
{
	struct backend *backend = bpf_map_lookup_elem(&backends, &number);

	return backend && backend->flags & BACKEND_HEALTHY ? backend : NULL;
}

/* The first healthy backend on the ring, from where the key's hash points. */
static __always_inline struct backend *choose_backend(const struct request *request, __u32 vip,
						      __u32 *number)
{
	__u32 hash = hash_key(&request->key), slot, *chosen;
	struct backend *backend;

#pragma unroll
	for (int i = 0; i < RETRIES; i++) {
		slot = vip * RING_SIZE + hash % RING_SIZE;
		chosen = bpf_map_lookup_elem(&rings, &slot);
		if (!chosen)
			return NULL;
		*number = *chosen;
		backend = healthy_backend(*number);
		if (backend)
			return backend;
		hash = mix(hash, i);
	}
	return NULL;
}

static __always_inline struct backend *find_backend(const struct request *request, __u32 vip,
						    __u32 *number)
{
	struct connection *known = bpf_map_lookup_elem(&connections, &request->key);
	struct connection fresh = {.seen_ns = bpf_ktime_get_ns()};
	struct backend *backend = NULL;
	bool idle;

	if (known && !request->opens) {
		idle = request->key.protocol == IPPROTO_UDP &&
		       fresh.seen_ns > known->seen_ns + IDLE_NS;
		*number = known->backend;
		backend = idle ? NULL : healthy_backend(*number);
	}
	if (backend) {
		if (!request->quote)
			known->seen_ns = fresh.seen_ns;
		return backend;
	}
	backend = choose_backend(request, vip, number);
	if (backend && !request->quote) {
		fresh.backend = *number;
		bpf_map_update_elem(&connections, &request->key, &fresh, BPF_ANY);
	}
	return backend;
}

static __always_inline void write_outer4(struct iphdr *outer, const struct request *request,
					 const struct config *settings,
					 const struct backend *backend, __u8 protocol)
{
	outer->version = 4;
	outer->ihl = 5;
	outer->tos = request->tos;
	outer->tot_len = bpf_htons(request->ip_bytes + sizeof(*outer));
	outer->id = 0;
	outer->frag_off = bpf_htons(0x4000);
	outer->ttl = TUNNEL_TTL;
	outer->protocol = protocol;
	outer->check = 0;
	outer->saddr = settings->tunnel_source4.s6_addr32[3];
	outer->daddr = backend->address.s6_addr32[3];
	outer->check = fold_checksum(bpf_csum_diff(NULL, 0, (__be32 *)outer, sizeof(*outer), 0));
}

/* The flow label spreads the flows of a tunnel over paths (RFC 6438). */
static __always_inline void write_outer6(struct ipv6hdr *outer, const struct request *request,
					 const struct config *settings,
					 const struct backend *backend, __u8 protocol)
{
	__u32 label = hash_key(&request->key) & 0xfffff;

	*(__be32 *)outer = bpf_htonl(6u << 28 | (__u32)request->tos << 20 | label);
	outer->payload_len = bpf_htons(request->ip_bytes);
	outer->nexthdr = protocol;
	outer->hop_limit = TUNNEL_TTL;
	outer->saddr = settings->tunnel_source6;
	outer->daddr = backend->address;
}

/* Ethernet and VLAN tags, kept over the move of the packet's start. */
struct link {
	struct vlan_hdr tag[VLAN_TAGS_MAX];
	__be16 type; /* of the Ethernet header: the first tag's, or the payload's */
	__u16 tags;
};

static __always_inline bool save_link(struct link *link, void *data, void *data_end, void *l3)
{
	struct ethhdr *eth = data;
	struct vlan_hdr *tag = (void *)(eth + 1);

	link->tags = (l3 - (void *)tag) / sizeof(*tag);
	if ((void *)tag > data_end)
		return false;
	link->type = eth->h_proto;
#pragma unroll
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		if (i < link->tags) {
			if ((void *)(tag + i + 1) > data_end)
				return false;
			link->tag[i] = tag[i];
		}
	}
	return true;
}

/* Writes the link header at data for a payload of this type; returns where the payload starts. */
static __always_inline void *write_link(const struct link *link, void *data, void *data_end,
					const struct config *settings, __be16 type)
{
	struct ethhdr *eth = data;
	struct vlan_hdr *tag = (void *)(eth + 1);

	if ((void *)(tag + VLAN_TAGS_MAX) > data_end)
		return NULL;
	__builtin_memcpy(eth->h_source, settings->own_mac, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, settings->gateway_mac, ETH_ALEN);
	if (link->tags == 0) {
		eth->h_proto = type;
		return tag;
	}
	eth->h_proto = link->type;
	tag[0].tci = link->tag[0].tci;
	if (link->tags == 1) {
		tag[0].type = type;
		return tag + 1;
	}
	tag[0].type = link->tag[0].type;
	tag[1].tci = link->tag[1].tci;
	tag[1].type = type;
	return tag + 2;
}

static __always_inline int encapsulate(struct xdp_md *ctx, void *l3, const struct request *request,
				       const struct backend *backend, __u16 type)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	__u8 protocol = type == ETH_P_IP ? IPPROTO_IPIP : IPPROTO_IPV6;
	bool outer6 = backend->flags & BACKEND_IPV6;
	__u32 zero = 0;
	struct config *settings = bpf_map_lookup_elem(&config, &zero);
	struct link link = {};
	void *outer;

	if (!settings || !save_link(&link, data, data_end, l3))
		return XDP_DROP;
	if (bpf_xdp_adjust_head(ctx,
				-(int)(outer6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr))))
		return XDP_DROP;
	data = (void *)(long)ctx->data;
	data_end = (void *)(long)ctx->data_end;
	outer = write_link(&link, data, data_end, settings,
			   outer6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP));
	if (!outer)
		return XDP_DROP;
	if (outer6) {
		if (outer + sizeof(struct ipv6hdr) > data_end)
			return XDP_DROP;
		write_outer6(outer, request, settings, backend, protocol);
	} else {
		if (outer + sizeof(struct iphdr) > data_end)
			return XDP_DROP;
		write_outer4(outer, request, settings, backend, protocol);
	}
	return XDP_TX;
}

static __always_inline void count(void *map, __u32 index, __u64 bytes, bool served)
{
	struct stats *stats = bpf_map_lookup_elem(map, &index);

	if (!stats)
		return;
	if (!served) {
		stats->unserved++;
		return;
	}
	stats->packets++;
	stats->bytes += bytes;
}

SEC("xdp")
int l4lb(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end, *l3 = data;
	__u64 bytes = data_end - data;
	struct request request = {};
	struct vip_key service = {};
	struct backend *backend;
	struct vip *vip;
	__u32 number = 0, vip_number;
	__u16 type = parse_link(data, data_end, &l3);

	if (type != ETH_P_IP && type != ETH_P_IPV6)
		return type ? XDP_PASS : XDP_DROP;
	if (!read_request(&request, l3, data_end, type))
		return XDP_PASS;
	service.address = request.key.vip;
	service.port = request.key.vip_port;
	service.protocol = request.key.protocol;
	vip = bpf_map_lookup_elem(&vips, &service);
	if (!vip)
		return XDP_PASS;
	vip_number = vip->number;
	backend = find_backend(&request, vip_number, &number);
	count(&vip_stats, vip_number, bytes, backend);
	if (!backend)
		return XDP_DROP;
	count(&backend_stats, number, bytes, true);
	return encapsulate(ctx, l3, &request, backend, type);
}

char _license[] SEC("license") = "Dual BSD/GPL";
