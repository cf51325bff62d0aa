// EXPECT layers: kernel user
// EXPECT home seen: user
/* Updates in user with BPF_NOEXIST and BPF_EXIST; their result decides. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int update_flags(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 value;
	__u32 key;
	long err;

	if (!ip4)
		return XDP_PASS;
	key = hash_bytes((void *)(ip4 + 1), data_end, ip4->saddr) & 127;
	value = ip4->daddr;
	if (key & 1)
		err = bpf_map_update_elem(&seen, &key, &value, BPF_NOEXIST);
	else if (key & 2)
		err = bpf_map_update_elem(&seen, &key, &value, BPF_EXIST);
	else
		err = bpf_map_update_elem(&seen, &key, &value, BPF_ANY);
	ip4->tos = -err;
	return err ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
