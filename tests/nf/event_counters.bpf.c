// EXPECT layers: kernel
// EXPECT split-user: only the kernel can answer bpf_perf_event_read
/* Counters of the machine's own events, of which none is open. */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} events SEC(".maps");

SEC("xdp")
int event_counters(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	struct bpf_perf_event_value value = {};
	__u64 count;

	if (!ip4)
		return XDP_PASS;
	count = bpf_perf_event_read(&events, ip4->ttl);
	ip4->id = -bpf_perf_event_read_value(&events, ip4->ttl, &value, sizeof(value));
	ip4->check = -count;
	return value.counter ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "GPL";
