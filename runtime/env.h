/*
 * What a user part runs in: the maps of a generation (shared by all workers) and one environment
 * for each worker.
 *
 *     struct map_set *set;
 *     map_set_new_native(bundle, 1, &set, diag);            // or map_set_new_attached
 *     struct cleave_env *env;
 *     env_new(set, 0, &env);
 *     env_burst_begin(env);
 *     for each packet { packet.env = env; action = cleave_user_main(&packet); env_packet_end(env);
 * } env_flush(env); env_free(&env); map_set_free(&set);
 *
 * Native sets hold everything in this process: every map of the NF, whatever its home, and its
 * global variables with the initial values of the source. Attached sets are the user side of a
 * kernel part.
 */
#ifndef CLEAVE_RUNTIME_ENV_H
#define CLEAVE_RUNTIME_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "bundle/user_abi.h"

struct diag;
struct events;
struct map_set;
struct cleave_replay_inputs;

/* cpus: CPUs that environments of this set will have, for per-CPU maps (0 means 1). */
int map_set_new_native(const struct bundle *bundle, uint32_t cpus, struct map_set **set,
		       struct diag *diag);

/* The kernel part to attach to. Descriptors and mappings stay the caller's and outlive the set. */
struct map_set_attachment {
	const int *map_fds;      /* by map index; -1: none (homes `user` and `packet-local`) */
	const int *value_fds;    /* by map index: the cv_ arrays; -1: none */
	int batch_prog_fd;       /* CLEAVE_PROG_BATCH, or -1 */
	int batch_fd;            /* CLEAVE_MAP_BATCH, or -1 */
	int output_prog_fd;      /* CLEAVE_PROG_OUTPUT, or -1 */
	int output_fd;           /* CLEAVE_MAP_OUTPUT, or -1 */
	const uint64_t *epoch;   /* struct cleave_order's, or NULL */
	uint8_t *const *globals; /* by global index: address in the mapped section; NULL: none */
};
int map_set_new_attached(const struct bundle *bundle, const struct map_set_attachment *attachment,
			 struct map_set **set, struct diag *diag);
/*
 * The set of a pair's second program: what its bundle has in common with that of `with` is the
 * same object in both from now on. Before the first environment; `with` must outlive it.
 */
void map_set_share(struct map_set *set, const struct map_set *with);
/* All environments of the set must be gone. */
void map_set_free(struct map_set **set);

/* The maps, in the manifest's order; packet-local ones are NULL. */
struct cleave_map *const *map_set_maps(const struct map_set *set);
/* Global variables of a native set, in the manifest's order; written before the first packet. */
uint8_t *const *map_set_globals(const struct map_set *set);

/*
 * The environment of one worker that is pinned to cpu (attached) or plays it (native: cpu < cpus).
 * Two environments that run at the same time must have different CPUs.
 */
int env_new(struct map_set *set, uint32_t cpu, struct cleave_env **env);
void env_free(struct cleave_env **env);

/* From now on clocks and random numbers come from inputs (NULL: from the host again). */
void env_set_replay(struct cleave_env *env, struct cleave_replay_inputs *inputs);
/* Where bpf_printk goes; default: nowhere. */
void env_set_trace(struct cleave_env *env,
		   void (*trace)(void *context, const char *text, uint32_t length), void *context);

/* Where the events of a native environment go; default: nowhere. */
void env_set_events(struct cleave_env *env, struct events *events);

/* A burst of packets begins: answers cached from the last one are forgotten. */
void env_burst_begin(struct cleave_env *env);
/* The packet's verdict is there: what it changed through copies of kernel values is written back.
 */
void env_packet_end(struct cleave_env *env);
/* Runs the queued effects. 0 or a negative errno. Called by env_packet_end when the queue is nearly
 * full. */
int env_flush(struct cleave_env *env);

#endif
