// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"daddr6": ["2001:db8:7::1", "2001:db8:8::1"], "flows": 12, "ifindexes": [1, 2],
// GEN "weights": {"ipv6": 80, "vlan": 3}, "frames": [
// GEN ["eth", "ipv6 - 2001:db8:7::1", "udp - 53", "random 0-60"],
// GEN ["eth", "ipv6 - 2001:db8:7::1", "next 0", "hex 1104010031120000007b200200000000000000000000",
// GEN "hex 000000000000000000000000000000000000", "udp - 53"],
// GEN ["eth", "ipv6 - 2001:db8:7::1", "next 0", "hex 1100010401020304", "udp - 53"]]}
// MAPS {"namespaces": [{"key": {"prefix": "2001:db8:7::/48"}, "value": {"id": 123, "nodes": 2}}],
// MAPS "globals": {"node_id": 42}}
/*
 * IOAM for IPv6 (RFC 9197, 9486): packets to chosen prefixes get a hop-by-hop
 * option with room for a pre-allocated trace, and every node, this one first,
 * fills in the next slot: hop limit, node id, interfaces and a timestamp.
 * Packets that already carry a trace only get their slot filled.
 */
#include "net.h"

enum { OPTION_IOAM = 0x31, TYPE_PREALLOCATED = 0, SLOT = 12, SLOTS_MAX = 4 };
enum { TRACE_BITS = 0xd0 }; /* hop limit and node id, interface ids, timestamp seconds */

struct trace { /* option and trace header */
	__u8 nexthdr, hdrlen;
	__u8 padn, padn_len; /* to align the option at 4n */
	__u8 option, option_len, reserved, ioam_type;
	__be16 namespace_id;
	__u8 nodelen_flags, flags_left; /* 5 bits, 4 bits; 7 bits of words left */
	__be32 trace_type;
};

struct slot {
	__be32 hop_and_node;
	__be16 ingress, egress;
	__be32 seconds;
};

struct ns {
	__u16 id, nodes;
};

const volatile __u32 node_id = 1;
const volatile __u16 egress_id = 9;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix6);
	__type(value, struct ns);
} namespaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} traced SEC(".maps");

static __always_inline void count(__u32 id)
{
	__u64 *counter = bpf_map_lookup_elem(&traced, &id), one = 1;

	if (counter)
		__sync_fetch_and_add(counter, 1);
	else
		bpf_map_update_elem(&traced, &id, &one, BPF_NOEXIST);
}

static __always_inline void fill(struct slot *slot, __u8 hop_limit, __u32 ingress)
{
	slot->hop_and_node = bpf_htonl((__u32)hop_limit << 24 | (node_id & 0xffffff));
	slot->ingress = bpf_htons(ingress);
	slot->egress = bpf_htons(egress_id);
	slot->seconds = bpf_htonl(bpf_ktime_get_ns() / 1000000000);
}

/* The last free slot of a trace that is there: they are filled from the end. */
static __always_inline int fill_next(struct ipv6hdr *ip6, struct trace *trace, void *data_end,
				     __u32 ingress)
{
	__u32 left = trace->flags_left & 0x7f;
	struct slot *slot;

	if (trace->option != OPTION_IOAM || trace->ioam_type != TYPE_PREALLOCATED ||
	    trace->trace_type != bpf_htonl((__u32)TRACE_BITS << 24))
		return XDP_PASS;
	if (left < SLOT / 4 || left > SLOTS_MAX * SLOT / 4) {
		trace->nodelen_flags |= 4; /* overflow */
		return XDP_PASS;
	}
	left -= SLOT / 4;
	slot = (void *)(trace + 1) + left * 4;
	if ((void *)(slot + 1) > data_end)
		return XDP_PASS;
	trace->flags_left = left;
	fill(slot, ip6->hop_limit, ingress);
	return XDP_PASS;
}

/* Moves Ethernet and IPv6 up, and puts the option with two slots between. */
static __always_inline int insert(struct xdp_md *ctx, const struct ns *ns)
{
	struct {
		struct ethhdr eth;
		struct ipv6hdr ip6;
	} __attribute__((packed)) head;
	enum { BYTES = sizeof(struct trace) + 2 * SLOT };
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	__u32 ingress = ctx->ingress_ifindex;
	__u16 id = ns->id;
	struct trace *trace;
	__u8 next;

	if (data + sizeof head > data_end)
		return XDP_ABORTED;
	__builtin_memcpy(&head, data, sizeof head);
	if (bpf_xdp_adjust_head(ctx, -BYTES))
		return XDP_PASS;
	data = DATA(ctx);
	data_end = DATA_END(ctx);
	if (data + sizeof head + BYTES > data_end)
		return XDP_ABORTED;
	next = head.ip6.nexthdr;
	head.ip6.nexthdr = IPPROTO_HOPOPTS;
	head.ip6.payload_len = bpf_htons(bpf_ntohs(head.ip6.payload_len) + BYTES);
	__builtin_memcpy(data, &head, sizeof head);
	trace = data + sizeof head;
	__builtin_memset(trace, 0, BYTES);
	trace->nexthdr = next;
	trace->hdrlen = BYTES / 8 - 1;
	trace->padn = 1;
	trace->option = OPTION_IOAM;
	trace->option_len = BYTES - 6;
	trace->namespace_id = bpf_htons(id);
	trace->nodelen_flags = SLOT / 4 << 3;
	trace->flags_left = SLOT / 4;
	trace->trace_type = bpf_htonl((__u32)TRACE_BITS << 24);
	fill((struct slot *)(trace + 1) + 1, head.ip6.hop_limit, ingress);
	return XDP_PASS;
}

SEC("xdp")
int ioam_insert(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct trace *trace = (void *)(ip6 + 1);
	struct prefix6 key = {.length = 128};
	struct ns *ns;

	if ((void *)(ip6 + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	__builtin_memcpy(key.addr, &ip6->daddr, 16);
	ns = bpf_map_lookup_elem(&namespaces, &key);
	if (!ns)
		return XDP_PASS;
	if (ip6->nexthdr == IPPROTO_HOPOPTS) {
		if ((void *)(trace + 1) > data_end)
			return XDP_PASS;
		return fill_next(ip6, trace, data_end, ctx->ingress_ifindex);
	}
	if (bpf_ntohs(ip6->payload_len) > 1400)
		return XDP_PASS;
	count(ns->id);
	return insert(ctx, ns);
}

char _license[] SEC("license") = "Dual BSD/GPL";
