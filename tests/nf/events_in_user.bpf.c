// EXPECT layers: kernel user
// EXPECT home ring: kernel, batched
// EXPECT home perf: kernel, batched
/* Both parts write events; a consumer finds those of a packet in its order, whoever wrote them. */
#include "nf.h"

struct event {
	__u32 source, hash;
	__u16 length;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(int));
	__uint(value_size, sizeof(int));
} perf SEC(".maps");

SEC("xdp")
int events_in_user(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct event event = {}, *first, *second;
	__u32 hash;

	if (!ip4)
		return XDP_PASS;
	event.source = ip4->saddr;
	event.length = data_end - data;
	bpf_ringbuf_output(&ring, &event, sizeof event, 0);
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	event.hash = hash;
	if (hash & 1 && bpf_ringbuf_output(&ring, &event, sizeof event, hash & 256 ? 4 : 0))
		return XDP_ABORTED;
	if (hash & 2) {
		__u64 bytes = hash & 512 ? 4000 : 40;

		if (bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU | bytes << 32, &event,
					  sizeof event))
			return XDP_DROP;
	}
	if (hash & 4) {
		first = bpf_ringbuf_reserve(&ring, sizeof *first, 0);
		if (!first)
			return XDP_DROP;
		second = bpf_ringbuf_reserve(&ring, 4000, 0);
		*first = event;
		if (second) {
			*second = event;
			second->hash = ~hash;
			bpf_ringbuf_submit(second, 0);
		}
		if (hash & 8)
			bpf_ringbuf_discard(first, 0);
		else
			bpf_ringbuf_submit(first, 0);
		return second ? XDP_TX : XDP_PASS;
	}
	return hash & 16 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
