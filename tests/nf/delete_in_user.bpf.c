// EXPECT layers: kernel user
// EXPECT home flows: shared values
/* An element is inserted in the kernel and deleted in user; the next packet of its key must not
 * find it. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, __u64);
} flows SEC(".maps");

SEC("xdp")
int delete_in_user(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u64 *packets, one = 1;
	__be32 address;

	if (!ip4)
		return XDP_PASS;
	address = ip4->saddr;
	packets = bpf_map_lookup_elem(&flows, &address);
	if (!packets) {
		bpf_map_update_elem(&flows, &address, &one, BPF_NOEXIST);
		return XDP_PASS;
	}
	if (hash_bytes((void *)(ip4 + 1), data_end, 0) & 1) {
		ip4->tos = *packets;
		return bpf_map_delete_elem(&flows, &address) ? XDP_ABORTED : XDP_TX;
	}
	*packets += 1;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
