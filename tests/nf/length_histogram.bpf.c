// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"flows": 16, "ifindexes": [1, 2], "weights": {"vlan": 10, "jumbo": 5}}
/*
 * Histograms of packet lengths by protocol in powers of two, and moments for mean and deviation,
 * per CPU; the length that IP claims is compared with the frame's.
 */
#include "net.h"

enum { BUCKETS = 16, KINDS = 4 };

struct histogram {
	__u64 bucket[BUCKETS];
	__u64 packets, bytes, squares, short_frames;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KINDS);
	__type(key, __u32);
	__type(value, struct histogram);
} histograms SEC(".maps");

static __always_inline __u32 log2(__u32 x)
{
	__u32 n = 0;

	for (__u32 width = 8; width; width /= 2)
		if (x >> width) {
			x >>= width;
			n += width;
		}
	return n;
}

/* Kind of the frame, and how long its IP header says it is. */
static __always_inline __u32 classify(void *data, void *data_end, __u32 *claimed)
{
	struct ethhdr *eth = data;
	struct vlan_hdr *tag = (void *)(eth + 1);
	void *l3 = eth + 1;
	__be16 proto;

	*claimed = 0;
	if ((void *)(eth + 1) > data_end)
		return 0;
	proto = eth->h_proto;
	if (is_vlan(proto)) {
		if ((void *)(tag + 1) > data_end)
			return 0;
		proto = tag->proto;
		l3 = tag + 1;
	}
	if (proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = l3;

		if ((void *)(ip4 + 1) > data_end)
			return 0;
		*claimed = bpf_ntohs(ip4->tot_len) + (l3 - data);
		return ip4->protocol == IPPROTO_TCP ? 1 : 2;
	}
	if (proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = l3;

		if ((void *)(ip6 + 1) > data_end)
			return 0;
		*claimed = bpf_ntohs(ip6->payload_len) + sizeof *ip6 + (l3 - data);
		return 3;
	}
	return 0;
}

SEC("xdp")
int length_histogram(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	__u32 bytes = data_end - data, claimed, kind = classify(data, data_end, &claimed);
	struct histogram *h = bpf_map_lookup_elem(&histograms, &kind);

	if (!h)
		return XDP_ABORTED;
	h->bucket[log2(bytes) & (BUCKETS - 1)]++;
	h->packets++;
	h->bytes += bytes;
	h->squares += (__u64)bytes * bytes;
	if (claimed > bytes) {
		h->short_frames++;
		return XDP_DROP;
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
