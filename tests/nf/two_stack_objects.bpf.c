// EXPECT layers: kernel
// EXPECT remedies: 6
#include "nf.h"

/*
 * Two objects on the stack, each of which the kernel has room for: only the finished part shows it.
 */
SEC("xdp")
int two_stack_objects(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	unsigned char first[300], second[300];
	__u8 *p = data;
	int sum = 0;

	if (data + 14 > data_end)
		return XDP_DROP;
	if (p[12] != 8)
		return XDP_PASS;
#pragma clang loop unroll(disable)
	for (int i = 0; i < 300; i++)
		first[i] = i ^ p[i & 7];
#pragma clang loop unroll(disable)
	for (int i = 0; i < 300; i++)
		second[i] = first[(i * 7) % 300];
#pragma clang loop unroll(disable)
	for (int i = 0; i < 300; i += 3)
		sum += second[i] ^ first[299 - i];
	return sum & 1 ? XDP_PASS : XDP_TX;
}
char _license[] SEC("license") = "GPL";
