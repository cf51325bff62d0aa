/*
 * The packets of one capture, or of several that were taken at the same time, one per interface:
 * merged in the order of their times.
 */
#ifndef CLEAVE_RUNTIME_CAPTURES_H
#define CLEAVE_RUNTIME_CAPTURES_H

#include <stddef.h>

#include "runtime/ifindex_list.h"

struct diag;
struct packet_list;

/*
 * Fills the empty list, with times that never go back. ifindexes: of one capture, the interface
 * of each packet in turn; of several, the interface of each capture. Returns 0 or a negative errno,
 * reported; a capture without a packet is -EINVAL.
 */
int captures_read(const char *const *paths, size_t count, const struct ifindex_list *ifindexes,
		  struct packet_list *list, struct diag *diag);

#endif
