// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_xdp_ct_lookup
/* Is the packet's connection tracked by the stack? The entry is lent until it is released. */
#include "nf.h"

struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

struct bpf_ct_opts___local {
	__s32 netns_id, error;
	__u8 l4proto, dir, reserved[2];
};

extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *ctx, struct bpf_sock_tuple *tuple,
					 __u32 tuple_size, struct bpf_ct_opts___local *opts,
					 __u32 opts_size) __ksym;
extern void bpf_ct_release(struct nf_conn *connection) __ksym;

SEC("xdp")
int tracked_connections(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct bpf_ct_opts___local opts = {.netns_id = BPF_F_CURRENT_NETNS};
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *connection;

	if (!ip4)
		return XDP_PASS;
	opts.l4proto = ip4->protocol;
	tuple.ipv4.saddr = ip4->saddr;
	tuple.ipv4.daddr = ip4->daddr;
	tuple.ipv4.dport = bpf_htons(53);
	connection = bpf_xdp_ct_lookup(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	ip4->id = -opts.error;
	if (!connection)
		return XDP_TX;
	ip4->tos = connection->status;
	bpf_ct_release(connection);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
