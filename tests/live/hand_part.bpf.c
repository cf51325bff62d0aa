/* A kernel part written by hand after bundle/kernel_abi.h, so that the agent is tested without the
 * compiler. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bundle/kernel_abi.h"
#include "tests/live/hand_abi.h"

const volatile struct cleave_kernel_config cleave_config = {};

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, CLEAVE_PORTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} cleave_xsks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cleave_kernel_counters);
} cleave_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cleave_order);
} cleave_order SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} hand_devices SEC(".maps");

struct headers {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	__u32 sequence;
} __attribute__((packed));

static __always_inline int decide(struct cleave_kernel_counters *c, int action)
{
	if (cleave_config.count)
		c->verdict[action & 7]++;
	return action;
}

static __always_inline void swap(struct headers *h)
{
	__u8 mac[ETH_ALEN];
	__u32 addr = h->ip.saddr;

	__builtin_memcpy(mac, h->eth.h_source, ETH_ALEN);
	__builtin_memcpy(h->eth.h_source, h->eth.h_dest, ETH_ALEN);
	__builtin_memcpy(h->eth.h_dest, mac, ETH_ALEN);
	h->ip.saddr = h->ip.daddr;
	h->ip.daddr = addr;
}

static __always_inline int hand_over(struct xdp_md *ctx, struct cleave_kernel_counters *c,
				     struct cleave_order *order, __u32 cell, __u32 entry,
				     __u32 action, __u32 sequence)
{
	__u32 port = cleave_config.port_base + ctx->rx_queue_index;
	struct cleave_handoff *h;
	struct cleave_ticket *t;
	struct hand_live *live;

	c->cut[entry]++;
	if (port >= CLEAVE_PORTS_MAX || bpf_xdp_adjust_meta(ctx, -HAND_LENGTH)) {
		c->no_room++;
		return XDP_ABORTED;
	}
	t = (void *)(long)ctx->data_meta;
	if ((void *)t + HAND_LENGTH > (void *)(long)ctx->data)
		return XDP_ABORTED;
	live = (void *)t + HAND_LIVE;
	h = (void *)t + HAND_HEADER;
	h->generation = cleave_config.generation;
	h->own = 0;
	h->entry = (__u16)entry;
	h->length = HAND_LENGTH;
	t->ticket = (__u64)port << 48 | (__sync_fetch_and_add(&order->next[port], 1) + 1);
	t->after[0] = order->cell[cell & (CLEAVE_ORDER_CELLS - 1)];
	order->cell[cell & (CLEAVE_ORDER_CELLS - 1)] = t->ticket;
	live->action = action;
	live->sequence = sequence;
	if (!bpf_map_lookup_elem(&cleave_xsks, &port))
		c->gone++;
	return bpf_redirect_map(&cleave_xsks, port, cleave_config.gone_action);
}

static __always_inline int is_in_flight(struct cleave_order *order, __u32 cell)
{
	__u64 ticket = order->cell[cell & (CLEAVE_ORDER_CELLS - 1)];
	__u32 port = CLEAVE_TICKET_PORT(ticket);

	return ticket && port < CLEAVE_PORTS_MAX &&
	       *(volatile __u64 *)&order->done[port] < CLEAVE_TICKET_SEQ(ticket);
}

SEC("xdp")
int hand_part(struct xdp_md *ctx)
{
	struct headers *h = (void *)(long)ctx->data;
	__u32 zero = 0, port, cell;
	struct cleave_kernel_counters *c = bpf_map_lookup_elem(&cleave_counts, &zero);
	struct cleave_order *order = bpf_map_lookup_elem(&cleave_order, &zero);

	if (!c || !order)
		return XDP_ABORTED;
	if ((void *)(h + 1) > (void *)(long)ctx->data_end ||
	    h->eth.h_proto != bpf_htons(ETH_P_IP) || h->ip.protocol != IPPROTO_UDP ||
	    h->ip.ihl != 5)
		return decide(c, XDP_PASS);
	port = bpf_ntohs(h->udp.dest);
	cell = CLEAVE_ORDER_MAPS + bpf_ntohs(h->udp.source) % 1024;
	if (port >= HAND_USER && port < HAND_USER + HAND_ACTIONS)
		return hand_over(ctx, c, order, cell, 1, port - HAND_USER, h->sequence);
	if (port == HAND_ORDERED) {
		if (h->sequence % 4 == 0)
			return hand_over(ctx, c, order, cell, 2, HAND_TX, h->sequence);
		if (is_in_flight(order, cell)) {
			c->held++;
			return hand_over(ctx, c, order, cell, 2, HAND_TX, h->sequence);
		}
	}
	if (port == HAND_KERNEL_DROP)
		return decide(c, XDP_DROP);
	if (port != HAND_KERNEL_TX && port != HAND_ORDERED)
		return decide(c, XDP_PASS);
	swap(h);
	return decide(c, XDP_TX);
}

char _license[] SEC("license") = "GPL";
