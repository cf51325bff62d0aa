// EXPECT layers: kernel
/*
 * A pointer into one of two memories: a map's value that was found, or a variable of the function's
 * own. A helper reads what it points to, and the function reads and writes it.
 */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} aliases SEC(".maps"), seen SEC(".maps");

SEC("xdp")
int key_of_either(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));
	__u32 own, source, one = 1, *key, *count;

	if (!ip4)
		return XDP_PASS;
	source = ip4->saddr & 0xff;
	own = source ^ 0x55;
	key = bpf_map_lookup_elem(&aliases, &source);
	if (!key)
		key = &own;
	asm volatile("" : "+r"(key));
	count = bpf_map_lookup_elem(&seen, key);
	if (count)
		++*count;
	else
		bpf_map_update_elem(&seen, key, &one, BPF_ANY);
	*key += 3;
	ip4->id = own + *key;
	bpf_map_update_elem(&aliases, &source, &own, BPF_NOEXIST);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
