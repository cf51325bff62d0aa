// EXPECT layers: kernel user
// EXPECT home cpus: kernel, batched
/* A redirect through a CPU map is decided in user; no such CPU: the action of the flags. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} cpus SEC(".maps");

SEC("xdp")
int redirect_to_cpu(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 hash;

	if (!ip4)
		return XDP_PASS;
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	if (hash & 64)
		return bpf_redirect_map(&cpus, hash & 15, hash & 16 ? XDP_TX : XDP_DROP);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
