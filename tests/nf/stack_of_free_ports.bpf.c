// EXPECT layers: kernel
// EXPECT home ports: kernel
/* Ports that are free wait on a stack; what comes back last is given out first. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 8);
	__type(value, __u16);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u16);
} given SEC(".maps");

SEC("xdp")
int stack_of_free_ports(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct udphdr *udp;
	__u16 port = 0, *has;
	__u32 client;

	if (!ip4 || ip4->ihl != 5 || ip4->protocol != IPPROTO_UDP)
		return XDP_PASS;
	udp = (void *)(ip4 + 1);
	if ((void *)(udp + 1) > data_end)
		return XDP_DROP;
	client = ip4->saddr & bpf_htonl(31);
	has = bpf_map_lookup_elem(&given, &client);
	if (has && ip4->id & bpf_htons(2)) {
		port = *has;
		bpf_map_delete_elem(&given, &client);
		bpf_map_push_elem(&ports, &port, BPF_EXIST);
		return XDP_DROP;
	}
	if (!has) {
		if (bpf_map_pop_elem(&ports, &port))
			port = udp->source;
		if (bpf_map_update_elem(&given, &client, &port, BPF_NOEXIST))
			return XDP_ABORTED;
	} else {
		port = *has;
	}
	udp->source = port;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
