/*
 * Runs a program on many packets in one BPF_PROG_TEST_RUN: before each turn it puts the next packet
 * of a table into the buffer, undoing whatever the last turn did to the packet's ends and to its
 * metadata, and then tail-calls the program. So caches and branch predictors see a mix, and
 * programs that change or move the packet can be repeated. What it costs by itself is measured with
 * `nothing` as the program, and subtracted.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "eval/drive.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DRIVE_PACKETS_MAX);
	__type(key, __u32);
	__type(value, struct drive_packet);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct drive_state);
} state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, DRIVE_TARGETS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} targets SEC(".maps");

static __always_inline __u64 where(struct drive_state *s, __u32 pointer)
{
	*(volatile __u64 *)&s->now = pointer;
	return *(volatile __u64 *)&s->now;
}

/* Only what the last turn changed is undone: most turns change nothing. */
static __always_inline long restore(struct xdp_md *ctx, struct drive_state *s, __u32 size)
{
	__u64 data = where(s, ctx->data), meta = where(s, ctx->data_meta), length;
	long err = 0;

	if (meta < data)
		err |= bpf_xdp_adjust_meta(ctx, (int)(data - meta));
	if (!s->base)
		s->base = data;
	if (data != s->base)
		err |= bpf_xdp_adjust_head(ctx, (int)(s->base - data));
	length = bpf_xdp_get_buff_len(ctx);
	if (length != size)
		err |= bpf_xdp_adjust_tail(ctx, (int)(size - length));
	return err;
}

SEC("xdp") int drive(struct xdp_md *ctx)
{
	__u32 zero = 0, at, size;
	struct drive_state *s = bpf_map_lookup_elem(&state, &zero);
	struct drive_packet *p;

	if (!s)
		return XDP_ABORTED;
	at = s->first + s->next;
	s->next = s->next + 1 < s->count ? s->next + 1 : 0;
	p = bpf_map_lookup_elem(&packets, &at);
	if (!p)
		return XDP_ABORTED;
	size = p->size;
	if (size < 14 || size > DRIVE_BYTES_MAX)
		return XDP_ABORTED;
	if (restore(ctx, s, size) || bpf_xdp_store_bytes(ctx, 0, p->bytes, size))
		s->failed++;
	bpf_tail_call(ctx, &targets, s->target);
	s->failed++;
	return XDP_ABORTED;
}

SEC("xdp") int nothing(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
