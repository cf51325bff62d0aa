// EXPECT layers: kernel user
// EVERY --cuts 8 --packets 200: short
// GEN {"flows": 10, "dports": [443], "frames": [
// GEN ["eth", "ipv4", "tcp - 443 24", "hex 16030100500100{len}0303", "random 32",
// GEN "hex 00000213010100{len}000a000400020017", "hex 0000000f000d00000a", "text evil.examp"],
// GEN ["eth", "ipv4", "tcp - 443 24", "hex 16030100500100{len}0303", "random 32",
// GEN "hex 0400112233000213010100{len}", "hex 0000000d000b000008", "text good.org"],
// GEN ["eth", "ipv6", "tcp - 443 24", "hex 16030100500100{len}0303", "random 32",
// GEN "hex 00000213010100{len}", "hex 0000000d000b000008", "text BAD.test"],
// GEN ["eth", "ipv4", "tcp - 443 24", "hex 1703030050", "random 60"]]}
// MAPS {"blocked": [{"key": 2525498696, "value": 1}, {"key": 2078434498, "value": 1}]}
/*
 * Blocks TLS connections by the server's name in the ClientHello (RFC 8446, 6066). The header is
 * checked in fixed places; the extensions are walked and the name is hashed by loops without a
 * bound other than the packet, which only user can run.
 */
#include "net.h"

enum { HANDSHAKE = 22, CLIENT_HELLO = 1, EXTENSION_SNI = 0 };

struct hello {
	__u8 type, major, minor, length[2];
	__u8 message, message_length[3];
	__u8 version[2], random[32], session_length;
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} blocked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

static __always_inline __u32 get16(const __u8 *p)
{
	return p[0] << 8 | p[1];
}

/* FNV-1a over the name in lower case. */
static __always_inline __u32 hash_name(const __u8 *at, __u32 length, const __u8 *end)
{
	__u32 hash = 2166136261u;

	for (__u32 i = 0; i < length && at + i + 1 <= end; i++) {
		__u8 byte = at[i];

		if (byte >= 'A' && byte <= 'Z')
			byte |= 0x20;
		hash = (hash ^ byte) * 16777619u;
	}
	return hash;
}

/* The SNI extension's first name, or NULL. */
static __always_inline const __u8 *find_name(const __u8 *at, const __u8 *end, __u32 *length)
{
	while (at + 4 <= end) {
		__u32 type = get16(at), bytes = get16(at + 2);

		at += 4;
		if (type == EXTENSION_SNI) {
			if (at + 5 > end || at[2])
				return NULL;
			*length = get16(at + 3);
			return at + 5;
		}
		at += bytes;
	}
	return NULL;
}

static __always_inline int judge(const struct hello *hello, const __u8 *end)
{
	const __u8 *at = (const __u8 *)(hello + 1) + hello->session_length, *name;
	__u64 one = 1, *times;
	__u32 length = 0, suites, hash;

	if (at + 2 > end)
		return XDP_PASS;
	suites = get16(at);
	if (suites > 512)
		return XDP_PASS;
	at += 2 + suites;
	if (at + 1 > end)
		return XDP_PASS;
	at += 1 + at[0]; /* compression */
	if (at + 2 > end)
		return XDP_PASS;
	name = find_name(at + 2, end, &length);
	if (!name)
		return XDP_PASS;
	hash = hash_name(name, length, end);
	times = bpf_map_lookup_elem(&seen, &hash);
	if (times)
		__sync_fetch_and_add(times, 1);
	else
		bpf_map_update_elem(&seen, &hash, &one, BPF_ANY);
	return bpf_map_lookup_elem(&blocked, &hash) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int tls_sni(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct hello *hello;
	struct tcphdr *tcp;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end || ip4->ihl != 5 || is_fragment(ip4) ||
		    ip4->protocol != IPPROTO_TCP)
			return XDP_PASS;
		tcp = (void *)(ip4 + 1);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end || ip6->nexthdr != IPPROTO_TCP)
			return XDP_PASS;
		tcp = (void *)(ip6 + 1);
	} else {
		return XDP_PASS;
	}
	if ((void *)(tcp + 1) > data_end || tcp->dest != bpf_htons(443) || tcp->doff < 5)
		return XDP_PASS;
	hello = (void *)tcp + tcp->doff * 4;
	if ((void *)(hello + 1) > data_end || hello->type != HANDSHAKE || hello->major != 3 ||
	    hello->message != CLIENT_HELLO)
		return XDP_PASS;
	return judge(hello, data_end);
}

char _license[] SEC("license") = "Dual BSD/GPL";
