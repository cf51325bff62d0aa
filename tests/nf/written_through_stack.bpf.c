// EXPECT layers: kernel user
/*
 * Like starts_over, but the kernel has written to the packet through a pointer that lay on the
 * stack: nobody can say where that went, so no packet may start over behind it.
 */
#include "nf.h"

#define SAMPLE 256

NUMBERS(seen, ARRAY, 16);

SEC("xdp")
int written_through_stack(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u8 sample[SAMPLE] = {};
	__u8 *volatile kept = data;
	__u32 hash, key;
	__u64 *count;

	if (!ip4)
		return XDP_PASS;
	take_sample(sample, SAMPLE, data, data_end);
	if ((void *)(kept + 1) <= data_end)
		*kept += 2;
	key = bpf_ntohl(ip4->saddr) & 15;
	count = bpf_map_lookup_elem(&seen, &key);
	if (!count || *count > 40)
		return XDP_DROP;
	if (sample[(ip4->id >> 8) & (SAMPLE - 1)] & 3)
		return XDP_TX;
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	count_shared(&seen, sample[hash & (SAMPLE - 1)] & 15);
	return hash & 1 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
