/* User notes packets to even ports: in a queue, in a map of a map, as an event. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4096);
	__type(value, __u32);
} waiting SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct table);
} tables SEC(".maps") = {.values = {[1] = &table}};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} written SEC(".maps");

SEC("xdp")
int maps_in_user(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end, *inner;
	struct udphdr *udp = data + sizeof(struct ethhdr) + sizeof(struct iphdr);
	const __u8 *byte = (void *)(udp + 1);
	__u32 key = 0, sum = 0;
	__u64 *value, start = 1;

	if ((void *)(udp + 1) > data_end)
		return XDP_PASS;
	if (udp->dest & bpf_htons(1)) {
		value = bpf_map_lookup_elem(&written, &key);
		if (value)
			*value = bpf_ringbuf_query(&ring, BPF_RB_PROD_POS);
		return bpf_map_peek_elem(&waiting, &sum) ? XDP_ABORTED : XDP_DROP;
	}
	while ((void *)(byte + 1) <= data_end) /* no bound: user */
		sum = sum * 31 + *byte++;
	bpf_map_push_elem(&waiting, &sum, BPF_ANY);
	bpf_ringbuf_output(&ring, &sum, sizeof sum, 0);
	key = 1;
	inner = bpf_map_lookup_elem(&tables, &key);
	if (!inner)
		return XDP_ABORTED;
	key = bpf_ntohs(udp->dest);
	value = bpf_map_lookup_elem(inner, &key);
	if (value)
		__sync_fetch_and_add(value, 1);
	else
		bpf_map_update_elem(inner, &key, &start, BPF_NOEXIST);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
