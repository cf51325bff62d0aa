// EXPECT layers: kernel user
/* One object that is more than the kernel has room for: what works on it runs in user. */
#include "nf.h"

SEC("xdp")
int big_stack_object(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	volatile unsigned char buf[1000];
	__u8 *p = data;
	int sum = 0;

	if (data + 14 > data_end)
		return XDP_DROP;
#pragma clang loop unroll(disable)
	for (int i = 0; i < 1000; i++)
		buf[i] = i ^ p[i & 7];
#pragma clang loop unroll(disable)
	for (int i = 0; i < 1000; i += p[3] | 1)
		sum += buf[i];
	return sum & 1 ? XDP_PASS : XDP_TX;
}
char _license[] SEC("license") = "GPL";
