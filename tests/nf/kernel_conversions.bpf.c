// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer %pS of bpf_snprintf
/* The name of a symbol is nothing that user could look up: this text is the kernel's to write. */
#include "nf.h"

SEC("xdp")
int kernel_conversions(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 address = 0xffffffff81000000;
	struct btf_ptr unknown = {};
	char text[16] = {};

	if (!ip4 || (void *)(ip4 + 1) + sizeof(text) > data_end)
		return XDP_PASS;
	ip4->id = bpf_snprintf(text, sizeof(text), "%pS", &address, sizeof(address));
	ip4->tos = bpf_snprintf_btf(text, sizeof(text), &unknown, sizeof(unknown), 0) < 0;
	__builtin_memcpy(ip4 + 1, text, sizeof(text));
	ip4->ttl--;
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
