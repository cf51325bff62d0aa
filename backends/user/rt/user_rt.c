/*
 * What the intrinsics of a user part turn into. Compiled to bitcode and linked into each user part,
 * where everything is made internal and inlined: cleave.X.Y(...) becomes cleave_rt_X_Y(packet,
 * ...); the context argument of a helper is left out, and a map argument is the map's index in the
 * manifest.
 *
 * Results are the kernel's, to the error code (net/core/filter.c, kernel/bpf/helpers.c of
 * Linux 6.18). Only mem* of libc is imported; all else goes through packet->env.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "bundle/kernel_abi.h"
#include "bundle/user_abi.h"
#include "ir/tail_calls.h"

#define RT __attribute__((always_inline))

enum {
	ETHERNET_BYTES = 14, /* the kernel leaves no packet shorter than this */
	META_BYTES_MAX = 255,
	ACCESS_BYTES_MAX = 0xffff,
	TRACE_BYTES_MAX = 1024,
	PRINT_ARGUMENTS_MAX = 12,
};

/* The packet and its context. */

RT uint8_t *cleave_rt_pkt_data(struct cleave_packet *p)
{
	return p->data;
}

RT uint8_t *cleave_rt_pkt_data_end(struct cleave_packet *p)
{
	return p->data_end;
}

RT uint8_t *cleave_rt_pkt_data_meta(struct cleave_packet *p)
{
	return p->data_meta;
}

RT uint32_t cleave_rt_ctx_ingress_ifindex(struct cleave_packet *p)
{
	return p->ingress_ifindex;
}

RT uint32_t cleave_rt_ctx_rx_queue_index(struct cleave_packet *p)
{
	return p->rx_queue_index;
}

RT uint32_t cleave_rt_ctx_egress_ifindex(struct cleave_packet *p)
{
	return p->egress_ifindex;
}

/* Maps. */

RT void *cleave_rt_map_lookup(struct cleave_packet *p, uint32_t map, const void *key)
{
	return p->env->calls->map_lookup(p->env, p->env->maps[map], key);
}

/* Arrays in memory: `shared array`, and `user` where the manifest's type is an array. */
RT void *cleave_rt_array_lookup(struct cleave_packet *p, uint32_t map, const void *key,
				uint32_t max_entries, uint32_t stride)
{
	uint32_t index;

	memcpy(&index, key, sizeof index);
	return index < max_entries ? p->env->map_memory[map] + (size_t)index * stride : NULL;
}

RT void *cleave_rt_local_lookup(struct cleave_packet *p, uint32_t map, const void *key,
				uint32_t max_entries, uint32_t stride)
{
	return cleave_rt_array_lookup(p, map, key, max_entries, stride);
}

RT int64_t cleave_rt_map_update(struct cleave_packet *p, uint32_t map, const void *key,
				const void *value, uint64_t flags)
{
	return p->env->calls->map_update(p->env, p->env->maps[map], key, value, flags);
}

RT int64_t cleave_rt_map_delete(struct cleave_packet *p, uint32_t map, const void *key)
{
	return p->env->calls->map_delete(p->env, p->env->maps[map], key);
}

RT int64_t cleave_rt_help_map_push_elem(struct cleave_packet *p, uint32_t map, const void *value,
					uint64_t flags)
{
	return p->env->calls->map_push(p->env, p->env->maps[map], value, flags);
}

RT int64_t cleave_rt_help_map_pop_elem(struct cleave_packet *p, uint32_t map, void *value)
{
	return p->env->calls->map_pop(p->env, p->env->maps[map], value);
}

RT int64_t cleave_rt_help_map_peek_elem(struct cleave_packet *p, uint32_t map, void *value)
{
	return p->env->calls->map_peek(p->env, p->env->maps[map], value);
}

/* A map that another one held a moment ago; NULL: it is gone, and so is all that was in it. */

RT void *cleave_rt_inner_lookup(struct cleave_packet *p, void *map, const void *key)
{
	return map ? p->env->calls->map_lookup(p->env, map, key) : NULL;
}

RT int64_t cleave_rt_inner_update(struct cleave_packet *p, void *map, const void *key,
				  const void *value, uint64_t flags)
{
	return map ? p->env->calls->map_update(p->env, map, key, value, flags) : -ENOENT;
}

RT int64_t cleave_rt_inner_delete(struct cleave_packet *p, void *map, const void *key)
{
	return map ? p->env->calls->map_delete(p->env, map, key) : -ENOENT;
}

/* Events. */

RT int64_t cleave_rt_help_perf_event_output(struct cleave_packet *p, uint32_t map, uint64_t flags,
					    const void *bytes, uint64_t size)
{
	return p->env->calls->output(p->env, p->env->maps[map], p, bytes, size, flags);
}

RT int64_t cleave_rt_help_ringbuf_output(struct cleave_packet *p, uint32_t map, const void *bytes,
					 uint64_t size, uint64_t flags)
{
	return p->env->calls->output(p->env, p->env->maps[map], p, bytes, size, flags);
}

RT void *cleave_rt_help_ringbuf_reserve(struct cleave_packet *p, uint32_t map, uint64_t size,
					uint64_t flags)
{
	return p->env->calls->reserve(p->env, p->env->maps[map], size, flags);
}

RT void cleave_rt_help_ringbuf_submit(struct cleave_packet *p, void *record, uint64_t flags)
{
	p->env->calls->submit(p->env, record, flags, 0);
}

RT void cleave_rt_help_ringbuf_discard(struct cleave_packet *p, void *record, uint64_t flags)
{
	p->env->calls->submit(p->env, record, flags, 1);
}

RT void cleave_rt_map_add(struct cleave_packet *p, uint32_t map, const void *key, uint32_t offset,
			  uint32_t size, uint64_t operand)
{
	p->env->calls->map_add(p->env, p->env->maps[map], key, offset, size, operand);
}

RT void *cleave_rt_map_value(struct cleave_packet *p, uint32_t map, uint32_t index)
{
	return p->env->calls->map_value(p->env, p->env->maps[map], index);
}

/*
 * Tail calls. The user side of an array of programs holds a program's number + 1; 0 is no program,
 * ~0 one that is none of ours. As the JIT does it, a call that fails does not count.
 */

RT void cleave_rt_tail_start(struct cleave_packet *p)
{
	(void)p;
}

RT void cleave_rt_tail_enter(struct cleave_packet *p, uint32_t map, uint32_t program)
{
	(void)p;
	(void)map;
	(void)program;
}

RT uint32_t cleave_rt_tail_entered(struct cleave_packet *p, uint32_t program, uint32_t depth)
{
	(void)p;
	(void)program;
	return depth;
}

RT void cleave_rt_tail_begin(struct cleave_packet *p)
{
	(void)p;
}

RT uint32_t cleave_rt_help_tail_call(struct cleave_packet *p, uint32_t map, uint32_t index,
				     uint32_t depth)
{
	const uint32_t *program;

	if (depth >= MAX_TAIL_CALL_CNT)
		return UINT32_MAX;
	program = p->env->calls->map_lookup(p->env, p->env->maps[map], &index);
	return program ? *(const volatile uint32_t *)program - 1 : UINT32_MAX;
}

/* Clocks, random numbers, the CPU. */

RT uint64_t cleave_rt_help_ktime_get_ns(struct cleave_packet *p)
{
	return p->env->calls->ktime_ns(p->env, CLOCK_MONOTONIC);
}

RT uint64_t cleave_rt_help_ktime_get_boot_ns(struct cleave_packet *p)
{
	return p->env->calls->ktime_ns(p->env, CLOCK_BOOTTIME);
}

RT uint64_t cleave_rt_help_ktime_get_coarse_ns(struct cleave_packet *p)
{
	return p->env->calls->ktime_ns(p->env, CLOCK_MONOTONIC_COARSE);
}

RT uint64_t cleave_rt_help_ktime_get_tai_ns(struct cleave_packet *p)
{
	return p->env->calls->ktime_ns(p->env, CLOCK_TAI);
}

RT int64_t cleave_rt_help_fib_lookup(struct cleave_packet *p, void *params, uint32_t size,
				     uint32_t flags)
{
	return p->env->calls->fib_lookup(p->env, params, size, flags);
}

RT int64_t cleave_rt_help_check_mtu(struct cleave_packet *p, uint32_t ifindex, uint32_t *mtu,
				    int32_t difference, uint64_t flags)
{
	uint32_t bytes = (uint32_t)(p->data_end - p->data);

	return p->env->calls->check_mtu(p->env, ifindex ? ifindex : p->ingress_ifindex, bytes, mtu,
					difference, flags);
}

RT uint64_t cleave_rt_help_jiffies64(struct cleave_packet *p)
{
	return p->env->calls->jiffies64(p->env);
}

RT uint32_t cleave_rt_help_get_prandom_u32(struct cleave_packet *p)
{
	return p->env->calls->prandom_u32(p->env);
}

RT uint32_t cleave_rt_help_get_numa_node_id(struct cleave_packet *p)
{
	return p->env->numa_node;
}

RT uint32_t cleave_rt_help_get_smp_processor_id(struct cleave_packet *p)
{
	return p->env->cpu;
}

/* Checksums. */

/* One's complement sum of little-endian 32-bit words; its value does not depend on how it is
 * grouped. */
static uint64_t sum_words(const uint8_t *bytes, uint32_t size, uint64_t sum)
{
	uint32_t word;

	for (; size >= 4; size -= 4, bytes += 4) {
		memcpy(&word, bytes, 4);
		sum += word;
	}
	if (size) {
		word = 0;
		memcpy(&word, bytes, size);
		sum += word;
	}
	return sum;
}

static uint32_t fold32(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (uint32_t)(sum + (sum >> 32));
}

RT int64_t cleave_rt_help_csum_diff(struct cleave_packet *p, const void *from, uint32_t from_size,
				    const void *to, uint32_t to_size, uint32_t seed)
{
	uint32_t sum = seed, removed;

	(void)p;
	if (to_size)
		sum = fold32(sum_words(to, to_size, sum));
	if (from_size && to_size) {
		removed = fold32(sum_words(from, from_size, 0));
		sum = fold32((uint64_t)sum + (uint32_t)~removed);
	} else if (from_size) { /* the same number, but the other of the two zeros */
		sum = ~fold32(sum_words(from, from_size, (uint32_t)~seed));
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* Moving the packet's ends. */

RT int64_t cleave_rt_help_xdp_adjust_head(struct cleave_packet *p, int32_t offset)
{
	ptrdiff_t meta_bytes = p->data - p->data_meta;

	if (offset < p->head - p->data + meta_bytes ||
	    offset > p->data_end - p->data - ETHERNET_BYTES)
		return -EINVAL;
	if (meta_bytes)
		memmove(p->data_meta + offset, p->data_meta, (size_t)meta_bytes);
	p->data_meta += offset;
	p->data += offset;
	return 0;
}

RT int64_t cleave_rt_help_xdp_adjust_tail(struct cleave_packet *p, int32_t offset)
{
	if (offset > p->limit - p->data_end || offset < p->data + ETHERNET_BYTES - p->data_end)
		return -EINVAL;
	if (offset > 0)
		memset(p->data_end, 0, (size_t)offset);
	p->data_end += offset;
	return 0;
}

RT int64_t cleave_rt_help_xdp_adjust_meta(struct cleave_packet *p, int32_t offset)
{
	ptrdiff_t meta_bytes = p->data - p->data_meta - offset;

	if (meta_bytes < 0 || meta_bytes > p->data - p->head)
		return -EINVAL;
	if (meta_bytes % 4 || meta_bytes > META_BYTES_MAX)
		return -EACCES;
	p->data_meta += offset;
	return 0;
}

RT uint64_t cleave_rt_help_xdp_get_buff_len(struct cleave_packet *p)
{
	return (uint64_t)(p->data_end - p->data);
}

static int check_access(const struct cleave_packet *p, uint32_t offset, uint32_t size)
{
	if (offset > ACCESS_BYTES_MAX || size > ACCESS_BYTES_MAX)
		return -EFAULT;
	return offset + size > p->data_end - p->data ? -EINVAL : 0;
}

RT int64_t cleave_rt_help_xdp_load_bytes(struct cleave_packet *p, uint32_t offset, void *bytes,
					 uint32_t size)
{
	int err = check_access(p, offset, size);

	if (!err)
		memmove(bytes, p->data + offset, size);
	return err;
}

RT int64_t cleave_rt_help_xdp_store_bytes(struct cleave_packet *p, uint32_t offset,
					  const void *bytes, uint32_t size)
{
	int err = check_access(p, offset, size);

	if (!err)
		memmove(p->data + offset, bytes, size);
	return err;
}

/* Redirects. Of several, the last one counts. */

RT int64_t cleave_rt_help_redirect(struct cleave_packet *p, uint32_t ifindex, uint64_t flags)
{
	if (flags)
		return XDP_ABORTED;
	p->redirect_kind = CLEAVE_REDIRECT_IFINDEX;
	p->redirect_target = ifindex;
	p->redirect_map = 0;
	p->redirect_flags = 0;
	return XDP_REDIRECT;
}

RT int64_t cleave_rt_help_redirect_map(struct cleave_packet *p, uint32_t map, uint64_t key,
				       uint64_t flags)
{
	const uint64_t actions = XDP_ABORTED | XDP_DROP | XDP_PASS | XDP_TX;
	const uint64_t broadcast = BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS;
	int found; /* 0 and -1 are of maps of interfaces, 1 and -2 of others */

	if (flags & ~(actions | broadcast))
		return XDP_ABORTED;
	found = p->env->calls->redirect_check(p->env, p->env->maps[map], (uint32_t)key);
	if ((found == 1 || found == -2) && (flags & broadcast))
		return XDP_ABORTED;
	if (found < 0 && !(flags & BPF_F_BROADCAST)) {
		p->redirect_kind = CLEAVE_REDIRECT_NONE;
		return (int64_t)(flags & actions);
	}
	p->redirect_kind = CLEAVE_REDIRECT_MAP;
	p->redirect_target = (uint32_t)key;
	p->redirect_map = map;
	p->redirect_flags = flags & BPF_F_BROADCAST ? flags : 0;
	return XDP_REDIRECT;
}

/* Text. */

static int64_t print_trace(struct cleave_packet *p, const char *format, uint32_t size,
			   const uint64_t *arguments, uint32_t count)
{
	char text[TRACE_BYTES_MAX];
	int64_t length =
	    p->env->calls->print(p->env, text, sizeof text, format, size, arguments, count);

	if (length >= 0)
		p->env->calls->trace(p->env, text,
				     length < TRACE_BYTES_MAX ? (uint32_t)length
							      : TRACE_BYTES_MAX - 1);
	return length;
}

RT int64_t cleave_rt_help_trace_printk(struct cleave_packet *p, const char *format, uint32_t size,
				       uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t arguments[] = {a, b, c};

	return print_trace(p, format, size, arguments, 3);
}

static int is_argument_list(const void *arguments, uint32_t bytes)
{
	return bytes % 8 == 0 && bytes <= PRINT_ARGUMENTS_MAX * 8 && (!bytes || arguments);
}

RT int64_t cleave_rt_help_trace_vprintk(struct cleave_packet *p, const char *format, uint32_t size,
					const void *arguments, uint32_t bytes)
{
	if (!is_argument_list(arguments, bytes))
		return -EINVAL;
	return print_trace(p, format, size, arguments, bytes / 8);
}

RT int64_t cleave_rt_help_snprintf(struct cleave_packet *p, char *text, uint32_t size,
				   const char *format, const void *arguments, uint32_t bytes)
{
	int64_t length;

	if (!is_argument_list(arguments, bytes))
		return -EINVAL;
	length = p->env->calls->print(p->env, text, size, format, UINT32_MAX, arguments, bytes / 8);
	return length < 0 ? length : length + 1;
}

RT int64_t cleave_rt_help_strtol(struct cleave_packet *p, const char *text, uint32_t size,
				 uint64_t flags, int64_t *number)
{
	return p->env->calls->read_signed(p->env, text, size, flags, number);
}

RT int64_t cleave_rt_help_strtoul(struct cleave_packet *p, const char *text, uint32_t size,
				  uint64_t flags, uint64_t *number)
{
	return p->env->calls->read_unsigned(p->env, text, size, flags, number);
}

RT int64_t cleave_rt_help_strncmp(struct cleave_packet *p, const char *a, uint32_t size,
				  const char *b)
{
	(void)p;
	for (uint32_t i = 0; i < size; i++) {
		uint8_t x = (uint8_t)a[i], y = (uint8_t)b[i];

		if (x != y)
			return x < y ? -1 : 1;
		if (!x)
			break;
	}
	return 0;
}

/* Entries: which one, and the handoff's first byte. */

RT uint32_t cleave_rt_entry(struct cleave_packet *p)
{
	return p->entry;
}

RT const uint8_t *cleave_rt_handoff(struct cleave_packet *p)
{
	return p->handoff;
}

/*
 * The near side in one process, for replay: the kernel part as host code leaves its handoff where
 * XDP metadata would be.
 */

RT uint8_t *cleave_rt_open(struct cleave_packet *p, uint32_t length)
{
	return p->data - length < p->head ? 0 : p->data - length;
}

RT uint32_t cleave_rt_own(struct cleave_packet *p)
{
	return (uint32_t)(p->data - p->data_meta);
}

RT uint8_t *cleave_rt_open_behind(struct cleave_packet *p, uint32_t length, uint32_t own,
				  uint32_t own_max)
{
	uint8_t *block = p->data - length;

	if (own > own_max || block - own < p->head)
		return 0;
	memmove(block - own, p->data_meta, own);
	return block;
}

RT uint32_t cleave_rt_no_room(void)
{
	return XDP_ABORTED;
}

RT void cleave_rt_header(struct cleave_handoff *header, uint32_t entry, uint32_t length,
			 uint32_t own)
{
	header->generation = CLEAVE_REPLAY_GENERATION;
	header->entry = (uint8_t)entry;
	header->own = (uint8_t)own;
	header->length = (uint16_t)length;
}

RT uint32_t cleave_rt_send(struct cleave_packet *p, uint32_t entry, uint32_t held)
{
	(void)held;
	p->entry = entry;
	return CLEAVE_HANDED_OVER;
}

RT uint8_t *cleave_rt_global(struct cleave_packet *p, uint32_t global)
{
	return p->env->globals[global];
}
