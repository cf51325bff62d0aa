/*
 * One worker: a thread with its own packet memory, sockets, environment and counters. Worker w of W
 * serves the queues q with q % W == w of every interface, so nothing in the packet path is shared
 * and nothing locks.
 *
 * A burst: receive from each port, run the user part on each packet, apply its verdict; then flush
 * map effects, make the kernel transmit, and only then publish what is done (order.h).
 */
#ifndef CLEAVE_RUNTIME_WORKER_H
#define CLEAVE_RUNTIME_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "runtime/counters.h"
#include "runtime/frame_handoff.h"
#include "runtime/host_interface.h"
#include "runtime/io_xsk.h"
#include "runtime/order.h"
#include "runtime/user_part.h"
#include "support/limits.h"

enum { TARGETS_MAX = 64, MAP_TARGETS = 64 };

enum worker_goal { WORKER_RUN, WORKER_DRAIN };

/* What all workers read and none writes while they run. */
struct worker_setup {
	const struct bundle *bundle;
	const struct host_interface *interfaces;
	const uint32_t *port_base;
	uint32_t interface_count;
	uint32_t worker_count;
	uint32_t worker_base; /* of a pair: workers of the first program, in the epochs */
	uint32_t generation;
	bool tc; /* interfaces are the far ends of private pairs, a queue each */
	user_main_function *user_main;
	struct cleave_order *order; /* NULL: no tickets and no epochs */
	struct order_epochs *epochs;
	uint32_t after_count;  /* tickets a packet waits for; 0 in relaxed order */
	const int *map_fds;    /* by index in the manifest; -1 where there is none */
	int pass_program;      /* host_pass_packet's; -1: packets with metadata cannot pass */
	enum worker_goal goal; /* written by the main thread, atomically */
};

struct worker_port {
	struct io_sock *sock;
	uint32_t interface, queue;
	struct order_port order;
	struct io_frame burst[IO_BURST];
	uint32_t burst_at, burst_count;
	uint32_t finished;       /* packets of the RX ring that are run (wraps, like io_produced) */
	uint32_t epoch_snapshot; /* io_produced at the beginning of the epoch */
	uint64_t blocked_since_ns;
};

/* A way out, by interface index: a socket of ours, or a packet socket where no queue can be had. */
struct worker_target {
	uint32_t ifindex;
	struct io_sock *sock; /* owned by a port, or by `own` */
	struct io_sock *own;
	int packet_fd; /* -1: none */
};

/* What a devmap's key meant a moment ago, so that a redirect needs no system call. */
struct map_target {
	uint32_t map, key, ifindex;
	uint64_t until_ns;
};

struct worker {
	const struct worker_setup *setup;
	pthread_t thread;
	bool started;
	uint32_t index;
	int cpu;
	struct io_area *area;
	struct cleave_env *env;
	struct worker_port ports[PORTS_MAX];
	uint32_t port_count;
	struct order_port *port_of[CLEAVE_PORTS_MAX];
	struct io_sock *stack[PORTS_MAX]; /* by interface: the way to the local stack */
	struct worker_target targets[TARGETS_MAX];
	uint32_t target_count;
	struct map_target map_targets[MAP_TARGETS];
	struct frame_format format;
	uint64_t epoch_seen, now_ns;
	struct worker_counters counters;
	uint8_t handoff[HANDOFF_BYTES_MAX] __attribute__((aligned(8)));
	struct cleave_skb skb; /* TC: of the packet that runs */
};

/* Prepares tables; opens nothing. */
void worker_init(struct worker *worker, const struct worker_setup *setup, uint32_t index);

/*
 * Opens the area and a socket per port and per way to the stack (pass_devices[interface]; NULL
 * where nothing passes). Returns 0 or a negative errno; *failed names the interface that refused.
 */
int worker_open(struct worker *worker, enum io_copy copy, uint32_t chunk_bytes,
		const char *const *pass_devices, const char **failed);
void worker_close(struct worker *worker);

/* env must be set. Pins the thread to worker->cpu when that is >= 0. */
int worker_start(struct worker *worker);
/* After setup->goal is WORKER_DRAIN: waits until everything received is completed. */
void worker_join(struct worker *worker);

#endif
