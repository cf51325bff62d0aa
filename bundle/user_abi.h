/*
 * The contract between a bundle's user part (a native shared object) and whoever runs it: the
 * agent, `cleave check` and `cleave replay`.
 *
 * The shared object exports
 *
 *     uint32_t cleave_user_abi;                                  == CLEAVE_USER_ABI
 *     uint32_t cleave_user_main(struct cleave_packet *packet);   returns an XDP or TC action
 *
 * and imports nothing but memcpy-like functions of libc and whatever native libraries the NF calls.
 * It keeps no state: everything it touches is reached through the packet. One packet is run by one
 * thread; different threads may run different packets at the same time on the same environment only
 * if they have an environment each (maps may be shared between environments).
 */
#ifndef CLEAVE_BUNDLE_USER_ABI_H
#define CLEAVE_BUNDLE_USER_ABI_H

#include <stdint.h>

#include "bundle/kernel_abi.h"

#define CLEAVE_USER_ABI        6
#define CLEAVE_USER_ABI_SYMBOL "cleave_user_abi"
#define CLEAVE_USER_MAIN       "cleave_user_main"
/*
 * In replay bundles: the kernel part compiled for the host. Same signature; a packet it hands over
 * returns CLEAVE_HANDED_OVER with `entry` set and the handoff block written right before data, its
 * header in the last 8 bytes (generation CLEAVE_REPLAY_GENERATION). Pointers to map values travel
 * as they are, so the block's length is what its header says, not what the manifest does.
 */
#define CLEAVE_KERNEL_MAIN       "cleave_kernel_main"
#define CLEAVE_HANDED_OVER       0x100u
#define CLEAVE_REPLAY_GENERATION 1

struct cleave_env;

/*
 * One packet and the context the program sees of it. Filled in by the caller, owned by the
 * caller.
 */
struct cleave_packet {
	uint8_t *data, *data_end, *data_meta; /* data_meta == data when there is none */
	uint8_t *head;                        /* lowest address data may move to */
	uint8_t *limit;                       /* highest address data_end may move to */
	/* START of the handoff block (kernel_abi.h); valid while the entry runs */
	const uint8_t *handoff;
	struct cleave_env *env;
	uint32_t entry; /* entry number, 0 = start of the program */
	uint32_t ingress_ifindex;
	uint32_t rx_queue_index;
	uint32_t egress_ifindex;
	/* Results beside the action: what XDP_REDIRECT means. */
	uint32_t redirect_kind;   /* enum cleave_redirect_kind */
	uint32_t redirect_target; /* ifindex, or key in the map */
	uint32_t redirect_map;    /* index of the map in the manifest */
	uint32_t reserved;
	uint64_t redirect_flags;
	/* TC programs; NULL and 0 for XDP. data_end is where the kernel's linear part ended. */
	struct cleave_skb
	    *skb;         /* kernel_abi.h: the fields of the context; the program changes them */
	uint8_t *end;     /* of the packet */
	uint32_t network; /* offset of the network header: 14 */
	uint32_t encapsulated; /* 0: no room for an outer header was made yet */
};

/* The packet's end, whatever the program is. */
static inline uint8_t *cleave_packet_end(const struct cleave_packet *packet)
{
	return packet->skb ? packet->end : packet->data_end;
}

struct cleave_map; /* the runtime's, opaque here */

/*
 * What the user part may call. All functions have the kernel helper's semantics: results are the
 * helper's (0 or a negative errno), value pointers stay valid until the packet's end.
 * map is env->maps[index of the map in the manifest].
 */
struct cleave_calls {
	void *(*map_lookup)(struct cleave_env *, struct cleave_map *map, const void *key);
	int64_t (*map_update)(struct cleave_env *, struct cleave_map *map, const void *key,
			      const void *value, uint64_t flags);
	int64_t (*map_delete)(struct cleave_env *, struct cleave_map *map, const void *key);
	/* maps without keys */
	int64_t (*map_push)(struct cleave_env *, struct cleave_map *map, const void *value,
			    uint64_t flags);
	int64_t (*map_pop)(struct cleave_env *, struct cleave_map *map, void *value);
	int64_t (*map_peek)(struct cleave_env *, struct cleave_map *map, void *value);
	/*
	 * bpf_perf_event_output and bpf_ringbuf_output; a record of a ring buffer is the packet's
	 * own until it is submitted or discarded
	 */
	int64_t (*output)(struct cleave_env *, struct cleave_map *map,
			  const struct cleave_packet *packet, const void *bytes, uint64_t size,
			  uint64_t flags);
	void *(*reserve)(struct cleave_env *, struct cleave_map *map, uint64_t size,
			 uint64_t flags);
	void (*submit)(struct cleave_env *, void *record, uint64_t flags, uint32_t discard);
	/* queues `*(value of key + offset) += operand`; home `kernel, batched` only */
	void (*map_add)(struct cleave_env *, struct cleave_map *map, const void *key,
			uint32_t offset, uint32_t size, uint64_t operand);
	/* the index in a `shared values` or `shared array` map of a value pointer, and back */
	void *(*map_value)(struct cleave_env *, struct cleave_map *map, uint32_t index);
	/* clock: CLOCK_MONOTONIC, _BOOTTIME, _TAI, _MONOTONIC_COARSE */
	uint64_t (*ktime_ns)(struct cleave_env *, uint32_t clock);
	uint64_t (*jiffies64)(struct cleave_env *);
	uint32_t (*prandom_u32)(struct cleave_env *);
	/*
	 * redirect_map's test that the key exists: 0, or -1 when the flags' fallback action is
	 * due
	 */
	int (*redirect_check)(struct cleave_env *, struct cleave_map *map, uint32_t key);
	void (*trace)(struct cleave_env *, const char *text, uint32_t length);
	/* bpf_snprintf: the length of the whole text without its NUL, or a negative errno */
	int64_t (*print)(struct cleave_env *, char *text, uint32_t size, const char *format,
			 uint32_t format_size, const uint64_t *arguments, uint32_t count);
	/* bpf_strtol and bpf_strtoul */
	int64_t (*read_signed)(struct cleave_env *, const char *text, uint32_t size, uint64_t flags,
			       int64_t *number);
	int64_t (*read_unsigned)(struct cleave_env *, const char *text, uint32_t size,
				 uint64_t flags, uint64_t *number);
	/* bpf_fib_lookup in an XDP program; params is a struct bpf_fib_lookup */
	int64_t (*fib_lookup)(struct cleave_env *, void *params, uint32_t size, uint32_t flags);
	/* bpf_check_mtu in an XDP program; ifindex is never 0: the packet's own is said */
	int64_t (*check_mtu)(struct cleave_env *, uint32_t ifindex, uint32_t packet_bytes,
			     uint32_t *mtu, int32_t difference, uint64_t flags);
};

struct cleave_env {
	const struct cleave_calls *calls;
	struct cleave_map **maps; /* one per map of the manifest, in its order */
	/* shared array, packet-local and native array: first value; else NULL */
	uint8_t **map_memory;
	uint8_t **globals; /* one per global variable of the manifest: its address */
	uint32_t cpu;      /* what bpf_get_smp_processor_id returns */
	uint32_t map_count, global_count;
	uint32_t numa_node; /* what bpf_get_numa_node_id returns */
	uint32_t reserved;
	void *owner; /* the runner's */
};

#endif
