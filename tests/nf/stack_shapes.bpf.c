// EXPECT layers: kernel
/*
 * Stacks as compilers use them and as they may: an array written at an index that only the packet
 * knows, beside numbers that were known; the address of a slot or nothing; an address that only
 * lies on the stack when a helper gets it; a slot that a helper fills.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

struct pair {
	__u64 first, second;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct pair);
	__type(value, __u64);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 64);
	__type(value, __u64);
} waiting SEC(".maps");

/* A number that is not known here is stored over one that is. */
static __always_inline __u64 overwrite(__u8 where, __u64 what)
{
	__u64 cells[4] = {11, 22, 33, 44};

	cells[where & 3] = what;
	return cells[0] * 3 + cells[1] * 5 + cells[2] * 7 + cells[3];
}

static __always_inline __u64 look_up(__u8 where, __u64 what)
{
	struct pair key = {what, where & 7};
	struct pair *pointer = where & 1 ? &key : 0;
	__u64 one = 1, *value;

	asm volatile("" : "+r"(pointer)); /* one register, of which both is true */
	if (!pointer)
		return 5;
	value = bpf_map_lookup_elem(&seen, pointer);
	if (value)
		return ++*value;
	bpf_map_update_elem(&seen, pointer, &one, BPF_ANY);
	return 1;
}

static __always_inline __u64 print(__u8 where)
{
	char name[8] = "abcdef", text[16] = {};
	__u64 arguments[1] = {(__u64)(long)name};

	name[3] = 'A' + (where & 15);
	return bpf_snprintf(text, sizeof(text), "<%s>", arguments, sizeof(arguments)) + text[4];
}

/* What the helper writes is not what was there before. */
static __always_inline __u64 take(__u8 where)
{
	__u64 number = 77, next = where;

	bpf_map_push_elem(&waiting, &next, 0);
	if (where & 8)
		bpf_map_pop_elem(&waiting, &number);
	return number;
}

SEC("xdp")
int stack_shapes(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	__u64 sum;

	if (data + ETH_HLEN > end)
		return XDP_PASS;
	sum = overwrite(data[5], data[11]);
	data[0] = sum;
	data[1] = look_up(data[10], data[9] & 1);
	data[2] = print(data[11]);
	data[3] = take(data[11]);
	data[4] = bpf_get_prandom_u32();
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
