/*
 * A little of everything that listings show: fields of IPv4 and IPv6, keys of fields and constants,
 * maps of several homes, globals, time, loops with a bound and without, each verdict but one.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct seen {
	__u64 first_ns, packets;
};

struct source {
	__be32 address;
	__u16 family, zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct source);
	__type(value, struct seen);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} bytes SEC(".maps");

const volatile __u64 limit = 100;
__u64 odd_packets;

static __always_inline int count(int verdict)
{
	__u32 key = verdict & 3;
	__u64 *counter = bpf_map_lookup_elem(&verdicts, &key);

	if (counter)
		*counter += 1;
	return verdict;
}

static __always_inline void count_bytes(const __u8 *p, const void *end)
{
	while ((const void *)(p + 1) <= end) {
		__u32 key = *p++;
		__u32 *counter = bpf_map_lookup_elem(&bytes, &key);

		if (counter)
			*counter += 1;
	}
}

static __always_inline int check(struct source *source)
{
	struct seen fresh = {.first_ns = bpf_ktime_get_ns(), .packets = 1}, *seen;

	seen = bpf_map_lookup_elem(&sources, source);
	if (!seen) {
		bpf_map_update_elem(&sources, source, &fresh, BPF_ANY);
		return XDP_PASS;
	}
	if (++seen->packets > limit && fresh.first_ns - seen->first_ns < 1000000000)
		return XDP_DROP;
	return XDP_PASS;
}

SEC("xdp")
int port_limit(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof *eth;
	struct ipv6hdr *ip6 = data + sizeof *eth;
	struct source source = {};
	struct udphdr *udp;
	__u32 folded = 0;

	if ((void *)(ip + 1) > end)
		return count(XDP_ABORTED);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		if ((void *)(ip6 + 1) > end)
			return count(XDP_DROP);
		source.family = 6;
		for (int i = 0; i < 4; i++)
			folded ^= ip6->saddr.in6_u.u6_addr32[i];
		source.address = folded;
		return count(check(&source));
	}
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return count(XDP_PASS);
	udp = (void *)(ip + 1);
	if (ip->protocol != IPPROTO_UDP || (void *)(udp + 1) > end) {
		odd_packets++;
		return count(XDP_PASS);
	}
	source.family = 4;
	source.address = ip->saddr;
	if (udp->dest == bpf_htons(53))
		count_bytes((void *)(udp + 1), end);
	if (udp->dest == bpf_htons(7)) {
		udp->dest = udp->source;
		return count(XDP_TX);
	}
	return count(check(&source));
}

char _license[] SEC("license") = "GPL";
