// EXPECT layers: kernel
/* A string that nothing names any more but its address, which is written down only behind a cut. */
#include "nf.h"

static __always_inline long name_it(char *text, __u32 size, const char *name)
{
	__u64 arguments[1] = {(__u64)(long)name};

	return bpf_snprintf(text, size, "<%s>", arguments, sizeof(arguments));
}

SEC("xdp")
int string_by_address(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	char name[16] = {}, text[16] = {};

	if (!ip4 || (void *)(ip4 + 1) + sizeof(text) > data_end)
		return XDP_PASS;
	__builtin_memcpy(name, &ip4->saddr, 8);
	name[8] = 'x';
	ip4->id = bpf_get_prandom_u32();
	ip4->tot_len = name_it(text, sizeof(text), name);
	__builtin_memcpy(ip4 + 1, text, sizeof(text));
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
