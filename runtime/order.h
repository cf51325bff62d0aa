/*
 * Strict order and epochs, as one worker keeps them. bundle/kernel_abi.h has the protocol.
 *
 * A packet may run when every ticket of its `after` list is done. Tickets of the worker's own ports
 * are done for it as soon as it has run the packet itself; tickets of others when they publish
 * them. done[port] is published only after the effects and the transmits of the packets are
 * visible.
 *
 * A packet can get lost between the kernel and its ring. Its ticket is done when a later one of its
 * port comes out of the ring, or when the port has been silent for ORDER_SILENCE_NS.
 *
 * Epochs. Each worker reports the newest epoch at whose beginning it holds no packet any more that
 * was in its rings then; when all have reported the current one, the next begins. Epochs last at
 * least ORDER_EPOCH_NS, far longer than a packet needs from a look-up in the kernel to the ring.
 */
#ifndef CLEAVE_RUNTIME_ORDER_H
#define CLEAVE_RUNTIME_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "bundle/kernel_abi.h"

enum {
	ORDER_SILENCE_NS = 10 * 1000 * 1000,
	ORDER_WAIT_NS = 100 * 1000 * 1000, /* then an unfinished ticket is taken for lost */
	ORDER_EPOCH_NS = 1000 * 1000,
};

/* What all workers of an agent share; each field is written with atomics. */
struct order_epochs {
	uint64_t began_ns;
	uint32_t advancing; /* 1 while a worker decides */
	uint32_t workers;
	uint64_t reached[CLEAVE_PORTS_MAX]; /* by worker */
};

/* One of the worker's own ports. */
struct order_port {
	uint32_t port;
	uint64_t run;       /* highest sequence that has been run here */
	uint64_t published; /* what done[port] says */
	uint64_t seen_next; /* next[port] when last looked at in silence */
	uint64_t silent_since_ns;
};

/* Every ticket given out before this agent began counts as done. Once, before any packet flows. */
void order_begin(struct cleave_order *order, struct order_epochs *epochs, uint32_t workers);

/*
 * ticket: a struct cleave_ticket at any alignment (metadata keeps to 4 bytes only). port_of[p]: the
 * worker's own port number p, or NULL when another worker has it.
 */
bool order_is_ready(const struct cleave_order *order, struct order_port *const *port_of,
		    const void *ticket, uint32_t after_count);
/*
 * The packet with this ticket is the next of its port: rings keep order, so what was given out
 * before it has been run or is lost. Returns how many are lost.
 */
uint64_t order_note_next(struct order_port *port, uint64_t ticket);
void order_note_run(struct order_port *port, uint64_t ticket);
/* Call when the effects of everything run so far are visible. */
void order_publish(struct cleave_order *order, struct order_port *port);
/* Call when the port's ring is empty. Returns how many tickets turned out to be lost. */
uint64_t order_note_silence(const struct cleave_order *order, struct order_port *port,
			    uint64_t now_ns);

/* Worker `worker` holds nothing older than `epoch`. Begins the next epoch when it is the last to
 * say so. */
void order_reach(struct cleave_order *order, struct order_epochs *epochs, uint32_t worker,
		 uint64_t epoch, uint64_t now_ns);

#endif
