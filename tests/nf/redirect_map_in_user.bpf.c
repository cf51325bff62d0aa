// EXPECT layers: kernel user
// EXPECT home out: kernel, batched
/* A redirect through a device map is decided in user; an empty slot gives the flags' action. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} out SEC(".maps");

SEC("xdp")
int redirect_map_in_user(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 hash;

	if (!ip4)
		return XDP_PASS;
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	return bpf_redirect_map(&out, hash & 7, hash & 8 ? XDP_PASS : XDP_DROP);
}

char _license[] SEC("license") = "Dual BSD/GPL";
