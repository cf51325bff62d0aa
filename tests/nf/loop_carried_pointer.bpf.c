// EXPECT layers: kernel user
/* The loop steps through type-length-value options by lengths from the packet, and goes on behind
 * the cut where it stands. */
#include "nf.h"

SEC("xdp")
int loop_carried_pointer(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u8 *p;
	__u32 options = 0;

	if (!ip4)
		return XDP_PASS;
	p = (void *)(ip4 + 1);
	while ((void *)(p + 2) <= data_end && p[0] != 0) {
		if (p[0] == 1) {
			p++;
			continue;
		}
		if (p[1] < 2 || (void *)p + p[1] > data_end)
			return XDP_DROP;
		options++;
		p += p[1];
	}
	if ((void *)(p + 1) > data_end)
		return XDP_PASS;
	*p = options;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
