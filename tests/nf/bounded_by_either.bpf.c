// EXPECT layers: kernel
/* Loops with a count and a second condition, which clang folds into one test. */
#include "nf.h"

static __always_inline __u32 sum_up(const __u8 *p, const void *data_end)
{
	__u32 sum = 0;

	for (int i = 0; i < 16 && (const void *)(p + 1) <= data_end; i++)
		sum += *p++;
	return sum;
}

static __always_inline __u32 sum_until_zero(const __u8 *p, const void *data_end)
{
	__u32 sum = 0;
	int left = 20;

	do {
		if ((const void *)(p + 1) > data_end)
			break;
		sum = sum * 3 + *p;
	} while (*p++ != 0 && --left > 0);
	return sum;
}

SEC("xdp")
int bounded_by_either(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);

	if (!ip4)
		return XDP_PASS;
	if (sum_up((void *)(ip4 + 1), data_end) & 1)
		return XDP_DROP;
	return sum_until_zero((void *)(ip4 + 1), data_end) & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
