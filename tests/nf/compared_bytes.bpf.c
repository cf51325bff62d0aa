// EXPECT layers: kernel
/*
 * memcmp of constant lengths, odd ones too: the code generator makes loads of it. Packet bytes
 * against text, against a map's value and what was copied to the stack; equal, less, greater.
 */
#include "nf.h"

struct name {
	char text[21];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct name);
} names SEC(".maps");

SEC("xdp")
int compared_bytes(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct name *name, copy = {};
	__u8 *payload;
	__u32 zero = 0;
	int order;

	if (!ip4)
		return XDP_PASS;
	payload = (void *)(ip4 + 1);
	if ((void *)(payload + sizeof(*name)) > data_end)
		return XDP_PASS;
	name = bpf_map_lookup_elem(&names, &zero);
	if (!name)
		return XDP_ABORTED;
	if (!__builtin_memcmp(payload, "GET /index.ht", 13))
		return XDP_DROP;
	if (!__builtin_memcmp(payload, name->text, sizeof(name->text)))
		ip4->id = 7;
	__builtin_memcpy(copy.text, payload, sizeof(copy.text));
	order = __builtin_memcmp(copy.text, name->text, 15);
	__builtin_memcpy(name->text, copy.text, 15);
	ip4->tot_len = order < 0 ? 1 : order > 0 ? 2 : 3;
	return __builtin_memcmp(payload, "\x11\x22\x33", 3) < 0 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
