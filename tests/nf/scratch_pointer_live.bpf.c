// EXPECT layers: kernel user
// EXPECT home scratch: packet-local
// EXPECT home seen: kernel
/*
 * The pointer to a scratch element that is not the first one crosses the cut, and is written and
 * read behind it. The map `seen` is written and read by nobody here: a result, not scratch.
 */
#include "nf.h"

struct notes {
	__u32 address;
	__u8 first[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct notes);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} seen SEC(".maps");

SEC("xdp")
int scratch_pointer_live(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 two = 2, zero = 0, hash;
	struct notes *notes = bpf_map_lookup_elem(&scratch, &two);
	__u32 *last = bpf_map_lookup_elem(&seen, &zero);

	if (!ip4 || !notes)
		return XDP_PASS;
	if (last)
		*last = ip4->daddr;
	notes->address = ip4->saddr;
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	for (int i = 0; i < 8; i++)
		notes->first[i] = hash >> i;
	ip4->id = notes->first[3] + notes->first[7];
	return (notes->address + notes->first[hash & 7]) & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
