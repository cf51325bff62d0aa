/* An environment behind struct cleave_env; for env*.c and map_kernel.c only. */
#ifndef CLEAVE_RUNTIME_ENV_STATE_H
#define CLEAVE_RUNTIME_ENV_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "bundle/kernel_abi.h"
#include "bundle/user_abi.h"
#include "runtime/env.h"

enum {
	ENV_COPIES_MAX = 64, /* kernel values one packet may hold at a time */
	ENV_COPY_POOL =
	    1 << 18, /* bytes for their copies, all values of per-CPU elements included */
	ENV_DEVICES_CACHED = 256, /* power of two */
	ENV_RECORDS_MAX = 32,     /* records of ring buffers that one packet may hold at a time */
	ENV_RECORD_POOL = 1 << 16,
};

/* A kernel value that this packet looked up: as it was, and as the packet sees and changes it. */
struct env_copy {
	struct cleave_map *map;
	uint8_t *key, *before, *now;
	bool live; /* false: the element was replaced or deleted; changes go nowhere */
};

/* Does redirect_map find this key? Remembered for a burst. */
struct env_device {
	const struct cleave_map *map;
	uint32_t key, burst;
	bool exists;
};

enum env_record_state { ENV_RECORD_OPEN, ENV_RECORD_SUBMITTED, ENV_RECORD_DISCARDED };

/* What bpf_ringbuf_reserve gave to the packet. */
struct env_record {
	struct cleave_map *map;
	uint8_t *bytes; /* in the environment's record_pool */
	uint32_t size;
	enum env_record_state state;
	uint64_t flags;
};

/* The kernel part's program that writes events, and where it finds them. */
struct output_queue {
	uint32_t lock;
	int prog_fd;
	struct cleave_output_args *args; /* the mapping of CLEAVE_MAP_OUTPUT */
	size_t bytes;
};

struct batch_queue {
	uint32_t lock; /* of ops and the program's run */
	int prog_fd;
	struct cleave_batch_op *ops; /* the mapping of CLEAVE_MAP_BATCH */
	size_t bytes;
};

struct map_set {
	uint32_t map_count, global_count, cpus;
	struct bundle_map *specs; /* of packet-local maps an environment makes its own */
	const struct bundle *bundle;
	struct cleave_map **maps;
	bool *borrowed; /* by map: another set's, which outlives this one */
	uint8_t **globals;
	uint8_t *global_bytes; /* native: what they point into */
	bool native;
	int32_t jiffies_offset; /* what the kernel's are ahead of jiffies_by_clock */
	struct batch_queue batch;
	struct output_queue output;
	/* ask the kernel for routes, and for what fits; -1 until somebody has asked */
	int route_prog_fd, mtu_prog_fd;
};

struct env {
	struct cleave_env env; /* first: the two are cast into one another */
	struct map_set *set;
	struct cleave_map **own; /* packet-local maps, by index; else NULL */
	struct cleave_replay_inputs *replay;
	void (*trace)(void *context, const char *text, uint32_t length);
	void *trace_context;
	uint64_t random;
	uint32_t burst;
	struct env_copy copies[ENV_COPIES_MAX];
	uint32_t copy_count, pool_used;
	uint8_t *pool;    /* ENV_COPY_POOL bytes */
	uint8_t *scratch; /* an operator's view of the largest value */
	uint32_t op_count;
	struct cleave_batch_op ops[CLEAVE_BATCH_MAX];
	struct env_device devices[ENV_DEVICES_CACHED];
	struct events *events; /* native: where events go; NULL: nowhere */
	struct env_record records[ENV_RECORDS_MAX];
	uint32_t record_count, record_bytes;
	uint8_t *record_pool; /* ENV_RECORD_POOL bytes, when there is a ring buffer */
};

static inline struct env *env_state(struct cleave_env *env)
{
	return (struct env *)env;
}

/* Queues an add for the batch program, running it first when the queue is full. */
void env_queue_add(struct env *e, const struct cleave_map *map, const void *key, uint32_t offset,
		   uint32_t size, uint64_t operand);

/* env_output.c: the packet's calls, and its end. */
int64_t env_output(struct cleave_env *env, struct cleave_map *map,
		   const struct cleave_packet *packet, const void *bytes, uint64_t size,
		   uint64_t flags);
void *env_reserve(struct cleave_env *env, struct cleave_map *map, uint64_t size, uint64_t flags);
void env_submit(struct cleave_env *env, void *record, uint64_t flags, uint32_t discard);
void env_records_end(struct env *e);

/* map_kernel.c: writes one copy back. */
void map_kernel_write_back(struct env *e, struct env_copy *copy);
/* map_kernel.c: does the element of a map of devices exist? */
bool map_kernel_has_device(const struct cleave_map *map, uint32_t key);

#endif
