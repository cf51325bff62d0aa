// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"daddr4": ["192.0.2.1"], "flows": 10, "weights": {"ipv6": 10}, "frames": [
// GEN ["eth", "ipv4", "udp - 11211", "hex 0001000000010000", "text get alpha\r\n"],
// GEN ["eth", "ipv4", "udp - 11211", "hex 0002000000010000", "text get beta\r\n"],
// GEN ["eth", "ipv4", "udp - 11211", "hex 0002000000010000", "text get nothing\r\n"],
// GEN ["eth", "ipv4", "udp - 11211", "hex 0003000000020000", "text get alpha\r\n"],
// GEN ["eth", "ipv4", "udp - 11211", "hex 0004000000010000", "text set beta 0 0 3\r\nxyz\r\n"],
// GEN ["eth", "ipv4", "udp - 11211", "hex 0004000000010000", "text delete alpha\r\n"]]}
// MAPS {"cache": [
// MAPS {"key": {"text": "alpha"}, "value": {"valid": 1, "size": 5, "data": "hello"}},
// MAPS {"key": {"text": "beta"}, "value": {"valid": 1, "size": 3, "data": "abc"}}]}
/*
 * A look-aside cache for memcached over UDP (as BMC, Ghigita et al., NSDI 2021): a GET of one
 * short key that is known is answered from here; sets and deletes make the entry stale on their
 * way to the server.
 */
#include "net.h"

enum { PORT = 11211, KEY_MAX = 16, DATA_MAX = 64, COMMAND_GET = 4 };

struct mc_header {
	__be16 id, sequence, total, reserved;
};

struct cache_key {
	char text[KEY_MAX];
};

struct entry {
	__u32 valid, size;
	__u64 hits;
	char data[DATA_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct cache_key);
	__type(value, struct entry);
} cache SEC(".maps");

/* Reads the key that ends with a blank or the line; its length, 0 where it is too long. */
static __always_inline __u32 read_key(const char *at, void *data_end, struct cache_key *key)
{
	for (__u32 i = 0; i < KEY_MAX; i++) {
		if ((void *)(at + i + 1) > data_end)
			return 0;
		if (at[i] == '\r' || at[i] == ' ')
			return i;
		key->text[i] = at[i];
	}
	return 0;
}

/* Writes "VALUE key 0 size\r\n", the data and "\r\nEND\r\n" into p; two digits of size. */
static __always_inline __u32 write_answer(char *p, const struct cache_key *key, __u32 length,
					  const struct entry *entry)
{
	__u32 at = 6, size = entry->size;

	__builtin_memcpy(p, "VALUE ", 6);
	for (__u32 i = 0; i < KEY_MAX; i++)
		p[at + i] = i < length ? key->text[i] : ' ';
	at += KEY_MAX;
	__builtin_memcpy(p + at, " 0 ", 3);
	at += 3;
	p[at++] = '0' + size / 10 % 10;
	p[at++] = '0' + size % 10;
	p[at++] = '\r';
	p[at++] = '\n';
	for (__u32 i = 0; i < DATA_MAX; i++)
		p[at + i] = i < size ? entry->data[i] : 0;
	return at;
}

enum { ANSWER_BYTES = 6 + KEY_MAX + 3 + 4 + DATA_MAX + 7 };

static __always_inline int answer(struct xdp_md *ctx, const struct cache_key *key, __u32 length,
				  struct entry *entry)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	int headers = sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr) +
		      sizeof(struct mc_header);
	struct ethhdr *eth;
	struct iphdr *ip4;
	struct udphdr *udp;
	__u32 at;
	char *p;

	if (bpf_xdp_adjust_tail(ctx, headers + ANSWER_BYTES - (int)(data_end - data)))
		return XDP_PASS;
	data = DATA(ctx);
	data_end = DATA_END(ctx);
	if (data + headers + ANSWER_BYTES > data_end)
		return XDP_ABORTED;
	eth = data;
	ip4 = (void *)(eth + 1);
	udp = (void *)(ip4 + 1);
	p = data + headers;
	at = write_answer(p, key, length, entry);
	__builtin_memcpy(p + at + DATA_MAX, "\r\nEND\r\n", 7);
	udp_turn_round(eth, ip4, udp);
	ip4->tot_len = bpf_htons(headers - sizeof *eth + ANSWER_BYTES);
	ip4->ttl = 64;
	ip4_set_check(ip4);
	udp->len = bpf_htons(headers - sizeof *eth - sizeof *ip4 + ANSWER_BYTES);
	entry->hits++;
	return XDP_TX;
}

SEC("xdp")
int memcached_get(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct cache_key key = {};
	struct mc_header *mc;
	struct udphdr *udp;
	struct entry *entry;
	__u32 length;
	char *text;
	bool get;

	if (!ip4 || ip4->ihl != 5 || is_fragment(ip4) || ip4->protocol != IPPROTO_UDP)
		return XDP_PASS;
	udp = (void *)(ip4 + 1);
	mc = (void *)(udp + 1);
	text = (void *)(mc + 1);
	if ((void *)(text + 8) > data_end || udp->dest != bpf_htons(PORT) ||
	    mc->total != bpf_htons(1))
		return XDP_PASS;
	get = text[0] == 'g' && text[1] == 'e' && text[2] == 't' && text[3] == ' ';
	if (!get && !(text[0] == 's' && text[1] == 'e' && text[2] == 't' && text[3] == ' ') &&
	    !(text[0] == 'd' && text[1] == 'e' && text[2] == 'l'))
		return XDP_PASS;
	length = read_key(text + (text[0] == 'd' ? 7 : 4), data_end, &key);
	if (!length)
		return XDP_PASS;
	entry = bpf_map_lookup_elem(&cache, &key);
	if (!entry)
		return XDP_PASS;
	if (!get) {
		entry->valid = 0;
		return XDP_PASS;
	}
	if (!entry->valid || entry->size > DATA_MAX)
		return XDP_PASS;
	return answer(ctx, &key, length, entry);
}

char _license[] SEC("license") = "Dual BSD/GPL";
