// EXPECT layers: kernel user
/* Clock and random numbers before the loop and behind it come in the same order. */
#include "nf.h"

__u64 elapsed_ns, numbers;

SEC("xdp")
int time_and_random(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 start = bpf_ktime_get_ns();
	__u32 number = bpf_get_prandom_u32(), hash;

	if (!ip4)
		return XDP_PASS;
	hash = hash_bytes((void *)(ip4 + 1), data_end, number);
	elapsed_ns = bpf_ktime_get_ns() - start;
	number ^= bpf_get_prandom_u32();
	numbers += number;
	ip4->id = number;
	return (number ^ hash) & 1 ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
