// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"daddr4": ["192.0.2.0/30", "198.51.100.1"], "flows": 12, "frames": [
// GEN ["eth", "next 0x8847", "hex 0001014000", "hex 064140", "ipv4", "udp"],
// GEN ["eth", "next 0x8847", "hex 00010140", "hex 00064140", "ipv4", "udp"],
// GEN ["eth", "next 0x8847", "hex 00011140", "ipv4 10.0.0.1", "udp"],
// GEN ["eth", "next 0x8847", "hex 00012140", "ipv6", "tcp"],
// GEN ["eth", "next 0x8847", "hex 00013140", "ipv4", "tcp"],
// GEN ["eth", "next 0x8847", "hex 00010101", "ipv4", "tcp"],
// GEN ["eth", "next 0x8847", "hex 00099140", "ipv4", "tcp"]]}
// MAPS {"labels": [{"key": 16, "value": {"action": 1, "label": 20, "mac": "02:00:00:00:20:01"}},
// MAPS {"key": 17, "value": {"action": 2, "port": 1, "mac": "02:00:00:00:20:02"}},
// MAPS {"key": 18, "value": {"action": 2, "port": 0, "mac": "02:00:00:00:20:03"}},
// MAPS {"key": 19, "value": {"action": 3, "label": 30, "push": 31, "mac": "02:00:00:00:20:04"}}],
// MAPS "classes": [{"key": {"prefix": "192.0.2.0/24"}, "value": {"label": 40, "port": 1,
// MAPS "mac": "02:00:00:00:20:05"}}],
// MAPS "tx": [{"key": 0, "value": 1}, {"key": 1, "value": 2}]}
/*
 * A label switching router (RFC 3031, 3032): labels are swapped, popped with the next header named
 * by what is under them, or swapped with one more on top; TTL by the uniform model (RFC 3443).
 * IPv4 of a forwarding equivalence class gets its first label here.
 */
#include "net.h"

enum { SWAP = 1, POP = 2, SWAP_PUSH = 3, BOTTOM = 0x100 };

struct entry {
	__u32 action, label, push, port;
	__u8 mac[6];
	__u16 pad;
};

struct prefix {
	__u32 length;
	__be32 addr;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct entry);
} labels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, struct entry);
} classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} tx SEC(".maps");

static __always_inline void put_eth(struct ethhdr *eth, const struct ethhdr *was,
				    const struct entry *entry, __be16 proto)
{
	mac_copy(eth->h_dest, entry->mac);
	mac_copy(eth->h_source, was->h_dest);
	eth->h_proto = proto;
}

/* One label more on top of what lies behind Ethernet. */
static __always_inline int push(struct xdp_md *ctx, const struct ethhdr *from,
				const struct entry *entry, __u32 word)
{
	struct ethhdr was = *from, *eth;
	__be32 *label;

	if (bpf_xdp_adjust_head(ctx, -4))
		return XDP_ABORTED;
	eth = DATA(ctx);
	label = (void *)(eth + 1);
	if ((void *)(label + 1) > DATA_END(ctx))
		return XDP_ABORTED;
	put_eth(eth, &was, entry, bpf_htons(ETH_P_MPLS_UC));
	*label = bpf_htonl(word);
	return bpf_redirect_map(&tx, entry->port, XDP_DROP);
}

static __always_inline int pop(struct xdp_md *ctx, const struct ethhdr *from,
			       const struct entry *entry, __u32 word, void *data_end)
{
	__be32 *under = (void *)(from + 1) + 4;
	struct ethhdr was = *from, *eth;
	__be16 proto = bpf_htons(ETH_P_MPLS_UC);
	__u32 ttl = (word & 0xff) - 1;

	if ((void *)under + sizeof(struct iphdr) > data_end)
		return XDP_DROP;
	if (!(word & BOTTOM)) {
		*under = (*under & bpf_htonl(0xffffff00)) | bpf_htonl(ttl);
	} else if (*(__u8 *)under >> 4 == 4) {
		struct iphdr *ip4 = (void *)under;
		__u16 old = *(any_u16 *)&ip4->ttl;

		ip4->ttl = ttl;
		csum_replace2(&ip4->check, old, *(any_u16 *)&ip4->ttl);
		proto = bpf_htons(ETH_P_IP);
	} else if (*(__u8 *)under >> 4 == 6) {
		((__u8 *)under)[7] = ttl;
		proto = bpf_htons(ETH_P_IPV6);
	} else {
		return XDP_DROP;
	}
	if (bpf_xdp_adjust_head(ctx, 4))
		return XDP_ABORTED;
	eth = DATA(ctx);
	if ((void *)(eth + 1) > DATA_END(ctx))
		return XDP_ABORTED;
	put_eth(eth, &was, entry, proto);
	return bpf_redirect_map(&tx, entry->port, XDP_DROP);
}

static __always_inline int classify(struct xdp_md *ctx, struct ethhdr *eth, void *data_end)
{
	struct iphdr *ip4 = (void *)(eth + 1);
	struct prefix key = {.length = 32};
	struct entry *entry;
	__u8 ttl;

	if ((void *)(ip4 + 1) > data_end)
		return XDP_DROP;
	key.addr = ip4->daddr;
	entry = bpf_map_lookup_elem(&classes, &key);
	if (!entry || ip4->ttl <= 1)
		return XDP_PASS;
	ip4_decrease_ttl(ip4);
	ttl = ip4->ttl;
	return push(ctx, eth, entry, entry->label << 12 | BOTTOM | ttl);
}

SEC("xdp")
int mpls_lsr(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	__be32 *top = (void *)(eth + 1);
	struct entry *entry;
	__u32 word, label;

	if ((void *)(top + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return classify(ctx, eth, data_end);
	if (eth->h_proto != bpf_htons(ETH_P_MPLS_UC))
		return XDP_PASS;
	word = bpf_ntohl(*top);
	label = word >> 12;
	if ((word & 0xff) <= 1)
		return XDP_DROP;
	entry = bpf_map_lookup_elem(&labels, &label);
	if (!entry)
		return XDP_DROP;
	if (entry->action == POP)
		return pop(ctx, eth, entry, word, data_end);
	*top = bpf_htonl(entry->label << 12 | (word & 0xf00) | ((word & 0xff) - 1));
	if (entry->action == SWAP_PUSH)
		return push(ctx, eth, entry,
			    entry->push << 12 | (word & 0xe00) | ((word & 0xff) - 1));
	if (entry->action != SWAP)
		return XDP_DROP;
	mac_copy(eth->h_source, eth->h_dest);
	mac_copy(eth->h_dest, entry->mac);
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
