// EXPECT layers: kernel
// GEN {"saddr4": ["10.0.0.0/29"], "weights": {"udp": 60, "tcp": 40}}
/* A value that is kept while its element is deleted, and read and written then. */
#include "nf.h"
#include "net.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} flows SEC(".maps");

SEC("xdp")
int value_deleted(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));
	__u64 *value, *again, start = 5;
	__u32 key;

	if (!ip4)
		return XDP_PASS;
	key = ip4->saddr;
	value = bpf_map_lookup_elem(&flows, &key);
	if (!value) {
		start = ip4->id;
		bpf_map_update_elem(&flows, &key, &start, BPF_ANY);
		return XDP_DROP;
	}
	*value += 3;
	if (*value & 4) {
		bpf_map_delete_elem(&flows, &key);
		again = bpf_map_lookup_elem(&flows, &key);
		if (again)
			return XDP_ABORTED;
		return *value & 1 ? XDP_TX : XDP_PASS;
	}
	*value += 5;
	ip4->ttl = *value;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
