// EXPECT layers: kernel
// EXPECT split-user: only the kernel can send one packet to all interfaces of out
/*
 * Redirects by every flag: an action for keys that are not there, all interfaces but one, flags
 * that no kernel knows, and a second redirect that takes the place of the first.
 */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} out SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} sparse SEC(".maps");

SEC("xdp")
int redirect_flags(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 kind, key;

	if (!ip4)
		return XDP_PASS;
	kind = (ip4->saddr >> 24) & 15;
	key = ip4->daddr >> 24;
	switch (kind) {
	case 0:
	case 1:
	case 2:
	case 3:
		return bpf_redirect_map(&out, key, kind);
	case 4:
		return bpf_redirect_map(&out, key, BPF_F_BROADCAST);
	case 5:
		return bpf_redirect_map(&sparse, key, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
	case 6:
		return bpf_redirect_map(&sparse, key, BPF_F_EXCLUDE_INGRESS | XDP_PASS);
	case 7:
		return bpf_redirect_map(&out, key, 1 << 6);
	case 8:
		return bpf_redirect(1, 0);
	case 9:
		return bpf_redirect(1, BPF_F_INGRESS);
	case 10:
		bpf_redirect(2, 0);
		return bpf_redirect_map(&out, key, XDP_TX);
	default:
		bpf_redirect_map(&sparse, key, 0);
		return kind & 1 ? bpf_redirect(1, 0) : XDP_TX;
	}
}

char _license[] SEC("license") = "Dual BSD/GPL";
