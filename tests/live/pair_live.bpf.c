/*
 * A pair: what leaves opens a connection, unless its payload says that it closes one, which user
 * reads; only answers come in. From port 9000 on user counts them too.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct flow {
	__u32 inside, outside;
	__u16 inside_port, outside_port;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct flow);
	__type(value, __u64);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

__u64 both;

/* The verifier sees no end of it, so that it runs in user. */
static __always_inline __u32 add_bytes(const __u8 *p, const void *end)
{
	__u32 sum = 0;

	while ((const void *)(p + 1) <= end)
		sum += *p++;
	return sum;
}

static __always_inline struct iphdr *find_udp(void *data, void *end, struct udphdr **udp)
{
	struct iphdr *ip = data + sizeof(struct ethhdr);

	*udp = (void *)(ip + 1);
	if ((void *)(*udp + 1) > end || ip->protocol != IPPROTO_UDP)
		return NULL;
	return ip;
}

static __always_inline void count(__u32 what)
{
	__u64 *number = bpf_map_lookup_elem(&counts, &what);

	if (number)
		__sync_fetch_and_add(number, 1);
	__sync_fetch_and_add(&both, 1);
}

SEC("xdp")
int come_in(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct flow flow = {};
	struct udphdr *udp;
	struct iphdr *ip = find_udp(data, end, &udp);
	__u64 *seen;

	if (!ip)
		return XDP_PASS;
	flow.inside = ip->daddr;
	flow.outside = ip->saddr;
	flow.inside_port = udp->dest;
	flow.outside_port = udp->source;
	seen = bpf_map_lookup_elem(&flows, &flow);
	if (!seen)
		return XDP_DROP;
	if (bpf_ntohs(udp->dest) >= 9000) {
		*seen += add_bytes((void *)(udp + 1), end) != 0;
		count(1);
	}
	return XDP_PASS;
}

SEC("tc/egress")
int go_out(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct flow flow = {};
	struct udphdr *udp;
	struct iphdr *ip = find_udp(data, end, &udp);
	__u64 none = 0;

	if (!ip)
		return TC_ACT_OK;
	flow.inside = ip->saddr;
	flow.outside = ip->daddr;
	flow.inside_port = udp->source;
	flow.outside_port = udp->dest;
	if (add_bytes((void *)(udp + 1), end))
		bpf_map_update_elem(&flows, &flow, &none, BPF_NOEXIST);
	else
		bpf_map_delete_elem(&flows, &flow);
	count(0);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
