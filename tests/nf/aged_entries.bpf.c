// EXPECT layers: kernel
/* What is too old is counted by a callback, which asks the clock as the program does. */
#include "nf.h"

NUMBERS(seen_ns, ARRAY, 16);

static __u64 old;

static long count_old(void *map, __u32 *key, __u64 *seen, void *unused)
{
	if (*seen && bpf_ktime_get_ns() - *seen > 20000000)
		__sync_fetch_and_add(&old, 1);
	return 0;
}

SEC("xdp")
int aged_entries(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));
	__u64 before = old;

	if (!ip4)
		return XDP_PASS;
	bpf_for_each_map_elem(&seen_ns, count_old, NULL, 0);
	put_number(&seen_ns, bpf_ntohl(ip4->saddr) & 15, bpf_ktime_get_ns());
	if (old - before > 2)
		return XDP_DROP;
	return old != before ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
