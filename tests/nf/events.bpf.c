// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_ringbuf_query
// EXPECT home ring: kernel
/* Events to a ring buffer and to perf buffers: whole, in place, discarded, with packet bytes. */
#include "nf.h"

struct event {
	__u32 source, length;
	__u64 number;
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

__u64 numbered;

SEC("xdp")
int events(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct event event = {}, *record;
	__u64 bytes;

	if (!ip4)
		return XDP_PASS;
	event.source = ip4->saddr;
	event.length = data_end - data;
	event.number = numbered++;
	if (ip4->id & bpf_htons(1)) {
		if (bpf_ringbuf_output(&ring, &event, sizeof event, 0))
			return XDP_DROP;
		return XDP_PASS;
	}
	if (ip4->id & bpf_htons(2)) {
		record = bpf_ringbuf_reserve(&ring, sizeof *record, 0);
		if (!record)
			return XDP_DROP;
		*record = event;
		if (ip4->protocol == IPPROTO_UDP) {
			bpf_ringbuf_discard(record, 0);
			return XDP_TX;
		}
		record->number |= 1ull << 63;
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
		return XDP_PASS;
	}
	bytes = bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE);
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU | (__u64)34 << 32, &event,
			      sizeof event);
	return bytes == 4096 ? XDP_TX : XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
