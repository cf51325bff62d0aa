// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"flows": 16, "ifindexes": [1, 2], "weights": {"vlan": 10}}
// MAPS {"rates": [{"key": 1, "value": 4}, {"key": 2, "value": 1}]}
/*
 * A sampler as sFlow has it: one of n packets at random for each interface, its first bytes copied
 * into a ring of slots that a collector reads; the rest only counts.
 */
#include "net.h"

enum { SLOTS = 64, HEAD = 64 };

struct sample {
	__u64 time_ns;
	__u32 ifindex, rate, bytes, pool;
	__u8 head[HEAD];
};

struct state {
	__u32 pool, next;
	__u64 skipped;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} rates SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state);
} states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct sample);
} samples SEC(".maps");

SEC("xdp")
int packet_sampler(struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex, zero = 0, bytes, slot, *rate;
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct sample *sample;
	struct state *state;

	bytes = data_end - data;
	rate = bpf_map_lookup_elem(&rates, &ifindex);
	state = bpf_map_lookup_elem(&states, &zero);
	if (!rate || !state || !*rate)
		return XDP_PASS;
	state->pool++;
	if (*rate > 1 && bpf_get_prandom_u32() % *rate) {
		state->skipped++;
		return XDP_PASS;
	}
	slot = state->next++ % SLOTS;
	sample = bpf_map_lookup_elem(&samples, &slot);
	if (!sample)
		return XDP_PASS;
	sample->time_ns = bpf_ktime_get_ns();
	sample->ifindex = ifindex;
	sample->rate = *rate;
	sample->bytes = bytes;
	sample->pool = state->pool;
	if (data + HEAD <= data_end) {
		__builtin_memcpy(sample->head, data, HEAD);
		return XDP_PASS;
	}
	__builtin_memset(sample->head, 0, HEAD);
	for (int i = 0; i < HEAD; i++) {
		if (data + i + 1 > data_end)
			break;
		sample->head[i] = *(__u8 *)(data + i);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
