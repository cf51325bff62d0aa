// EXPECT layers: kernel
/* Every clock, random numbers, and where the program runs: the same in whichever part asks. */
#include "nf.h"

__u64 sums[10];

SEC("xdp")
int clocks_and_places(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 start = bpf_ktime_get_ns(), boot, coarse, tai, ticks;

	if (!ip4)
		return XDP_PASS;
	boot = bpf_ktime_get_boot_ns();
	coarse = bpf_ktime_get_coarse_ns();
	tai = bpf_ktime_get_tai_ns();
	ticks = bpf_jiffies64();
	ip4->id = bpf_get_prandom_u32();
	ip4->tos = bpf_get_smp_processor_id() + bpf_get_numa_node_id();
	ip4->saddr ^= start ^ boot;
	ip4->daddr ^= coarse ^ tai;
	ip4->check = ticks;
	sums[0] += start;
	sums[1] ^= ticks + bpf_get_prandom_u32();
	return ip4->id & 1 ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
