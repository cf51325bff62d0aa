// EXPECT layers: kernel
// EVERY --cuts 10 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/31"], "daddr4": ["192.0.2.1"], "saddr6": ["2001:db8:1::/127"],
// GEN "daddr6": ["2001:db8:2::1"], "dports": [22, 80], "flows": 6, "weights": {"vlan": 0},
// GEN "frames": [["eth", "ipv4", "tcp - 7000 2"], ["eth", "ipv4", "tcp - 8000 2"],
// GEN ["eth", "ipv4", "tcp - 9000 2"], ["eth", "ipv4", "tcp - 22 2"], ["eth", "ipv4", "tcp - 22"],
// GEN ["eth", "ipv6", "tcp - 7000 2"], ["eth", "ipv6", "tcp - 8000 2"],
// GEN ["eth", "ipv6", "tcp - 9000 2"], ["eth", "ipv6", "tcp - 22 2"]]}
// MAPS {"globals": {"window_ns": 2000000000}}
/*
 * Port knocking: SSH is open only to who has sent SYNs to three ports in the right order and in
 * time. A wrong knock begins anew. The state of a source is how far it has come and since when.
 */
#include "nf.h"
#include <linux/ipv6.h>
#include <linux/tcp.h>

struct source {
	__u32 addr[4];
};

struct knock {
	__u64 since_ns;
	__u32 stage;
	__u32 attempts;
};

enum { STAGES = 3, PORT_SSH = 22 };

const volatile __u16 sequence[4] = {7000, 8000, 9000, 0};
volatile const __u64 window_ns = 10000000000ULL;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct source);
	__type(value, struct knock);
} knocks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STAGES + 2);
	__type(key, __u32);
	__type(value, __u64);
} reached SEC(".maps");

/* The TCP header and who sends it; NULL when it is no TCP, or a later fragment. */
static __always_inline struct tcphdr *find_tcp(void *data, void *data_end, struct source *source)
{
	struct ethhdr *eth = data;
	struct tcphdr *tcp;

	if ((void *)(eth + 1) > data_end)
		return NULL;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end || ip4->ihl < 5 || ip4->protocol != IPPROTO_TCP ||
		    (ip4->frag_off & bpf_htons(0x1fff)))
			return NULL;
		source->addr[2] = bpf_htonl(0xffff);
		source->addr[3] = ip4->saddr;
		tcp = (void *)ip4 + ip4->ihl * 4;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end || ip6->nexthdr != IPPROTO_TCP)
			return NULL;
		__builtin_memcpy(source->addr, &ip6->saddr, sizeof source->addr);
		tcp = (void *)(ip6 + 1);
	} else {
		return NULL;
	}
	return (void *)(tcp + 1) > data_end ? NULL : tcp;
}

/* One more knock. Whatever it was, it tells nobody anything: the answer is always DROP. */
static __always_inline int knock(const struct source *source, __u16 port, __u64 now)
{
	struct knock *known = bpf_map_lookup_elem(&knocks, source);

	if (!known) {
		struct knock first = {.since_ns = now, .attempts = 1};

		if (port != sequence[0])
			return XDP_DROP;
		first.stage = 1;
		bpf_map_update_elem(&knocks, source, &first, BPF_ANY);
		count_shared(&reached, 1);
		return XDP_DROP;
	}
	known->attempts++;
	if (known->stage >= STAGES)
		return XDP_DROP;
	if (now - known->since_ns > window_ns) {
		known->since_ns = now;
		known->stage = 0;
	}
	if (port == sequence[known->stage & 3]) {
		known->stage++;
		known->since_ns = now;
		count_shared(&reached, known->stage);
	} else {
		known->stage = port == sequence[0];
	}
	return XDP_DROP;
}

SEC("xdp")
int port_knocking(struct xdp_md *ctx)
{
	struct source source = {};
	struct tcphdr *tcp = find_tcp(DATA(ctx), DATA_END(ctx), &source);
	struct knock *known;
	__u64 now;
	__u16 port;

	if (!tcp)
		return XDP_PASS;
	port = bpf_ntohs(tcp->dest);
	now = bpf_ktime_get_ns();
	if (port >= 7000 && port <= 9999 && tcp->syn && !tcp->ack)
		return knock(&source, port, now);
	if (port != PORT_SSH)
		return XDP_PASS;
	known = bpf_map_lookup_elem(&knocks, &source);
	if (!known || known->stage < STAGES) {
		count_shared(&reached, 0);
		return XDP_DROP;
	}
	if (now - known->since_ns > window_ns * 8) {
		bpf_map_delete_elem(&knocks, &source);
		count_shared(&reached, STAGES + 1);
		return XDP_DROP;
	}
	known->since_ns = now;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
