// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"daddr4": ["192.0.2.1"], "flows": 10, "weights": {"udp": 20}, "frames": [ ["eth",
// GEN "ipv4", "udp - 53", "hex ????01000001000000000000", "hex 03777777046c6f6f6b00",
// GEN "hex 00010001"], ["eth", "ipv4", "udp - 53", "hex ????01000001000000000000",
// GEN "hex 03575757046c4f6f4b00", "hex 001c0001"], ["eth", "ipv4", "udp - 53",
// GEN "hex ????01000001000000000000", "hex 026e78046c6f6f6b00", "hex 00010001"], ["eth",
// GEN "ipv4", "udp - 53", "hex ????01000001000000000000", "hex 03777777c00c", "hex 00010001"],
// GEN ["eth", "ipv4", "udp - 53", "hex ????81000001000000000000", "hex 03777777046c6f6f6b00",
// GEN "hex 00010001"], ["eth", "ipv4", "udp - 53", "hex ????01000001000000000000",
// GEN "hex 03777777046c6f6f6b00", "hex 000f0001"]]}
// MAPS {"names": [
// MAPS {"key": {"text": "0x03777777046c6f6f6b0000000000000000000000000000000000000000000000"},
// MAPS "value": {"has": 3, "ttl": 300, "a": "192.0.2.80", "aaaa": "2001:db8::80"}}]}
/*
 * An authoritative DNS responder for A and AAAA from a map (RFC 1035, 3596): names are compared
 * without case, compressed names in questions are refused, other types of a known name get an
 * empty answer, and unknown names are left to the server behind.
 */
#include "net.h"

enum { NAME_MAX = 32, TYPE_A = 1, TYPE_AAAA = 28, CLASS_IN = 1, HAS_A = 1, HAS_AAAA = 2 };
enum { RCODE_FORMERR = 1 };

struct dns {
	__be16 id, flags, questions, answers, authority, additional;
};

struct name {
	__u8 text[NAME_MAX];
};

struct record {
	__u32 has, ttl;
	__be32 a;
	__u32 served;
	struct in6_addr aaaa;
};

struct answer {
	__be16 name, type, class;
	__be16 ttl[2];
	__be16 length;
	__u8 data[16];
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct name);
	__type(value, struct record);
} names SEC(".maps");

/* The name in lower case; bytes with its closing zero, 0 when too long, -1 when compressed. */
static __always_inline int read_name(const __u8 *at, void *data_end, struct name *name)
{
	__u32 label = 0;

	for (int i = 0; i < NAME_MAX; i++) {
		__u8 byte;

		if ((void *)(at + i + 1) > data_end)
			return 0;
		byte = at[i];
		if (!label) {
			if (byte & 0xc0)
				return -1;
			if (!byte)
				return i + 1;
			label = byte;
		} else {
			label--;
			if (byte >= 'A' && byte <= 'Z')
				byte |= 0x20;
		}
		name->text[i] = byte;
	}
	return 0;
}

static __always_inline void turn_around(struct ethhdr *eth, struct iphdr *ip4, struct udphdr *udp,
					__u32 bytes)
{
	udp_turn_round(eth, ip4, udp);
	ip4->ttl = 64;
	ip4->tot_len = bpf_htons(bytes - sizeof *eth);
	ip4_set_check(ip4);
	udp->len = bpf_htons(bytes - sizeof *eth - sizeof *ip4);
}

static __always_inline int reply(struct xdp_md *ctx, struct record *record, __u32 type, __u32 size)
{
	bool a = type == TYPE_A && record->has & HAS_A;
	bool aaaa = type == TYPE_AAAA && record->has & HAS_AAAA;
	int more = a ? 16 : aaaa ? 28 : 0;
	struct answer *answer;
	struct ethhdr *eth;
	struct iphdr *ip4;
	struct udphdr *udp;
	struct dns *dns;
	void *data, *data_end;

	if (bpf_xdp_adjust_tail(ctx, (int)size + more - (int)bpf_xdp_get_buff_len(ctx)))
		return XDP_PASS;
	data = DATA(ctx);
	data_end = DATA_END(ctx);
	eth = data;
	ip4 = (void *)(eth + 1);
	udp = (void *)(ip4 + 1);
	dns = (void *)(udp + 1);
	if ((void *)(dns + 1) > data_end)
		return XDP_ABORTED;
	dns->flags = bpf_htons(0x8400) | (dns->flags & bpf_htons(0x0100));
	dns->answers = more ? bpf_htons(1) : 0;
	dns->authority = dns->additional = 0;
	turn_around(eth, ip4, udp, data_end - data);
	__sync_fetch_and_add(&record->served, 1);
	if (!more)
		return XDP_TX;
	if (size > 128)
		return XDP_ABORTED;
	answer = data + size;
	if ((void *)answer->data + 4 > data_end)
		return XDP_ABORTED;
	answer->name = bpf_htons(0xc00c);
	answer->type = bpf_htons(type);
	answer->class = bpf_htons(CLASS_IN);
	answer->ttl[0] = bpf_htons(record->ttl >> 16);
	answer->ttl[1] = bpf_htons(record->ttl);
	answer->length = bpf_htons(a ? 4 : 16);
	if (a)
		__builtin_memcpy(answer->data, &record->a, 4);
	else if ((void *)(answer + 1) <= data_end)
		__builtin_memcpy(answer->data, &record->aaaa, 16);
	return XDP_TX;
}

SEC("xdp")
int dns_responder(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct name name = {};
	struct record *record;
	struct udphdr *udp;
	struct dns *dns;
	__be16 *question;
	int length;

	if (!ip4 || ip4->ihl != 5 || is_fragment(ip4) || ip4->protocol != IPPROTO_UDP)
		return XDP_PASS;
	udp = (void *)(ip4 + 1);
	dns = (void *)(udp + 1);
	if ((void *)(dns + 1) > data_end || udp->dest != bpf_htons(53))
		return XDP_PASS;
	if (dns->flags & bpf_htons(0xf800) || dns->questions != bpf_htons(1) || dns->answers)
		return XDP_DROP;
	length = read_name((void *)(dns + 1), data_end, &name);
	if (length < 0) {
		dns->flags = bpf_htons(0x8000 | RCODE_FORMERR);
		turn_around(data, ip4, udp, data_end - data);
		return XDP_TX;
	}
	question = (void *)(dns + 1) + length;
	if (!length || (void *)(question + 2) > data_end || question[1] != bpf_htons(CLASS_IN))
		return XDP_PASS;
	record = bpf_map_lookup_elem(&names, &name);
	if (!record)
		return XDP_PASS;
	return reply(ctx, record, bpf_ntohs(question[0]),
		     sizeof(struct ethhdr) + sizeof *ip4 + sizeof *udp + sizeof *dns + length + 4);
}

char _license[] SEC("license") = "Dual BSD/GPL";
