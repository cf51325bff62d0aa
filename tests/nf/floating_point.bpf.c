// EXPECT layers: kernel user
/* Floating point, which BPF does not have: the variance of the first payload bytes. */
#include "nf.h"

SEC("xdp")
int floating_point(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	double sum = 0, squares = 0, variance;
	const __u8 *payload;

	if (!ip4)
		return XDP_PASS;
	payload = (void *)(ip4 + 1);
	if ((void *)(payload + 8) > data_end)
		return XDP_PASS;
#pragma unroll
	for (int i = 0; i < 8; i++) {
		sum += payload[i];
		squares += (double)payload[i] * payload[i];
	}
	variance = squares / 8 - (sum / 8) * (sum / 8);
	return variance > 2000.5 ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
