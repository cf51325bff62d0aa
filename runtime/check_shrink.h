/*
 * From a packet list that shows a mismatch to the shortest one that still does: delta debugging
 * (Zeller, Hildebrandt 2002) over the packets, then the packets themselves are cut shorter.
 */
#ifndef CLEAVE_RUNTIME_CHECK_SHRINK_H
#define CLEAVE_RUNTIME_CHECK_SHRINK_H

#include <stdbool.h>

struct packet_list;

/* Runs the list from the start state; true if the mismatch is still there. */
typedef bool check_fails(void *context, const struct packet_list *list);

/*
 * list must fail. Shrinks it in place, with at most runs_max runs; returns how many it took.
 * Packets keep their order, times and interfaces.
 */
unsigned check_shrink(struct packet_list *list, unsigned runs_max, check_fails *fails,
		      void *context);

#endif
