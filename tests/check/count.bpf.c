/*
 * A small NF for the tests of check and replay, split by hand: count IPv4 packets per source and
 * when the last came; answer (XDP_TX, TTL less one) a packet to TCP or UDP port 80 that has a 'G'
 * among its first 16 bytes of payload and count the answers; drop what has no hops left.
 *
 * Without PART it is the whole program; with PART=1 the kernel part, cut before the scan; with
 * PART=0 the kernel part of a split that leaves everything to user. TOO_LONG adds a loop that no
 * verifier accepts. With WRONG=5, packets to other ports are dropped while the count of answers is
 * odd, and the kernel part does not wait for answers in flight. With WRONG=6 they are redirected,
 * by the kernel part to another interface.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bundle/kernel_abi.h"
#include "tests/check/count.h"

struct cleave_replay_inputs cleave_replay;
__u32 scans;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, struct source);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
#ifdef PART
	__uint(map_flags, BPF_F_MMAPABLE);
#endif
	__type(key, __u32);
	__type(value, __u64);
} answers SEC(".maps");

#ifdef PART
const volatile struct cleave_kernel_config cleave_config = {};

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, CLEAVE_PORTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} cleave_xsks SEC(".maps");

static __always_inline int hand_over(struct xdp_md *ctx, __u32 payload)
{
	struct cleave_handoff *h;
	struct live *live;

	if (bpf_xdp_adjust_meta(ctx, -COUNT_HANDOFF))
		return XDP_ABORTED;
	live = (void *)(long)ctx->data_meta;
	if ((void *)live + COUNT_HANDOFF > (void *)(long)ctx->data)
		return XDP_ABORTED;
	h = (void *)(live + 1);
	h->generation = cleave_config.generation;
	h->own = 0;
	h->entry = PART;
	h->length = COUNT_HANDOFF;
	live->payload = payload;
	return bpf_redirect_map(&cleave_xsks, ctx->rx_queue_index, cleave_config.gone_action);
}
#else
static __always_inline int scan(struct xdp_md *ctx, struct iphdr *ip, __u32 payload)
{
	__u8 *at = (void *)(long)ctx->data + payload;
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&answers, &zero);

	scans++;
	for (int i = 0; i < 16 && (void *)(at + i + 1) <= (void *)(long)ctx->data_end; i++) {
		if (at[i] != 'G' || !count)
			continue;
		++*count;
		ip->ttl--;
		return XDP_TX;
	}
	return XDP_PASS;
}
#endif

#if WRONG == 6
struct cleave_replay_redirect cleave_redirect;
#endif

static __always_inline int other_port(void)
{
#if WRONG == 5
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&answers, &zero);

	return count && *count & 1 ? XDP_DROP : XDP_PASS;
#elif WRONG == 6
#ifdef PART
	__u32 target = 2;
#else
	__u32 target = 1;
#endif
	long action = bpf_redirect(target, 0);

	cleave_redirect = (struct cleave_replay_redirect){
	    .action = action, .kind = CLEAVE_REDIRECT_IFINDEX, .target = target};
	return action;
#else
	return XDP_PASS;
#endif
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct source fresh = {1, cleave_replay.ktime_ns}, *source;
	__be16 *ports = (void *)(ip + 1);
	__u32 payload;

#if defined PART && PART == 0
	return hand_over(ctx, 0);
#endif
#ifdef TOO_LONG
	for (volatile __u64 i = 0; i < 1ULL << 40; i++)
		;
#endif
	if ((void *)(ports + 2) > (void *)(long)ctx->data_end ||
	    eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return XDP_PASS;
	if (ip->ttl <= 1)
		return XDP_DROP;
	source = bpf_map_lookup_elem(&sources, &ip->saddr);
	if (source) {
		source->packets++;
		source->last_ns = cleave_replay.ktime_ns;
	} else {
		bpf_map_update_elem(&sources, &ip->saddr, &fresh, BPF_ANY);
	}
	payload = sizeof *eth + sizeof *ip + (ip->protocol == IPPROTO_UDP ? 8 : 20);
	if (ports[1] != bpf_htons(80))
		return other_port();
#ifdef PART
	return hand_over(ctx, payload);
#else
	return scan(ctx, ip, payload);
#endif
}

char _license[] SEC("license") = "GPL";
