// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.1"], "daddr4": ["192.0.2.1"], "flows": 6, "frames": [ ["eth", "ipv4",
// GEN "set 8 ff", "udp - 3784", "hex 20400318000000070000000?000186a0000186a000000000"],
// GEN ["eth", "ipv4", "set 8 ff", "udp - 3784",
// GEN "hex 20800318000000070000000?000186a0000186a000000000"], ["eth", "ipv4", "set 8 ff",
// GEN "udp - 3784", "hex 20c00318000000070000000?000186a0000186a000000000"], ["eth", "ipv4",
// GEN "set 8 ff", "udp - 3784", "hex 20c80318000000070000000?000186a0000186a000000000"],
// GEN ["eth", "ipv4", "udp - 3784", "hex 20c00318000000070000000?000186a0000186a000000000"],
// GEN ["eth", "ipv4", "udp - 3785", "hex 00112233445566778899aabb"]]}
// MAPS {"sessions": [{"key": 1, "value": {"state": 1}}, {"key": 2, "value": {"state": 3,
// MAPS "remote": 7}}, {"key": 3, "value": {"state": 2}}]}
/*
 * Bidirectional forwarding detection (RFC 5880, 5881) for single hops: the state machine of
 * sessions that a daemon has opened, answers to polls, and echo packets sent back.
 */
#include "net.h"

enum { ADMIN_DOWN, DOWN, INIT, UP, FLAG_POLL = 0x20, FLAG_FINAL = 0x10, VERSION = 1 };

struct bfd {
	__u8 version_diag, state_flags, multiplier, length;
	__be32 mine, yours, transmit, receive, echo;
};

struct session {
	__u32 state, remote;
	__u64 last_ns;
	__u32 changes, packets;
	__u32 interval, multiplier;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct session);
} sessions SEC(".maps");

static __always_inline __u32 next_state(__u32 state, __u32 theirs)
{
	if (state == ADMIN_DOWN)
		return state;
	if (theirs == ADMIN_DOWN)
		return DOWN;
	if (state == DOWN)
		return theirs == DOWN ? INIT : theirs == INIT ? UP : DOWN;
	if (state == INIT)
		return theirs >= INIT ? UP : INIT;
	return theirs == DOWN ? DOWN : UP;
}

SEC("xdp")
int bfd_responder(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct session *s;
	struct udphdr *udp;
	struct bfd *bfd;
	__u32 yours, state;

	if (!ip4 || ip4->ihl != 5 || ip4->protocol != IPPROTO_UDP || is_fragment(ip4))
		return XDP_PASS;
	udp = (void *)(ip4 + 1);
	if ((void *)(udp + 1) > data_end)
		return XDP_PASS;
	if (udp->dest == bpf_htons(3785)) { /* echo: back to its sender as it is */
		ip4_turn_round(data, ip4);
		udp->check = 0;
		return XDP_TX;
	}
	bfd = (void *)(udp + 1);
	if (udp->dest != bpf_htons(3784))
		return XDP_PASS;
	if ((void *)(bfd + 1) > data_end || ip4->ttl != 255 || bfd->version_diag >> 5 != VERSION ||
	    bfd->length < sizeof *bfd || !bfd->multiplier || !bfd->mine)
		return XDP_DROP;
	yours = bpf_ntohl(bfd->yours);
	s = bpf_map_lookup_elem(&sessions, &yours);
	if (!s)
		return yours ? XDP_DROP : XDP_PASS;
	state = next_state(s->state, bfd->state_flags >> 6);
	s->changes += state != s->state;
	s->state = state;
	s->remote = bpf_ntohl(bfd->mine);
	s->interval = bpf_ntohl(bfd->transmit);
	s->multiplier = bfd->multiplier;
	s->last_ns = bpf_ktime_get_ns();
	s->packets++;
	if (!(bfd->state_flags & FLAG_POLL))
		return XDP_DROP;
	bfd->yours = bfd->mine;
	bfd->mine = bpf_htonl(yours);
	bfd->state_flags = state << 6 | FLAG_FINAL;
	ip4_turn_round(data, ip4);
	udp->check = 0;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
