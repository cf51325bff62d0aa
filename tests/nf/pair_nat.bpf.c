// EXPECT layers: kernel user
// EXPECT home scratch: packet-local
/*
 * A pair at both TC hooks: what leaves gets an address and a port of the outside from a pool (a
 * variable that only this program changes), what comes back is translated back by what the other
 * program noted; a scratch map is for the packets of one program only. Clocks of both are compared:
 * the round trip of the first answer.
 */
// GEN {"saddr4": ["192.168.0.0/30"], "daddr4": ["192.168.0.0/30", "203.0.113.7"],
// GEN "sports": [20000, 20001, 20002, 4242], "dports": ["20000-20003", 53], "flows": 10,
// GEN "weights": {"udp": 20, "tcp": 1}}
// EVERY --cuts 14: two programs of some 30 edges
#include "pair.h"

#define OUTSIDE    bpf_htonl(0xcb007107)
#define FIRST_PORT 20000
#define PORTS      4

struct inner {
	__u32 address;
	__u16 port, used;
	__u64 sent_ns, round_trip_ns;
};

struct pair {
	__u32 address;
	__u16 port, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, struct inner);
} by_port SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, struct pair);
	__type(value, __u32);
} by_inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pair);
} scratch SEC(".maps");

__u32 next_port;
__u64 answers;

SEC("tc/ingress")
int come_in(struct __sk_buff *skb)
{
	struct udphdr *udp;
	struct iphdr *ip = find_udp(DATA(skb), DATA_END(skb), &udp);
	struct inner *inner;
	__u32 slot;

	if (!ip || ip->daddr != OUTSIDE)
		return TC_ACT_OK;
	slot = bpf_ntohs(udp->dest) - FIRST_PORT;
	inner = bpf_map_lookup_elem(&by_port, &slot);
	if (!inner || !inner->used)
		return TC_ACT_SHOT;
	if (!inner->round_trip_ns)
		inner->round_trip_ns = bpf_ktime_get_ns() - inner->sent_ns;
	__sync_fetch_and_add(&answers, 1);
	ip->daddr = inner->address;
	udp->dest = inner->port;
	udp->check = 0;
	return TC_ACT_OK;
}

SEC("tc/egress")
int go_out(struct __sk_buff *skb)
{
	struct udphdr *udp;
	struct iphdr *ip = find_udp(DATA(skb), DATA_END(skb), &udp);
	__u32 *known, slot, zero = 0;
	struct pair *from;
	struct inner *inner;

	if (!ip || (ip->saddr & bpf_htonl(0xffff0000)) != bpf_htonl(0xc0a80000))
		return TC_ACT_OK;
	from = bpf_map_lookup_elem(&scratch, &zero);
	if (!from)
		return TC_ACT_SHOT;
	from->address = ip->saddr;
	from->port = udp->source;
	from->pad = 0;
	if (hash_bytes((void *)(udp + 1), DATA_END(skb), 0) % 11 == 3)
		return TC_ACT_SHOT;
	known = bpf_map_lookup_elem(&by_inner, from);
	slot = known ? *known : next_port++ % PORTS;
	if (!known)
		bpf_map_update_elem(&by_inner, from, &slot, BPF_ANY);
	slot %= PORTS;
	inner = bpf_map_lookup_elem(&by_port, &slot);
	if (!inner)
		return TC_ACT_SHOT;
	inner->address = from->address;
	inner->port = from->port;
	inner->used = 1;
	inner->sent_ns = bpf_ktime_get_ns();
	inner->round_trip_ns = 0;
	ip->saddr = OUTSIDE;
	udp->source = bpf_htons(FIRST_PORT + slot);
	udp->check = 0;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
