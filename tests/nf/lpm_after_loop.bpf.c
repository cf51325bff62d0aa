// EXPECT layers: kernel user
/* A longest-prefix look-up whose key the loop makes. */
#include "nf.h"

struct prefix {
	__u32 length;
	__be32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} routes SEC(".maps");

SEC("xdp")
int lpm_after_loop(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct prefix key = {.length = 32};
	__u32 *route;

	if (!ip4)
		return XDP_PASS;
	key.address = ip4->daddr ^ bpf_htonl(hash_bytes((void *)(ip4 + 1), data_end, 0) & 0xff);
	route = bpf_map_lookup_elem(&routes, &key);
	if (!route)
		return XDP_DROP;
	ip4->tos = *route;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
