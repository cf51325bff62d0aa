// EXPECT layers: kernel user
/* Every verdict is reached behind the loop, one of them out of range. */
#include "nf.h"

SEC("xdp")
int many_verdicts(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	if (!ip4)
		return XDP_PASS;
	switch (hash_bytes((void *)(ip4 + 1), data_end, ip4->protocol) % 7) {
	case 0:
		return XDP_ABORTED;
	case 1:
		return XDP_DROP;
	case 2:
		ip4->tos = 1;
		return XDP_PASS;
	case 3:
		ip4->ttl = 9;
		return XDP_TX;
	case 4:
		return bpf_redirect(1, 0);
	case 5:
		return 42;
	default:
		return bpf_redirect(ip4->tos & 1, 0);
	}
}

char _license[] SEC("license") = "Dual BSD/GPL";
