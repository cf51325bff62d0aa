// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"flows": 10, "dports": [80], "frames": [["eth", "ipv4", "tcp - 80 24",
// GEN "text GET / HTTP/1.1\r\n"], ["eth", "ipv6", "tcp - 80 24",
// GEN "text POST /form HTTP/1.1\r\n"], ["eth", "ipv4", "tcp - 80 24 01010101",
// GEN "text DELETE /x HTTP/1.0\r\n"], ["eth", "ipv4", "tcp - 80 24",
// GEN "text TRACE / HTTP/1.1\r\n"], ["eth", "ipv4", "tcp - 80 24", "text \r\nxyz FOO"], ["eth",
// GEN "ipv4", "tcp - 80 24", "text PUT "]]}
// MAPS {"allowed": [{"key": 1, "value": 1}, {"key": 2, "value": 1}, {"key": 4, "value": 0}]}
/*
 * Lets only some HTTP methods through to port 80; a method is told by its first eight bytes.
 */
#include "net.h"

enum method { NONE, GET, POST, PUT, DELETE, HEAD, OPTIONS, OTHER, METHODS };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, METHODS);
	__type(key, __u32);
	__type(value, __u32);
} allowed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, METHODS);
	__type(key, __u32);
	__type(value, __u64);
} requests SEC(".maps");

#define IS(p, text) (__builtin_memcmp(p, text, sizeof text - 1) == 0)

static __always_inline enum method read_method(const char *p)
{
	if (IS(p, "GET "))
		return GET;
	if (IS(p, "POST "))
		return POST;
	if (IS(p, "PUT "))
		return PUT;
	if (IS(p, "DELETE "))
		return DELETE;
	if (IS(p, "HEAD "))
		return HEAD;
	if (IS(p, "OPTIONS "))
		return OPTIONS;
	for (int i = 0; i < 4; i++)
		if (p[i] < 'A' || p[i] > 'Z')
			return NONE;
	return OTHER;
}

SEC("xdp")
int http_method(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct ethhdr *eth = data;
	struct tcphdr *tcp;
	__u32 method, *allow;
	__u64 *counter;
	char *text;

	if ((void *)(eth + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end || ip4->ihl < 5 || is_fragment(ip4) ||
		    ip4->protocol != IPPROTO_TCP)
			return XDP_PASS;
		tcp = (void *)ip4 + ip4->ihl * 4;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end || ip6->nexthdr != IPPROTO_TCP)
			return XDP_PASS;
		tcp = (void *)(ip6 + 1);
	} else {
		return XDP_PASS;
	}
	if ((void *)(tcp + 1) > data_end || tcp->dest != bpf_htons(80) || tcp->doff < 5 || tcp->syn)
		return XDP_PASS;
	text = (void *)tcp + tcp->doff * 4;
	if ((void *)(text + 8) > data_end)
		return XDP_PASS;
	method = read_method(text);
	if (method == NONE)
		return XDP_PASS;
	counter = bpf_map_lookup_elem(&requests, &method);
	if (counter)
		++*counter;
	allow = bpf_map_lookup_elem(&allowed, &method);
	return allow && *allow ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
