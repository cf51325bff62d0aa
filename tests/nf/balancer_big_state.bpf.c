// EXPECT layers: kernel
// EXPECT without: 0
// EVERY --cuts 36: all of them take a minute
// GEN {"saddr4": ["203.0.113.0/28"], "daddr4": ["198.51.100.10", "198.51.100.53"], "dports": [80],
// GEN "sports": ["40000-40007"], "weights": {"tcp": 60, "udp": 40}}
// MAPS {"services": [{"key": {"address": "198.51.100.10", "port": 80, "proto": 6},
// MAPS "value": {"number": 1}},
// MAPS {"key": {"address": "198.51.100.53", "port": 80, "proto": 17}, "value": {"number": 2}},
// MAPS {"key": {"address": "198.51.100.53", "port": 80, "proto": 6}, "value": {"number": 2}}],
// MAPS "pinned_sources": [{"key": {"prefix": "203.0.113.4/30"}, "value": 3}]}
/*
 * A load balancer with much state of its own: while it looks for the server it keeps the packet's
 * first bytes aside, so for most of the way no packet can be handed over. Strict order has to stop
 * packets before that whose connection may be in flight. What is behind is still cut anywhere.
 */
#include "nf.h"
#include "net.h"

enum { SERVERS = 8, KEPT = 216, CONNECTIONS_MAX = 256, RATE_MAX = 40 };

struct service {
	__be32 address;
	__be16 port;
	__u16 proto;
};

struct service_info {
	__u32 number;
};

struct connection {
	__be32 from, to;
	__u32 ports;
};

struct server_use {
	__u32 server;
	__u32 packets;
	__u64 last_hash;
};

struct prefix {
	__u32 prefixlen;
	__be32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct service);
	__type(value, struct service_info);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, struct connection);
	__type(value, struct server_use);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} pinned_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} ring SEC(".maps");

/* Read as well as written: no mere counters. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SERVERS);
	__type(key, __u32);
	__type(value, struct server_use);
} uses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} served SEC(".maps");

static __always_inline __u32 choose_server(const struct connection *c, __u32 service)
{
	struct prefix prefix = {32, c->from};
	__u32 *server = bpf_map_lookup_elem(&pinned_sources, &prefix);
	__u32 slot = (hash_mix(c->from ^ c->ports) + service) & 63;

	if (server)
		return *server & (SERVERS - 1);
	server = bpf_map_lookup_elem(&ring, &slot);
	return server ? (*server + slot) & (SERVERS - 1) : 0;
}

/* The server that the connection has, or a new one; false where there are too many packets. */
static __always_inline bool find_server(const struct connection *c, __u32 service, __u32 *server)
{
	struct server_use *use = bpf_map_lookup_elem(&connections, c);
	struct server_use fresh = {.packets = 1};

	if (use) {
		*server = use->server & (SERVERS - 1);
		use->packets++;
		use->last_hash = use->last_hash * 31 + service;
		return use->packets < RATE_MAX;
	}
	*server = fresh.server = choose_server(c, service);
	bpf_map_update_elem(&connections, c, &fresh, BPF_ANY);
	return true;
}

/* Here nothing is kept any more. */
static __always_inline int note_sent(const struct connection *c, __u32 server, __u8 tos)
{
	struct server_use *use = bpf_map_lookup_elem(&connections, c);

	if (!use)
		return XDP_DROP;
	use->last_hash ^= tos;
	if (use->last_hash & 2)
		bpf_map_delete_elem(&connections, c);
	return server & 1 ? XDP_TX : XDP_PASS;
}

SEC("xdp")
int balancer_big_state(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct connection connection;
	struct service_info *info;
	struct service service;
	struct server_use *use;
	__u8 kept[KEPT];
	__u32 server = 0, i;
	struct udphdr *udp;
	__u64 *counter;

	if (!ip4 || ip4->ihl != 5 || is_fragment(ip4))
		return XDP_PASS;
	udp = (void *)(ip4 + 1); /* the ports of TCP lie there too */
	if ((void *)(udp + 1) > data_end)
		return XDP_DROP;
	service = (struct service){ip4->daddr, udp->dest, ip4->protocol};
	info = bpf_map_lookup_elem(&services, &service);
	if (!info)
		return XDP_PASS;
	counter = bpf_map_lookup_elem(&served, &server);
	if (counter)
		++*counter;
	connection = (struct connection){ip4->saddr, ip4->daddr, udp->source << 16 | udp->dest};
	__builtin_memset(kept, 0, sizeof(kept));
	bpf_xdp_load_bytes(ctx, 0, kept, sizeof(struct ethhdr) + sizeof(*ip4) + sizeof(*udp));
	if (!find_server(&connection, info->number, &server)) {
		/* too many: the kept bytes go back, all turned round */
		for (i = 0; i < KEPT; i++)
			kept[i] = ~kept[i];
		bpf_xdp_store_bytes(ctx, 0, kept, sizeof(struct ethhdr));
		return XDP_TX;
	}
	use = bpf_map_lookup_elem(&uses, &server);
	if (!use)
		return XDP_ABORTED;
	use->packets++;
	use->last_hash = use->last_hash * 31 + kept[(connection.ports >> 16) & 127];
	kept[0] = use->packets;
	if (use->packets & 8)
		bpf_xdp_store_bytes(ctx, 6, kept, 6);
	ip4 = DATA(ctx) + sizeof(struct ethhdr);
	if ((void *)(ip4 + 1) > DATA_END(ctx))
		return XDP_DROP;
	ip4->daddr = bpf_htonl(0x0a000001 + server + (use->last_hash & 1));
	ip4->tos = kept[use->last_hash & 127] + 4;
	ip4_set_check(ip4);
	return note_sent(&connection, server, ip4->tos);
}

char _license[] SEC("license") = "Dual BSD/GPL";
