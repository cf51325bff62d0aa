// EXPECT layers: kernel
// EXPECT split-user: only the kernel can
/* Redirects for the kernel alone: to sockets, to all interfaces, through programs. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} out SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

SEC("xdp")
int redirect_kernel_maps(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 slot;

	if (!ip4)
		return XDP_PASS;
	slot = bpf_ntohl(ip4->daddr) & 3;
	switch (ip4->protocol) {
	case IPPROTO_UDP:
		if (bpf_map_lookup_elem(&sockets, &slot))
			return bpf_redirect_map(&sockets, slot, XDP_DROP);
		return XDP_TX;
	case IPPROTO_TCP:
		return bpf_redirect_map(&out, slot, XDP_PASS);
	case IPPROTO_ICMP:
		return bpf_redirect_map(&cpus, slot, XDP_DROP);
	default:
		return bpf_redirect_map(&ports, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
	}
}

char _license[] SEC("license") = "Dual BSD/GPL";
