// EXPECT layers: kernel
// EXPECT split-user: only the kernel can work on the socket
/* Sockets that stand in maps: a look-up lends one, and the kernel wants it back. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} by_slot SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} by_name SEC(".maps");

SEC("xdp")
int sockets_in_maps(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct bpf_sock *socket;
	__u32 key, family;

	if (!ip4)
		return XDP_PASS;
	key = ip4->id & 3;
	socket = bpf_map_lookup_elem(&by_slot, &key);
	if (socket) {
		family = socket->family;
		bpf_sk_release(socket);
		return family == 2 ? XDP_TX : XDP_DROP;
	}
	socket = bpf_map_lookup_elem(&by_name, &key);
	if (socket) {
		bpf_sk_release(socket);
		return XDP_DROP;
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
