// EXPECT layers: kernel
/*
 * A value with padding and unused bits, stored as the stack has it: which numbers lie in them is
 * nobody's business.
 */
#include "nf.h"
#include <linux/if_ether.h>
#include <linux/ip.h>

struct flow {
	__u32 ttl : 3, id : 11, hits : 10;
	__u8 odd : 1;
	__u16 ports[3];
	struct {
		__u8 protocol;
		__u64 bytes;
	} last;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

SEC("xdp")
int values_with_padding(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct flow *flow;
	__u32 key;

	if ((void *)(ip + 1) > data_end)
		return XDP_PASS;
	key = ip->saddr;
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow) {
		struct flow new;

		new.ttl = ip->ttl;
		new.id = ip->id;
		new.hits = 1;
		new.odd = ip->tos;
		new.ports[0] = new.ports[1] = new.ports[2] = ip->check;
		new.last.protocol = ip->protocol;
		new.last.bytes = ip->tot_len;
		bpf_map_update_elem(&flows, &key, &new, BPF_NOEXIST);
		return XDP_PASS;
	}
	flow->hits++;
	flow->last.bytes += ip->tot_len;
	return flow->odd ? XDP_DROP : XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
