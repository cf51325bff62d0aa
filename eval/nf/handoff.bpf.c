/*
 * What a handoff costs: LIVE 64-bit values are read from the packet, stay live over the line marked
 * CUT, and are summed up into the packet behind it. `cleave build --split at:LINE` cuts there.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifndef LIVE
#define LIVE 0
#endif

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} factor SEC(".maps");

SEC("xdp") int handoff(struct xdp_md *ctx)
{
	__u64 *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end,
	      word[LIVE + 1];
	__u32 zero = 0;
	__u64 *value, sum = 0;

	if (data + LIVE + 1 > data_end)
		return XDP_DROP;
#pragma unroll
	for (int i = 0; i < LIVE; i++)
		word[i] = *(volatile __u64 *)&data[i];
	value = bpf_map_lookup_elem(&factor, &zero); /* CUT */
	if (!value)
		return XDP_DROP;
#pragma unroll
	for (int i = 0; i < LIVE; i++)
		sum = (sum ^ word[i]) * *value;
	if (LIVE)
		data[0] = sum;
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
