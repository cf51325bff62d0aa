// EXPECT layers: user
// EXPECT home counters: user
// EXPECT home peers: user
/*
 * Counters that no atomic add reaches: of 8 and 16 bits, and of 32 bits off their alignment; in an
 * array and in a hash, before the loop and behind it. The checks of every cut are what counts.
 */
#include "nf.h"

struct counter {
	__u16 short_frames;
	__u8 long_frames;
};

struct odd_counter {
	__u16 frames;
	__u32 bytes;
	__u8 last;
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct counter);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct odd_counter);
} peers SEC(".maps");

static __always_inline void count_frame(__u32 index, __u32 bytes)
{
	struct counter *counter = bpf_map_lookup_elem(&counters, &index);

	if (!counter)
		return;
	if (bytes < 128)
		counter->short_frames += 3;
	else
		counter->long_frames++;
}

static __always_inline void count_peer(__u32 address, __u32 bytes)
{
	struct odd_counter first = {.frames = 1, .bytes = bytes};
	struct odd_counter *counter = bpf_map_lookup_elem(&peers, &address);

	if (!counter) {
		bpf_map_update_elem(&peers, &address, &first, BPF_ANY);
		return;
	}
	counter->frames++;
	counter->bytes += bytes;
	counter->last = address;
}

SEC("xdp")
int percpu_narrow_counters(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct iphdr *ip4 = find_ip4(data, data_end);
	__u32 bytes = data_end - data, hash;

	count_frame(0, bytes);
	if (!ip4)
		return XDP_PASS;
	count_peer(ip4->saddr, bytes);
	hash = hash_bytes((void *)(ip4 + 1), data_end, 0);
	count_frame(1 + (hash & 1), bytes);
	count_peer(ip4->saddr, bytes);
	count_peer(ip4->daddr, bytes);
	return hash & 1 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
