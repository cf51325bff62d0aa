/*
 * The way between a TC program and the workers: a private veth pair per interface and hook
 * (docs/tc.md). The kernel part redirects to the near end; at the far end is the AF_XDP socket.
 *
 * Packets of several segments cannot go that way, so the interface's own offloads that make them
 * are off while the way is there. The near end has none either: what comes through has its
 * checksum.
 */
#ifndef CLEAVE_RUNTIME_IO_TC_H
#define CLEAVE_RUNTIME_IO_TC_H

#include <stdbool.h>

#include "runtime/host_interface.h"

struct diag;
struct tc_way;

/* Returns 0 or a negative errno, reported. */
int tc_way_open(struct tc_way **way, const struct host_interface *target, bool egress,
		struct diag *diag);
void tc_way_close(struct tc_way **way);
/* The end that programs send to, and the one with the socket. */
const struct host_interface *tc_way_near(const struct tc_way *way);
const struct host_interface *tc_way_far(const struct tc_way *way);

#endif
