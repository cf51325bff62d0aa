// EXPECT layers: kernel user
/*
 * Prefixes whose value changes through what a look-up of an address in them found, and shows in
 * the look-up of another address of the same prefix.
 */
#include "nf.h"

struct prefix {
	__u32 length;
	__u32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u64);
} prefixes SEC(".maps");

SEC("xdp")
int lpm_value_written(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 start = 1, *from, *to;
	__u32 hash;

	if (!ip4)
		return XDP_PASS;
	struct prefix key = {.length = 32, .address = ip4->saddr};
	struct prefix net = {.length = 8, .address = ip4->saddr};
	struct prefix peer = {.length = 32, .address = ip4->daddr};
	from = bpf_map_lookup_elem(&prefixes, &key);
	if (!from) {
		bpf_map_update_elem(&prefixes, &net, &start, BPF_NOEXIST);
		return XDP_PASS;
	}
	*from = *from * 3 + 1;
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	to = bpf_map_lookup_elem(&prefixes, &peer);
	if (to)
		*to += hash & 7;
	return *from & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
