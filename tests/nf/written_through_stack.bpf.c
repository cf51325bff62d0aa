// EXPECT layers: kernel user
/*
 * Like starts_over, but the kernel has written to the packet through a pointer that lay on the
 * stack: nobody can say where that went, so no packet may start over behind it.
 */
#include "nf.h"

#define SAMPLE 256

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int written_through_stack(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u8 sample[SAMPLE] = {}, *p = data;
	__u8 *volatile kept = data;
	__u64 one = 1, *count;
	__u32 hash = 0, key;

	if (!ip4)
		return XDP_PASS;
	for (int i = 0; i < SAMPLE; i++) {
		if (p + i + 1 > (__u8 *)data_end)
			break;
		sample[i] = p[i];
	}
	if ((void *)(kept + 1) <= data_end)
		*kept += 2;
	key = ip4->saddr;
	count = bpf_map_lookup_elem(&seen, &key);
	if (count && *count > 2)
		return XDP_DROP;
	if (sample[(ip4->id >> 8) & (SAMPLE - 1)] & 3)
		return XDP_TX;
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	hash = sample[hash & (SAMPLE - 1)] + hash;
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
	return hash & 1 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
