// EXPECT layers: kernel user
// EVERY --cuts 3: twenty maps are compared for each
/*
 * More maps than a plan can keep in order between both parts, with a sum through all of them in a
 * word of the stack: neither the graph nor the plan may take longer than a moment.
 */
#include "nf.h"

#define TABLE(name)                                                                                \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 64);                                                           \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} name SEC(".maps")

#define EACH(what)                                                                                 \
	what(a0);                                                                                  \
	what(a1);                                                                                  \
	what(a2);                                                                                  \
	what(a3);                                                                                  \
	what(a4);                                                                                  \
	what(a5);                                                                                  \
	what(a6);                                                                                  \
	what(a7);                                                                                  \
	what(b0);                                                                                  \
	what(b1);                                                                                  \
	what(b2);                                                                                  \
	what(b3);                                                                                  \
	what(b4);                                                                                  \
	what(b5);                                                                                  \
	what(b6);                                                                                  \
	what(b7);                                                                                  \
	what(c0);                                                                                  \
	what(c1);                                                                                  \
	what(c2);                                                                                  \
	what(c3)

EACH(TABLE);

#define COUNT(map)                                                                                 \
	do {                                                                                       \
		__u64 *value = bpf_map_lookup_elem(&map, &key);                                    \
                                                                                                   \
		if (value)                                                                         \
			sum += *value;                                                             \
		else                                                                               \
			bpf_map_update_elem(&map, &key, &sum, BPF_ANY);                            \
	} while (0)

SEC("xdp")
int many_maps(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 sum = 1;
	__u32 key;

	if (!ip4)
		return XDP_PASS;
	key = ip4->saddr & 31;
	EACH(COUNT);
	ip4->id = hash_bytes((void *)(ip4 + 1), data_end, sum);
	key = ip4->daddr & 31;
	EACH(COUNT);
	return sum & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
