// EXPECT layers: kernel
// EVERY --cuts 8 --packets 200: short
// GEN {"saddr4": ["10.0.0.0/30", "10.0.0.7"], "flows": 12, "weights": {"ipv6": 30}}
// MAPS {"globals": {"threshold": 5}}
/*
 * Heavy hitters by a count-min sketch (Cormode, Muthukrishnan 2005) with conservative update: a
 * source above the threshold in an epoch enters a table, and is dropped when it is twice above.
 */
#include "net.h"

enum { ROWS = 4, COLUMNS = 512, EPOCH_SHIFT = 35 };

struct source {
	__u32 addr[4];
};

struct hitter {
	__u64 first_ns;
	__u32 estimate, epoch;
};

const volatile __u32 threshold = 100;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROWS *COLUMNS);
	__type(key, __u32);
	__type(value, __u64); /* epoch and count */
} sketch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, struct source);
	__type(value, struct hitter);
} hitters SEC(".maps");

/* What the cell says of this epoch. */
static __always_inline __u32 count_in(__u64 cell, __u32 epoch)
{
	return cell >> 32 == epoch ? (__u32)cell : 0;
}

/* Counts the source; returns the estimate. Only the smallest cells grow. */
static __always_inline __u32 update(const struct source *source, __u32 epoch)
{
	__u64 *cells[ROWS] = {};
	__u32 least = ~0u;

	for (int row = 0; row < ROWS; row++) {
		__u32 index = hash_words(source, 4, row * 0x9e3779b9) % COLUMNS + row * COLUMNS;

		cells[row] = bpf_map_lookup_elem(&sketch, &index);
		if (!cells[row])
			return 0;
		if (count_in(*cells[row], epoch) < least)
			least = count_in(*cells[row], epoch);
	}
	least++;
	for (int row = 0; row < ROWS; row++)
		if (count_in(*cells[row], epoch) < least)
			*cells[row] = (__u64)epoch << 32 | least;
	return least;
}

static __always_inline bool find_source(void *data, void *data_end, struct source *source)
{
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > data_end)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip4 = (void *)(eth + 1);

		if ((void *)(ip4 + 1) > data_end)
			return false;
		source->addr[2] = bpf_htonl(0xffff);
		source->addr[3] = ip4->saddr;
		return true;
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)(eth + 1);

		if ((void *)(ip6 + 1) > data_end)
			return false;
		__builtin_memcpy(source, &ip6->saddr, sizeof *source);
		return true;
	}
	return false;
}

SEC("xdp")
int heavy_hitter(struct xdp_md *ctx)
{
	struct source source = {};
	struct hitter *known;
	__u64 now;
	__u32 epoch, estimate;

	if (!find_source(DATA(ctx), DATA_END(ctx), &source))
		return XDP_PASS;
	now = bpf_ktime_get_ns();
	epoch = now >> EPOCH_SHIFT;
	estimate = update(&source, epoch);
	if (estimate < threshold)
		return XDP_PASS;
	known = bpf_map_lookup_elem(&hitters, &source);
	if (known) {
		known->estimate = estimate;
		known->epoch = epoch;
	} else {
		struct hitter new = {now, estimate, epoch};

		bpf_map_update_elem(&hitters, &source, &new, BPF_ANY);
	}
	return estimate >= 2 * threshold ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
