// EXPECT layers: kernel
// EVERY --cuts 8: each cut takes half a second
/*
 * A callback that calls back: the inner one writes what the outer one and the program keep on their
 * stacks, one has no context at all, and one is chosen by who calls the function around it.
 */
#include "nf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} rounds SEC(".maps");

struct row {
	__u32 *sum; /* the program's */
	__u32 number, cells;
};

static long add_cell(__u32 column, void *context)
{
	struct row *row = context;

	row->cells++;
	*row->sum = *row->sum * 7 + row->number * column + 1;
	return column == row->number;
}

static long add_row(__u32 number, void *context)
{
	struct row row = {.sum = context, .number = number};

	if (bpf_loop(5, add_cell, &row, 0) < 0)
		return 1;
	return row.cells + number > 6;
}

static long count_round(__u32 number, void *context)
{
	__u32 key = number & 7;
	__u64 *count = bpf_map_lookup_elem(&rounds, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
	return context != 0;
}

static __always_inline long run(__u32 times, long (*callback)(__u32, void *), void *context)
{
	return bpf_loop(times, callback, context, 0);
}

SEC("xdp")
int nested_callbacks(struct xdp_md *ctx)
{
	struct iphdr *ip4 = find_ip4(DATA(ctx), DATA_END(ctx));
	__u32 sum;
	long rows, counted;

	if (!ip4)
		return XDP_PASS;
	sum = ip4->ttl;
	rows = run(6, add_row, &sum);
	counted = run(sum & 3, count_round, 0);
	ip4->id = sum + rows;
	return counted == 3 ? XDP_DROP : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
