/*
 * What a kernel part calls where Cleave changed something: handing a packet over, strict order,
 * values shared with user, queued effects, replayed clocks. Compiled to bitcode once, linked into
 * every kernel part, inlined there; what a kernel part does not use is dropped from it.
 *
 * Everything here has to pass the verifier in every program that it is inlined into: no loop
 * without a constant bound, no packet pointer kept across bpf_xdp_adjust_meta.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bundle/kernel_abi.h"

#undef SEC
#define SEC(name) __attribute__((section(name))) /* not `used`: what nobody calls goes */
#define RT        __attribute__((always_inline))

enum { CLAIM_PROBES = 64, GRACE_EPOCHS = 2, GRACE_S = 2 };

const volatile struct cleave_kernel_config cleave_config SEC(".rodata") = {.generation = 1,
									   .gone_action = XDP_DROP};

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, CLEAVE_PORTS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} cleave_xsks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cleave_kernel_counters);
} cleave_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cleave_order);
} cleave_order SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CLEAVE_BATCH_MAX);
	__type(key, __u32);
	__type(value, struct cleave_batch_op);
} cleave_batchq SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cleave_output_args);
} cleave_outq SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} cleave_depth SEC(".maps");

struct cleave_replay_inputs cleave_replay SEC(".bss");
struct cleave_replay_redirect cleave_redirect SEC(".bss");
struct cleave_skb cleave_skb_left SEC(".bss");

#ifdef CLEAVE_TC
#define context __sk_buff
#else
#define context xdp_md
#endif

/* The port whose socket the packet is for, and the counter of an action. */
static RT __u32 port_of(struct context *ctx);
static RT __u32 verdict_cell(__u32 action);

static RT struct cleave_kernel_counters *counters(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&cleave_counts, &zero);
}

static RT struct cleave_order *order(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&cleave_order, &zero);
}

/* Tail calls so far: a chain runs on one CPU without another packet in between. */
RT void cleave_rt_tail_start(void)
{
	__u32 zero = 0, *depth = bpf_map_lookup_elem(&cleave_depth, &zero);

	if (depth)
		*depth = 0;
}

RT __u32 cleave_rt_tail_depth(void)
{
	__u32 zero = 0, *depth = bpf_map_lookup_elem(&cleave_depth, &zero);

	return depth ? ++*depth : 0;
}

/* The same helpers, and a note of what they were asked; without a branch, which every program that
 * is checked would have to pass the verifier with. */
static RT void note_redirect(long action, __u32 kind, __u32 target, __u32 map, __u64 flags)
{
	volatile struct cleave_replay_redirect *note = &cleave_redirect;

	note->action = action;
	note->kind = kind;
	note->target = target;
	note->map = map;
	note->flags = flags;
}

#ifndef CLEAVE_TC

static RT __u32 verdict_cell(__u32 action)
{
	return action & 7;
}

static RT __u32 port_of(struct context *ctx)
{
	return cleave_config.port_base + ctx->rx_queue_index;
}

/* Makes room for `length` bytes in front of the packet; NULL when the driver has none. */
RT void *cleave_rt_open(struct context *ctx, __u32 length)
{
	/*
	 * Another program may have left metadata of its own: ours replaces it, so that it ends
	 * at data.
	 */
	long own = (void *)(long)ctx->data - (void *)(long)ctx->data_meta;

	/* or LLVM subtracts halves of pointers, which the verifier does not allow */
	barrier_var(own);
	if (bpf_xdp_adjust_meta(ctx, (int)own - (int)length))
		return 0;
	void *data = (void *)(long)ctx->data, *meta = (void *)(long)ctx->data_meta;

	return meta + length > data ? 0 : meta;
}

/* Bytes of the program's own metadata. */
RT __u32 cleave_rt_own(struct context *ctx)
{
	long own = (void *)(long)ctx->data - (void *)(long)ctx->data_meta;

	barrier_var(own);
	return own;
}

/* The same, where the program has own metadata (own_max bytes at most): it moves down. */
RT void *cleave_rt_open_behind(struct context *ctx, __u32 length, __u32 own, __u32 own_max)
{
	void *data, *meta;

	if (own > own_max || bpf_xdp_adjust_meta(ctx, -(int)length))
		return 0;
	data = (void *)(long)ctx->data;
	meta = (void *)(long)ctx->data_meta;
	for (__u32 at = 0; at < own_max; at += 4) {
		if (meta + length + at + 4 > data)
			break;
		*(__u32 *)(meta + at) = *(__u32 *)(meta + length + at);
	}
	meta += own;
	return meta + length > data ? 0 : meta;
}

RT __u32 cleave_rt_no_room(void)
{
	struct cleave_kernel_counters *c = counters();

	if (c)
		c->no_room++;
	return XDP_ABORTED;
}

RT void cleave_rt_header(struct cleave_handoff *header, __u32 entry, __u32 length, __u32 own)
{
	header->generation = cleave_config.generation;
	header->entry = entry;
	header->own = own;
	header->length = length;
}

RT __u32 cleave_rt_send(struct context *ctx, __u32 entry, __u32 held)
{
	struct cleave_kernel_counters *c = counters();
	long action = bpf_redirect_map(&cleave_xsks, port_of(ctx), cleave_config.gone_action);

	if (c && entry < CLEAVE_ENTRIES_MAX) {
		c->cut[entry]++;
		c->held += held;
		c->gone += action != XDP_REDIRECT;
	}
	return action;
}

#endif

RT __u32 cleave_rt_verdict(__u32 action)
{
	struct cleave_kernel_counters *c;

	if (!cleave_config.count)
		return action;
	c = counters();
	if (c)
		c->verdict[verdict_cell(action)]++;
	return action;
}

/* Folds four bytes of a key into the hash (multiplicative, Knuth, TAOCP 6.4; golden ratio of 2^64).
 */
RT __u64 cleave_rt_hash_step(__u64 hash, __u64 word)
{
	return (hash ^ word) * 0x9E3779B97F4A7C15ull;
}

/* The order cell of a hashed key; the first cells stand for whole maps. */
RT __u32 cleave_rt_cell(__u64 hash)
{
	__u32 cell = (hash >> 40) & (CLEAVE_ORDER_CELLS - 1);

	return cell < CLEAVE_ORDER_MAPS ? cell + CLEAVE_ORDER_MAPS : cell;
}

/* The ticket, or 0 when its packet is not in flight any more. */
static RT __u64 ticket_in_flight(struct cleave_order *o, __u64 ticket)
{
	__u32 port = CLEAVE_TICKET_PORT(ticket);

	if (!ticket || port >= CLEAVE_PORTS_MAX)
		return 0;
	if (*(volatile __u64 *)&o->done[port] >= CLEAVE_TICKET_SEQ(ticket))
		return 0;
	/* Nobody is there to process it: what was in flight is lost, and the kernel goes on. */
	return bpf_map_lookup_elem(&cleave_xsks, &port) ? ticket : 0;
}

RT _Bool cleave_rt_in_flight(__u32 cell)
{
	struct cleave_order *o = order();

	return o && cell < CLEAVE_ORDER_CELLS &&
	       ticket_in_flight(o, *(volatile __u64 *)&o->cell[cell]);
}

/* The next ticket of the packet's port; 0 when there is no such port. */
RT __u64 cleave_rt_ticket(struct context *ctx)
{
	struct cleave_order *o = order();
	__u32 port = port_of(ctx);

	if (!o || port >= CLEAVE_PORTS_MAX)
		return 0;
	return (__u64)port << 48 | (__sync_fetch_and_add(&o->next[port], 1) + 1);
}

/* Puts the packet's ticket into a cell; returns the ticket it has to wait for, or 0. */
RT __u64 cleave_rt_claim(__u32 cell, __u64 ticket)
{
	struct cleave_order *o = order();

	if (!o || cell >= CLEAVE_ORDER_CELLS)
		return 0;
	/* In one step: another CPU may claim the cell too, for a queue or a program of its own. */
	return ticket_in_flight(o, __sync_lock_test_and_set(&o->cell[cell], ticket));
}

/* A look-up in a `shared values` map: key -> index -> slot -> value. */
RT void *cleave_rt_values_lookup(void *hash, void *values, const void *key, __u32 value_at)
{
	__u32 *index = bpf_map_lookup_elem(hash, key);
	void *slot;

	if (!index)
		return 0;
	slot = bpf_map_lookup_elem(values, index);
	return slot ? slot + value_at : 0;
}

/* Index of the value that a pointer to it shows; ~0 for NULL. */
RT __u32 cleave_rt_values_index(void *value, __u32 value_at)
{
	return value ? ((struct cleave_value_slot *)(value - value_at))->index : ~0u;
}

static RT __u32 now_s(void)
{
	__u32 s = bpf_ktime_get_ns() / 1000000000;

	return s ? s : 1;
}

/*
 * One step of the slot protocol (runtime/map_shared_values.c describes it): true when the slot is
 * now claimed by us. Its other words stay as they are until it is published.
 */
static RT _Bool try_claim(void *hash, struct cleave_value_slot *slot, __u32 index, __u32 epoch)
{
	__u32 used = *(volatile __u32 *)&slot->used;

	if (used & 1)
		return 0;
	if (used) {
		__u32 *owner = bpf_map_lookup_elem(hash, slot + 1);
		__u32 seen_s = *(volatile __u32 *)&slot->seen_s;

		if (owner && *owner == index)
			return 0;
		if (!seen_s) {
			if (__sync_val_compare_and_swap(&slot->used, used, used + 1) == used) {
				slot->seen_epoch = epoch;
				*(volatile __u32 *)&slot->seen_s = now_s();
				*(volatile __u32 *)&slot->used = used + 2 ? used + 2 : 2;
			}
			return 0;
		}
		if (epoch - slot->seen_epoch < GRACE_EPOCHS && now_s() - seen_s < GRACE_S)
			return 0;
	}
	return __sync_val_compare_and_swap(&slot->used, used, used + 1) == used;
}

/*
 * Index of a slot of `values` that is ours to fill in, or ~0. Slots are tried at random: in order,
 * a walk would meet long runs of owned ones. The compiler wraps it in a global function for each
 * map, which the verifier then looks at once and not at every call.
 */
RT __u32 cleave_rt_values_claim(void *hash, void *values, __u32 slots)
{
	struct cleave_order *o = order();
	__u32 epoch = o ? o->epoch : 0;

	for (int i = 0; i < CLAIM_PROBES; i++) {
		__u32 index = (__u64)bpf_get_prandom_u32() * slots >> 32;
		struct cleave_value_slot *slot = bpf_map_lookup_elem(values, &index);

		if (slot && try_claim(hash, slot, index, epoch))
			return index;
	}
	return ~0u;
}

/*
 * The global functions: one for each `shared values` map in the maps' order; the compiler writes
 * the body. They stand here because the verifier takes no global function without BTF.
 */
#define CLAIM(n)                                                                                   \
	extern __u32 cleave_claim_body_##n(void);                                                  \
	__attribute__((noinline)) __u32 cleave_claim_##n(void)                                     \
	{                                                                                          \
		return cleave_claim_body_##n();                                                    \
	}
CLAIM(0)
CLAIM(1)
CLAIM(2)
CLAIM(3)
CLAIM(4)
CLAIM(5)
CLAIM(6)
CLAIM(7)
CLAIM(8)
CLAIM(9)
CLAIM(10)
CLAIM(11)
CLAIM(12)
CLAIM(13)
CLAIM(14)
CLAIM(15)
CLAIM(16)
CLAIM(17)
CLAIM(18)
CLAIM(19)
CLAIM(20)
CLAIM(21)
CLAIM(22)
CLAIM(23)
CLAIM(24)
CLAIM(25)
CLAIM(26)
CLAIM(27)
CLAIM(28)
CLAIM(29)
CLAIM(30)
CLAIM(31)
CLAIM(32)
CLAIM(33)
CLAIM(34)
CLAIM(35)
CLAIM(36)
CLAIM(37)
CLAIM(38)
CLAIM(39)
CLAIM(40)
CLAIM(41)
CLAIM(42)
CLAIM(43)
CLAIM(44)
CLAIM(45)
CLAIM(46)
CLAIM(47)
CLAIM(48)
CLAIM(49)
CLAIM(50)
CLAIM(51)
CLAIM(52)
CLAIM(53)
CLAIM(54)
CLAIM(55)
CLAIM(56)
CLAIM(57)
CLAIM(58)
CLAIM(59)
CLAIM(60)
CLAIM(61)
CLAIM(62)
CLAIM(63)

RT struct cleave_value_slot *cleave_rt_values_slot(void *values, __u32 index)
{
	return bpf_map_lookup_elem(values, &index);
}

/* Makes the filled slot the key's; on failure the slot is as free as before. */
RT long cleave_rt_values_publish(void *hash, struct cleave_value_slot *slot, __u32 index,
				 const void *key, __u64 flags)
{
	__u32 used = *(volatile __u32 *)&slot->used;
	long err;

	/* Whoever finds the key may ask the slot for its index at once. */
	*(volatile __u32 *)&slot->index = index;
	err = bpf_map_update_elem(hash, key, &index, flags);
	if (err) {
		*(volatile __u32 *)&slot->used = used - 1;
		return err;
	}
	slot->seen_epoch = slot->seen_s = 0;
	*(volatile __u32 *)&slot->used = used + 1 ? used + 1 : 2;
	return 0;
}

/* Queued effects: finds the element of one op; the compiler writes it, a case for each map. */
extern _Bool cleave_batch_one(struct cleave_batch_op *op);

RT _Bool cleave_rt_batch_apply(void *map, __u32 value_size, struct cleave_batch_op *op)
{
	void *value = bpf_map_lookup_elem(map, op->key);
	/* Masked, not compared: that is how the verifier learns of alignment. */
	__u32 at8 = op->offset & ~7u, at4 = op->offset & ~3u, at2 = op->offset & ~1u;

	if (!value)
		return 0;
	if (op->size == 8 && value_size >= 8 && at8 <= value_size - 8)
		__sync_fetch_and_add((__u64 *)(value + at8), op->operand);
	else if (op->size == 4 && value_size >= 4 && at4 <= value_size - 4)
		__sync_fetch_and_add((__u32 *)(value + at4), (__u32)op->operand);
	else if (op->size == 2 && value_size >= 2 && at2 <= value_size - 2)
		*(__u16 *)(value + at2) += (__u16)op->operand;
	else if (op->size == 1 && op->offset < value_size)
		*(__u8 *)(value + op->offset) += (__u8)op->operand;
	return 1;
}

SEC("syscall") int cleave_batch(struct cleave_batch_args *args)
{
	__u32 count = args->count, done = 0;

	for (__u32 i = 0; i < CLEAVE_BATCH_MAX; i++) {
		__u32 at = i;
		struct cleave_batch_op *op;

		if (i >= count)
			break;
		op = bpf_map_lookup_elem(&cleave_batchq, &at);
		if (op)
			done += cleave_batch_one(op);
	}
	args->done = done;
	return 0;
}

/* Events of the user part: the compiler writes it, a case for each map. */
extern long cleave_output_one(struct xdp_md *ctx, struct cleave_output_args *output);

RT long cleave_rt_output_perf(struct xdp_md *ctx, void *map, struct cleave_output_args *output)
{
	__u64 size = output->size;

	barrier_var(size);
	if (size > CLEAVE_OUTPUT_BYTES)
		return -7; /* E2BIG */
	return bpf_perf_event_output(ctx, map, output->flags, output->bytes, size);
}

RT long cleave_rt_output_ring(void *map, struct cleave_output_args *output)
{
	__u64 size = output->size;

	barrier_var(size);
	if (size > CLEAVE_OUTPUT_BYTES)
		return -7;
	return bpf_ringbuf_output(map, output->bytes, size, output->flags);
}

SEC("xdp") int cleave_output(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct cleave_output_args *output = bpf_map_lookup_elem(&cleave_outq, &zero);

	if (output)
		output->result = cleave_output_one(ctx, output);
	return XDP_DROP;
}

/* Check builds: the same time and random numbers for the oracle and for both parts. */
RT __u64 cleave_rt_replay_ktime(void)
{
	return *(volatile __u64 *)&cleave_replay.ktime_ns;
}

RT __u64 cleave_rt_replay_jiffies(void)
{
	return cleave_rt_replay_ktime() / 4000000;
}

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016). */
RT __u32 cleave_rt_replay_random(void)
{
	__u64 x = *(volatile __u64 *)&cleave_replay.random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*(volatile __u64 *)&cleave_replay.random = x;
	return (x * 0x2545F4914F6CDD1Dull) >> 32;
}

/* Redirects, with a note of what they were asked. */
RT long cleave_rt_replay_redirect(__u32 ifindex, __u64 flags)
{
	long action = bpf_redirect(ifindex, flags);

	note_redirect(action, CLEAVE_REDIRECT_IFINDEX, ifindex, 0, flags);
	return action;
}

#ifndef CLEAVE_TC
RT long cleave_rt_replay_redirect_map(void *map, __u64 key, __u64 flags, __u32 index)
{
	long action = bpf_redirect_map(map, key, flags);

	note_redirect(action, CLEAVE_REDIRECT_MAP, key, index, flags & BPF_F_BROADCAST ? flags : 0);
	return action;
}
#endif
