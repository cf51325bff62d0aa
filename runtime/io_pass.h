/*
 * PASS from user: a packet reaches the local stack as if it had arrived on the interface.
 *
 * A private veth pair per interface. Workers transmit into one end by AF_XDP, in batches, a queue
 * each; on the other end a tc program redirects to the ingress of the interface. The packet is seen
 * by sockets and tc as received on the interface, and the interface's XDP program does not run
 * again. docs/pass-to-stack.md has the measurement that chose this over a tap.
 *
 * The pair is named after the interface's index, so that what a killed agent left is found and
 * replaced.
 */
#ifndef CLEAVE_RUNTIME_IO_PASS_H
#define CLEAVE_RUNTIME_IO_PASS_H

#include <stdint.h>

#include "runtime/host_interface.h"

struct diag;
struct pass_link;

/* queues: one per worker. Returns 0 or a negative errno, reported. */
int pass_open(struct pass_link **link, const struct host_interface *target, uint32_t queues,
	      struct diag *diag);
/* What arrives on the link `from` arrives on the interface `to` instead, by a tc program on `from`.
 */
int pass_redirect_ingress(const char *from, uint32_t to);
/*
 * Generic XDP would run again on what bpf_redirect brings to the interface. The same through tc's
 * mirred action, which it leaves alone. Returns 0 or a negative errno, reported.
 */
int pass_avoid_generic(struct pass_link *link, struct diag *diag);
void pass_close(struct pass_link **link);
/* The device whose transmit queue w is worker w's way to the stack. */
const char *pass_device(const struct pass_link *link);

#endif
