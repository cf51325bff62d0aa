// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"flows": 16, "dports": [22, 80, 443], "weights": {"arp": 5}}
// MAPS {"globals": {"rate": 20000, "low": 100, "high": 900}}
/*
 * Sheds load by random early drop (Floyd, Jacobson 1993): a virtual queue drains at a rate, its
 * average decides how likely a packet is dropped. Control traffic is spared, and what can carry an
 * ECN mark gets one instead of a drop below the upper mark.
 */
#include "net.h"

struct queue {
	__u64 last_ns;
	__u64 bytes, average; /* average is scaled by 16 */
	__u32 since, marked, dropped;
};

const volatile __u64 rate = 1000000, low = 3000, high = 12000;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct queue);
} queues SEC(".maps");

static __always_inline bool is_control(const struct iphdr *ip4, void *data_end)
{
	const struct tcphdr *tcp = (const void *)(ip4 + 1);

	if (ip4->tos >> 5 >= 6 || ip4->protocol == IPPROTO_ICMP)
		return true;
	if (ip4->protocol != IPPROTO_TCP || ip4->ihl != 5 || (const void *)(tcp + 1) > data_end)
		return false;
	return tcp->dest == bpf_htons(22) || tcp->source == bpf_htons(22) || tcp->rst;
}

static __always_inline void arrive(struct queue *q, __u64 bytes, __u64 now)
{
	__u64 drained = (now - q->last_ns) / 1000 * rate / 1000000;

	if (drained || !q->last_ns) {
		q->bytes = q->bytes > drained ? q->bytes - drained : 0;
		q->last_ns = now;
	}
	q->bytes += bytes;
	q->average += q->bytes - q->average / 16;
}

/* Per mille, rising between the marks, and with the packets since the last drop. */
static __always_inline __u32 drop_chance(const struct queue *q)
{
	__u64 average = q->average / 16, chance;

	if (average < low)
		return 0;
	if (average >= high)
		return 1000;
	chance = 100 * (average - low) / (high - low + 1);
	return chance * (q->since < 9 ? q->since + 1 : 10);
}

SEC("xdp")
int red_shedding(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 zero = 0, chance;
	struct queue *q;
	__u16 was;

	if (!ip4 || is_control(ip4, data_end))
		return XDP_PASS;
	q = bpf_map_lookup_elem(&queues, &zero);
	if (!q)
		return XDP_ABORTED;
	arrive(q, data_end - data, bpf_ktime_get_ns());
	chance = drop_chance(q);
	if (bpf_get_prandom_u32() % 1000 >= chance) {
		q->since++;
		return XDP_PASS;
	}
	q->since = 0;
	if (chance < 1000 && ip4->tos & 3) {
		was = *(any_u16 *)ip4;
		ip4->tos |= 3;
		csum_replace2(&ip4->check, was, *(any_u16 *)ip4);
		q->marked++;
		return XDP_PASS;
	}
	q->dropped++;
	q->bytes -= q->bytes < data_end - data ? 0 : data_end - data;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
