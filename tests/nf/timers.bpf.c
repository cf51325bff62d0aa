// EXPECT layers: kernel
// EXPECT home flows: kernel
// EXPECT home expired: kernel
// EXPECT split-user: only the kernel can work on map flows, whose values hold
/*
 * A timer in each flow, started anew by each packet and cancelled by a packet that ends the flow:
 * all of that is the kernel's, with the maps that the timer's callback works on. The table behind
 * it may be user's.
 */
#include "nf.h"

#define CLOCK_MONOTONIC 1

struct flow {
	struct bpf_timer timer;
	__u64 packets;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} expired SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} verdicts SEC(".maps");

__u32 last_expired;

static __noinline void count_expired(__u32 key)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&expired, &zero);

	if (count)
		__sync_fetch_and_add(count, 1);
	last_expired = key;
}

static int expire(void *map, __u32 *key, struct flow *flow)
{
	count_expired(*key);
	bpf_map_delete_elem(&flows, key);
	return 0;
}

static __always_inline long begin(__u32 key)
{
	struct flow fresh = {}, *flow;

	if (bpf_map_update_elem(&flows, &key, &fresh, BPF_NOEXIST))
		return -1;
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow)
		return -1;
	/* It may fail at any time: memory for it is taken without waiting (kmalloc_nolock). */
	if (!bpf_timer_init(&flow->timer, &flows, CLOCK_MONOTONIC))
		bpf_timer_set_callback(&flow->timer, expire);
	return 0;
}

SEC("xdp")
int timers(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct flow *flow;
	__u32 key;

	if (!ip4)
		return XDP_PASS;
	key = ip4->saddr;
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow)
		return begin(key) ? XDP_ABORTED : XDP_PASS;
	flow->packets += 1 + last_expired;
	if (ip4->ttl & 1)
		bpf_timer_cancel(&flow->timer);
	else
		bpf_timer_start(&flow->timer, 3600000000000ull, 0);
	bpf_map_update_elem(&verdicts, &key, &ip4->daddr, BPF_ANY);
	return ip4->daddr & bpf_htonl(1) ? XDP_TX : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
