// EXPECT layers: kernel user
/* A loop in a loop: the longest run of one byte value that occurs anywhere; the verdict needs both.
 */
#include "nf.h"

SEC("xdp")
int nested_loops(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	const __u8 *p, *q;
	__u32 longest = 0, run;

	if (!ip4)
		return XDP_PASS;
	p = (void *)(ip4 + 1);
	while ((void *)(p + 1) <= data_end) {
		run = 0;
		q = p;
		while ((void *)(q + 1) <= data_end && *q == *p) {
			run++;
			q++;
		}
		if (run > longest)
			longest = run;
		p++;
	}
	ip4->tos = longest;
	return longest > 4 ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
