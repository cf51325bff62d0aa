// EXPECT layers: kernel
// OPTION --program on_its_cpu
/*
 * Programs that elements of a CPU map and of a device map name are no interface's, and so there is
 * one program here to choose without a word; with its name, another is taken like an interface's.
 */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} sources SEC(".maps");

SEC("xdp")
int to_a_cpu(struct xdp_md *ctx)
{
	return bpf_redirect_map(&cpus, ctx->rx_queue_index & 3, XDP_PASS);
}

SEC("xdp/cpumap")
int on_its_cpu(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 one = 1, *count;
	__u32 key;

	if (!ip4)
		return XDP_PASS;
	key = ip4->saddr;
	count = bpf_map_lookup_elem(&sources, &key);
	if (count)
		return __sync_fetch_and_add(count, 1) > 3 ? XDP_DROP : XDP_PASS;
	bpf_map_update_elem(&sources, &key, &one, BPF_NOEXIST);
	return XDP_PASS;
}

SEC("xdp/devmap")
int on_the_way_out(struct xdp_md *ctx)
{
	return ctx->egress_ifindex == ctx->ingress_ifindex ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
