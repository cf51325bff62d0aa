// EXPECT layers: kernel user
// EXPECT without: 0
// EVERY --cuts 30: 65 take half a minute
/*
 * Programs that leave notes for each other in front of the packet: where the next header is and
 * what was found so far; the chain begins with one note and adds a second one, moves the packet's
 * start beneath them, and takes the first one back. The last program cannot run in the kernel, and
 * touches state whose key lies in the notes, so order tickets travel too.
 */
#include "nf.h"
#include "net.h"

struct note {
	__u32 hash;
	__u16 offset, left;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

int look_at_udp(struct xdp_md *ctx);
int look_at_ip4(struct xdp_md *ctx);

#define CALLS                                                                                      \
	{                                                                                          \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);                                             \
		__uint(max_entries, 1);                                                            \
		__uint(key_size, sizeof(__u32));                                                   \
		__array(values, int(struct xdp_md *));                                             \
	}

struct CALLS ip4 SEC(".maps") = {.values = {(void *)&look_at_ip4}};
struct CALLS udp SEC(".maps") = {.values = {(void *)&look_at_udp}};

#define META(ctx) ((void *)(long)(ctx)->data_meta)

/* The nearest one: there may be another behind it. */
static __always_inline struct note *find_note(struct xdp_md *ctx)
{
	struct note *note = META(ctx);

	return (void *)(note + 1) > DATA(ctx) ? NULL : note;
}

static __always_inline int add_note(struct xdp_md *ctx, __u32 hash, __u16 offset)
{
	struct note *note;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*note)))
		return -1;
	note = find_note(ctx);
	if (!note)
		return -1;
	note->hash = hash;
	note->offset = offset;
	note->left = DATA_END(ctx) - DATA(ctx) - offset;
	return 0;
}

static __always_inline void count(__u32 key, __u64 n)
{
	__u64 *found = bpf_map_lookup_elem(&seen, &key);

	if (found)
		*found = *found * 3 + n;
	else
		bpf_map_update_elem(&seen, &key, &n, BPF_ANY);
}

SEC("xdp")
int look_at_udp(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct note *note = find_note(ctx), *before;
	struct udphdr *header;

	if (!note || note->offset > 64)
		return XDP_ABORTED;
	before = note + 1;
	header = data + note->offset;
	if ((void *)(header + 1) > data_end || (void *)(before + 1) > data)
		return XDP_DROP;
	note->hash = hash_bytes((void *)(header + 1), data_end, note->hash);
	count(note->hash & 15, before->left);
	before->left -= header->dest;
	if (note->hash & 64 && bpf_xdp_adjust_meta(ctx, sizeof(*note)))
		return XDP_ABORTED;
	note = find_note(ctx);
	return note && note->hash & 0x100 ? XDP_TX : XDP_PASS;
}

SEC("xdp")
int look_at_ip4(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);
	struct note *note = find_note(ctx);
	struct iphdr *header;
	__u16 at;

	if (!note || note->offset > 64)
		return XDP_ABORTED;
	at = note->offset;
	header = data + at;
	if ((void *)(header + 1) > data_end)
		return XDP_DROP;
	note->hash = note->hash * 31 + hash_mix(header->saddr ^ header->daddr);
	note->offset += sizeof(*header);
	count(note->hash & 15, note->left);
	if (header->protocol != IPPROTO_UDP)
		return XDP_PASS;
	if (note->hash & 128) {
		if (bpf_xdp_adjust_head(ctx, -8))
			return XDP_DROP;
		at += 8;
	}
	note = find_note(ctx);
	if (!note || add_note(ctx, note->hash + note->left, at + sizeof(*header)))
		return XDP_ABORTED;
	bpf_tail_call(ctx, &udp, 0);
	return XDP_DROP;
}

SEC("xdp")
int metadata_chain(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *data_end = DATA_END(ctx);

	if (!find_ip4(data, data_end))
		return XDP_PASS;
	if (add_note(ctx, 7, sizeof(struct ethhdr)))
		return XDP_ABORTED;
	bpf_tail_call(ctx, &ip4, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
