// EXPECT layers: kernel
/* A map of the old kind that the program does not use stands in the way of nothing. */
#include "nf.h"

struct old_map_def {
	unsigned int type, key_size, value_size, max_entries;
};

struct old_map_def old_map SEC("maps") = {BPF_MAP_TYPE_HASH, 4, 8, 16};

SEC("xdp")
int old_map_unused(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);

	return ip4 && ip4->ttl & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
