// EXPECT layers: kernel
/*
 * The kernel's types by vmlinux.h, which nobody has made: it comes from BTF. What is asked of them
 * is answered when this is built; "bpf_helpers.h" is libbpf's, by its short name.
 */
#include "vmlinux.h"
#include "bpf_helpers.h"
#include "bpf_endian.h"
#include "bpf_core_read.h"

struct ends {
	__be32 source, target;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct ends);
	__type(value, u64);
} seen SEC(".maps");

SEC("xdp")
int kernel_types(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof *eth;
	struct ends ends = {};
	u64 *bytes, first = data_end - data;

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(0x0800))
		return XDP_PASS;
	if (!bpf_core_field_exists(struct net_device, ifindex))
		return XDP_ABORTED;
	ends.source = ip->saddr;
	ends.target = ip->daddr;
	bytes = bpf_map_lookup_elem(&seen, &ends);
	if (!bytes)
		return bpf_map_update_elem(&seen, &ends, &first, BPF_NOEXIST) ? XDP_DROP : XDP_PASS;
	*bytes += first;
	return ip->protocol == IPPROTO_UDP ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
