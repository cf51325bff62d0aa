// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_xdp_ct_alloc
/*
 * Connections that the program itself tells the stack of: made, given a life and a translation,
 * entered, changed and given back. What becomes of an entry shows in no packet, because the same
 * connection can be entered once only. And what a packet's security association would be: none.
 */
#include "nf.h"

#define IPS_SEEN_REPLY 2
#define IPS_ASSURED    4

struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

struct nf_conn___init {
	struct nf_conn ct;
} __attribute__((preserve_access_index));

struct bpf_ct_opts___local {
	__s32 netns_id, error;
	__u8 l4proto, dir, reserved[2];
};

union nf_inet_addr {
	__u32 all[4];
};

enum nf_nat_manip_type { NF_NAT_MANIP_SRC, NF_NAT_MANIP_DST };

struct xfrm_state {
	__u32 mapping_maxage;
} __attribute__((preserve_access_index));

struct bpf_xfrm_state_opts {
	__s32 error, netns_id;
	__u32 mark, daddr[4];
	__be32 spi;
	__u8 proto;
	__u16 family;
};

extern struct nf_conn___init *bpf_xdp_ct_alloc(struct xdp_md *ctx, struct bpf_sock_tuple *tuple,
					       __u32 tuple_size, struct bpf_ct_opts___local *opts,
					       __u32 opts_size) __ksym;
extern void bpf_ct_set_timeout(struct nf_conn___init *made, __u32 timeout) __ksym;
extern int bpf_ct_set_status(const struct nf_conn___init *made, __u32 status) __ksym;
extern int bpf_ct_set_nat_info(struct nf_conn___init *made, union nf_inet_addr *address, int port,
			       enum nf_nat_manip_type which) __ksym;
extern struct nf_conn *bpf_ct_insert_entry(struct nf_conn___init *made) __ksym;
extern int bpf_ct_change_timeout(struct nf_conn *entry, __u32 timeout) __ksym;
extern int bpf_ct_change_status(struct nf_conn *entry, __u32 status) __ksym;
extern void bpf_ct_release(struct nf_conn *entry) __ksym;
extern struct xfrm_state *bpf_xdp_get_xfrm_state(struct xdp_md *ctx,
						 struct bpf_xfrm_state_opts *opts,
						 __u32 opts_size) __ksym;
extern void bpf_xdp_xfrm_state_release(struct xfrm_state *state) __ksym;

static __always_inline void make(struct xdp_md *ctx, struct bpf_sock_tuple *tuple, __be32 to)
{
	struct bpf_ct_opts___local opts = {.netns_id = BPF_F_CURRENT_NETNS, .l4proto = IPPROTO_UDP};
	union nf_inet_addr address = {.all = {to}};
	struct nf_conn___init *made;
	struct nf_conn *entry;

	made = bpf_xdp_ct_alloc(ctx, tuple, sizeof(tuple->ipv4), &opts, sizeof(opts));
	if (!made)
		return;
	bpf_ct_set_timeout(made, 1000);
	bpf_ct_set_status(made, IPS_SEEN_REPLY);
	bpf_ct_set_nat_info(made, &address, 99, NF_NAT_MANIP_DST);
	entry = bpf_ct_insert_entry(made);
	if (!entry)
		return;
	bpf_ct_change_timeout(entry, 10);
	bpf_ct_change_status(entry, IPS_SEEN_REPLY | IPS_ASSURED);
	bpf_ct_release(entry);
}

SEC("xdp")
int connections_made(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct bpf_xfrm_state_opts sought = {.netns_id = BPF_F_CURRENT_NETNS, .family = 2};
	struct bpf_sock_tuple tuple = {};
	struct xfrm_state *state;

	if (!ip4)
		return XDP_PASS;
	tuple.ipv4.saddr = ip4->saddr;
	tuple.ipv4.daddr = ip4->daddr;
	tuple.ipv4.sport = bpf_htons(ip4->ttl);
	tuple.ipv4.dport = bpf_htons(53);
	make(ctx, &tuple, ip4->saddr);
	sought.spi = ip4->daddr;
	sought.proto = ip4->protocol;
	state = bpf_xdp_get_xfrm_state(ctx, &sought, sizeof(sought));
	ip4->id = sought.error;
	if (!state)
		return XDP_TX;
	ip4->tos = state->mapping_maxage;
	bpf_xdp_xfrm_state_release(state);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
