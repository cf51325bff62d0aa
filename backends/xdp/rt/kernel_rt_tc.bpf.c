/*
 * The run-time part of TC programs: kernel_rt.bpf.c, and in place of what is XDP's there, handing a
 * packet over from TC and finishing what user decided of one. docs/tc.md has the ways.
 *
 * Up: the block goes in front of the frame, a copy of its header in front of that, and the frame
 * through a private veth pair, at whose far end cleave_tc_up makes the block XDP metadata and gives
 * the packet to the socket. Down: user's frame comes with struct cleave_back in front,
 * cleave_tc_down makes that metadata, cleave_tc_back sends the packet to the interface of the
 * program again, and the kernel part, which runs at its start, does what stands there.
 */
#define CLEAVE_TC 1
#include "backends/xdp/rt/kernel_rt.bpf.c"

#include <linux/pkt_cls.h>

enum { FRONT = sizeof(struct cleave_handoff) };

/* Verdicts 0 to 7 by number; TC_ACT_UNSPEC, also TCX_NEXT, where TC_ACT_REPEAT would be. */
static RT __u32 verdict_cell(__u32 action)
{
	return action == (__u32)TC_ACT_UNSPEC ? TC_ACT_REPEAT : action & 7;
}

/* All come over one queue of the private pair. */
static RT __u32 port_of(struct __sk_buff *unused)
{
	(void)unused;
	return cleave_config.port_base;
}

static RT void save_skb(struct __sk_buff *ctx, struct cleave_skb *skb)
{
	skb->tstamp = ctx->tstamp;
	skb->mark = ctx->mark;
	skb->priority = ctx->priority;
	skb->ifindex = ctx->ifindex;
	skb->ingress_ifindex = ctx->ingress_ifindex;
	skb->hash = ctx->hash;
	skb->cb[0] = ctx->cb[0];
	skb->cb[1] = ctx->cb[1];
	skb->cb[2] = ctx->cb[2];
	skb->cb[3] = ctx->cb[3];
	skb->cb[4] = ctx->cb[4];
	skb->tc_index = ctx->tc_index;
	skb->tc_classid = ctx->tc_classid;
	skb->queue_mapping = ctx->queue_mapping;
	skb->protocol = ctx->protocol;
	skb->vlan_tci = ctx->vlan_tci;
	skb->vlan_proto = ctx->vlan_present ? ctx->vlan_proto : 0;
	skb->pkt_type = ctx->pkt_type;
	skb->reserved[0] = skb->reserved[1] = skb->reserved[2] = 0;
}

/*
 * Is there a way to user for the packet? None without a socket; none for one that is several (GSO):
 * each of its segments would become a packet of its own; none for one too long for the pair.
 */
static RT _Bool way_is_open(struct __sk_buff *ctx, __u32 length)
{
	struct cleave_kernel_counters *c = counters();
	__u32 port = port_of(ctx);

	if (!bpf_map_lookup_elem(&cleave_xsks, &port)) {
		if (c)
			c->gone++;
		return 0;
	}
	if (ctx->gso_size && ctx->gso_segs != 1) {
		if (c)
			c->gso++;
		return 0;
	}
	if (ctx->len + FRONT + length > CLEAVE_WAY_BYTES) {
		if (c)
			c->no_room++;
		return 0;
	}
	return 1;
}

/* Makes room for the block and its front; NULL when the packet cannot go to user. */
RT void *cleave_rt_open(struct __sk_buff *ctx, __u32 length)
{
	long linear = (void *)(long)ctx->data_end - (void *)(long)ctx->data;
	struct cleave_kernel_counters *c;

	barrier_var(linear);
	if (!way_is_open(ctx, length))
		return 0;
	if (bpf_skb_change_head(ctx, FRONT + length, 0)) {
		c = counters();
		if (c)
			c->no_room++;
		return 0;
	}
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + FRONT + length > end)
		return 0;
	struct cleave_skb *skb = data + length - sizeof *skb;

	save_skb(ctx, skb);
	skb->linear = linear;
	return data + FRONT;
}

/* What became of it, cleave_rt_open has counted. */
RT __u32 cleave_rt_no_room(void)
{
	return cleave_config.gone_action;
}

RT void cleave_rt_header(struct cleave_handoff *header, __u32 entry, __u32 length, __u32 own)
{
	struct cleave_handoff *front = (void *)(header + 1) - length - FRONT;

	front->generation = header->generation = cleave_config.generation;
	front->entry = header->entry = entry;
	front->own = header->own = own;
	front->length = header->length = length;
}

RT __u32 cleave_rt_send(struct __sk_buff *ctx, __u32 entry, __u32 held)
{
	struct cleave_kernel_counters *c = counters();

	(void)ctx;
	if (c && entry < CLEAVE_ENTRIES_MAX) {
		c->cut[entry]++;
		c->held += held;
	}
	return bpf_redirect(cleave_config.private_ifindex, 0);
}

/* Check builds: the context as the program leaves it. */
RT void cleave_rt_replay_skb(struct __sk_buff *ctx)
{
	save_skb(ctx, &cleave_skb_left);
}

RT long cleave_rt_replay_redirect_peer(__u32 ifindex, __u64 flags)
{
	long action = bpf_redirect_peer(ifindex, flags);

	note_redirect(action, CLEAVE_REDIRECT_PEER, ifindex, 0, 0);
	return action;
}

/* The far end of the private pair. What else arrives there is the stack's own chatter. */
SEC("xdp") int cleave_tc_up(struct xdp_md *ctx)
{
	struct cleave_handoff *front = (void *)(long)ctx->data;

	if ((void *)(front + 1) > (void *)(long)ctx->data_end ||
	    front->generation != cleave_config.generation)
		return XDP_DROP;
	__u32 length = front->length;

	if (length < sizeof *front || length > CLEAVE_BLOCK_MAX ||
	    bpf_xdp_adjust_head(ctx, FRONT + length) || bpf_xdp_adjust_meta(ctx, -(int)length))
		return XDP_DROP;
	return bpf_redirect_map(&cleave_xsks, cleave_config.port_base, XDP_DROP);
}

/* The near end: a frame of user's. */
SEC("xdp") int cleave_tc_down(struct xdp_md *ctx)
{
	struct cleave_back *back = (void *)(long)ctx->data;

	if ((void *)(back + 1) > (void *)(long)ctx->data_end || back->magic != CLEAVE_BACK_MAGIC ||
	    back->generation != cleave_config.generation ||
	    bpf_xdp_adjust_head(ctx, sizeof *back) || bpf_xdp_adjust_meta(ctx, -(int)sizeof *back))
		return XDP_DROP;
	return XDP_PASS;
}

/* The decision among the packet's metadata, or NULL. */
static RT struct cleave_back *find_back(struct __sk_buff *ctx)
{
	struct cleave_back *back = (void *)(long)ctx->data_meta;

	if ((void *)(back + 1) > (void *)(long)ctx->data || back->magic != CLEAVE_BACK_MAGIC ||
	    back->generation != cleave_config.generation)
		return 0;
	return back;
}

SEC("tc") int cleave_tc_back(struct __sk_buff *ctx)
{
	if (!find_back(ctx))
		return TC_ACT_SHOT;
	return bpf_redirect(cleave_config.back_ifindex, cleave_config.back_flags);
}

static RT void restore_skb(struct __sk_buff *ctx, const struct cleave_skb *skb)
{
	ctx->mark = skb->mark;
	ctx->priority = skb->priority;
	ctx->tstamp = skb->tstamp;
	ctx->tc_index = skb->tc_index;
	ctx->tc_classid = skb->tc_classid;
	ctx->queue_mapping = skb->queue_mapping;
	ctx->cb[0] = skb->cb[0];
	ctx->cb[1] = skb->cb[1];
	ctx->cb[2] = skb->cb[2];
	ctx->cb[3] = skb->cb[3];
	ctx->cb[4] = skb->cb[4];
}

static RT __u32 take_verdict(__u32 verdict, __u32 kind, __u32 target, __u64 flags)
{
	switch (kind) {
	case CLEAVE_REDIRECT_IFINDEX:
		return bpf_redirect(target, flags);
	case CLEAVE_REDIRECT_PEER:
		return bpf_redirect_peer(target, flags);
	}
	return verdict;
}

/* At the program's start: bit 32, and the verdict, when user has decided about the packet. */
RT __u64 cleave_rt_resume(struct __sk_buff *ctx)
{
	struct cleave_back *back = find_back(ctx);

	if (!back)
		return 0;
	__u32 verdict = back->verdict, kind = back->redirect_kind, target = back->redirect_target;
	__u16 proto = back->skb.vlan_proto, tci = back->skb.vlan_tci;
	__u32 type = back->skb.pkt_type, hash = back->skb.hash;
	__u64 flags = back->redirect_flags;

	restore_skb(ctx, &back->skb);
	if (proto)
		bpf_skb_vlan_push(ctx, proto, tci);
	if (type != ctx->pkt_type)
		bpf_skb_change_type(ctx, type);
	if (hash && hash != ctx->hash)
		bpf_set_hash(ctx, hash);
	return 1ull << 32 | take_verdict(verdict, kind, target, flags);
}
