// EXPECT layers: kernel user
// EXPECT home scratch: packet-local
/* A per-CPU array element stands in for a big stack: written before the loop, read behind it. */
#include "nf.h"

struct notes {
	__be32 source, destination;
	__u8 first[16];
	__u32 unused[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct notes);
} scratch SEC(".maps");

SEC("xdp")
int percpu_scratch(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 zero = 0, hash;
	struct notes *notes = bpf_map_lookup_elem(&scratch, &zero);

	if (!ip4 || !notes || (void *)(ip4 + 1) + 16 > data_end)
		return XDP_PASS;
	notes->source = ip4->saddr;
	notes->destination = ip4->daddr;
	__builtin_memcpy(notes->first, ip4 + 1, 16);
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	ip4->saddr = notes->destination;
	ip4->daddr = notes->source;
	__builtin_memcpy(ip4 + 1, notes->first + (hash & 7), 8);
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
