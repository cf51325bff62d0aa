// EXPECT layers: kernel user
// EXPECT home waiting: kernel, batched
/* A queue that fills up in both parts: what was put in first comes out first, wherever. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__type(value, __u64);
} waiting SEC(".maps");

SEC("xdp")
int queue_in_user(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 item, oldest = 0;
	__u32 hash;

	if (!ip4)
		return XDP_PASS;
	item = ip4->saddr;
	if (ip4->id & bpf_htons(1)) {
		long err = bpf_map_push_elem(&waiting, &item,
					     ip4->id & bpf_htons(6) ? BPF_ANY : BPF_EXIST);

		return err == 0 ? XDP_PASS : err == -7 ? XDP_TX : XDP_ABORTED;
	}
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	if (hash & 1)
		bpf_map_push_elem(&waiting, &item, BPF_EXIST);
	if (hash & 2 && !bpf_map_peek_elem(&waiting, &oldest) && oldest == item)
		return XDP_TX;
	if (hash & 4 && bpf_map_pop_elem(&waiting, &item))
		return item ? XDP_ABORTED : XDP_PASS;
	return (item ^ oldest) & bpf_htonl(1) ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
