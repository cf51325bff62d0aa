// EXPECT layers: kernel user
// EXPECT home sources: shared values
/* A map value pointer is live across the loop: it must be the same element behind it. */
#include "nf.h"

struct source {
	__u64 packets;
	__u32 hash;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct source);
} sources SEC(".maps");

SEC("xdp")
int map_value_live(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct source *source, fresh = {};
	__be32 address;

	if (!ip4)
		return XDP_PASS;
	address = ip4->saddr;
	source = bpf_map_lookup_elem(&sources, &address);
	if (!source) {
		bpf_map_update_elem(&sources, &address, &fresh, BPF_NOEXIST);
		source = bpf_map_lookup_elem(&sources, &address);
		if (!source)
			return XDP_ABORTED;
	}
	source->packets++;
	source->hash = hash_bytes((void *)(ip4 + 1), data_end, source->hash);
	return source->hash & 1 ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
