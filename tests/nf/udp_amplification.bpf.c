// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["203.0.113.0/30"], "daddr4": ["192.0.2.1"], "flows": 16, "frames": [ ["eth",
// GEN "ipv4 198.51.100.7", "udp 53 4000", "hex 12348180000100ff00000000", "random 300-900"],
// GEN ["eth", "ipv4 192.0.2.1 198.51.100.8", "udp 4000 123", "hex 23000000", "random 44"],
// GEN ["eth", "ipv4 198.51.100.8 192.0.2.1", "udp 123 4000", "hex 24000000", "random 44"],
// GEN ["eth", "ipv4 198.51.100.9", "udp 123 4000", "hex d700032a", "random 440"], ["eth",
// GEN "ipv4 198.51.100.9", "udp 11211 4000", "random 200-600"], ["eth", "ipv4 198.51.100.9",
// GEN "udp 1900 4000", "text HTTP/1.1 200 OK"], ["eth", "ipv6", "udp 389 4000",
// GEN "random 100-300"]]}
// MAPS {"reflectors": [{"key": 53, "value": {"limit": 512}}, {"key": 123,
// MAPS "value": {"limit": 100}}, {"key": 11211, "value": {"limit": 0}}, {"key": 1900,
// MAPS "value": {"limit": 0}}, {"key": 389, "value": {"limit": 100}}]}
/*
 * Filters answers of UDP services that are used for amplification: those that nobody asked for are
 * dropped when they are larger than the service's answers should be, or say a monitor command of
 * NTP. Requests that leave the protected hosts are remembered for ten seconds.
 */
#include "net.h"

struct question {
	__u32 client[4], server[4];
	__be16 client_port, server_port;
};

struct reflector {
	__u32 limit;
	__u32 dropped;
};

const volatile __u64 memory_ns = 10000000000ULL;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct reflector);
} reflectors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct question);
	__type(value, __u64);
} questions SEC(".maps");

static __always_inline int check_answer(struct question *q, struct reflector *r, struct udphdr *udp,
					void *data_end)
{
	__u64 *asked = bpf_map_lookup_elem(&questions, q), now = bpf_ktime_get_ns();
	__u8 *payload = (void *)(udp + 1);

	if (asked && now - *asked < memory_ns)
		return XDP_PASS;
	if (asked)
		bpf_map_delete_elem(&questions, q);
	if (q->server_port == bpf_htons(123) && (void *)(payload + 1) <= data_end &&
	    (payload[0] & 7) >= 6) {
		__sync_fetch_and_add(&r->dropped, 1);
		return XDP_DROP;
	}
	if (bpf_ntohs(udp->len) <= r->limit)
		return XDP_PASS;
	__sync_fetch_and_add(&r->dropped, 1);
	return XDP_DROP;
}

SEC("xdp")
int udp_amplification(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct question q = {};
	struct reflector *r;
	struct udphdr *udp;
	__u64 now;
	__u32 port;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end || ip4->ihl != 5 || ip4->protocol != IPPROTO_UDP)
			return XDP_PASS;
		if (ip4->frag_off & bpf_htons(IP_OFFSET))
			return XDP_DROP;
		q.client[3] = ip4->daddr;
		q.server[3] = ip4->saddr;
		udp = (void *)(ip4 + 1);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end || ip6->nexthdr != IPPROTO_UDP)
			return XDP_PASS;
		__builtin_memcpy(q.client, &ip6->daddr, 16);
		__builtin_memcpy(q.server, &ip6->saddr, 16);
		udp = (void *)(ip6 + 1);
	} else {
		return XDP_PASS;
	}
	if ((void *)(udp + 1) > data_end)
		return XDP_PASS;
	port = bpf_ntohs(udp->source);
	r = bpf_map_lookup_elem(&reflectors, &port);
	if (r) {
		q.client_port = udp->dest;
		q.server_port = udp->source;
		return check_answer(&q, r, udp, data_end);
	}
	port = bpf_ntohs(udp->dest);
	if (!bpf_map_lookup_elem(&reflectors, &port))
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	for (int i = 0; i < 4; i++) { /* a request: the sender is the client */
		__u32 client = q.server[i];

		q.server[i] = q.client[i];
		q.client[i] = client;
	}
	q.client_port = udp->source;
	q.server_port = udp->dest;
	bpf_map_update_elem(&questions, &q, &now, BPF_ANY);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
