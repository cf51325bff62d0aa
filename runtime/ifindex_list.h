/* "1,2,1": the interfaces that the packets of a capture arrive on, in turn; the last one for the
 * rest. */
#ifndef CLEAVE_RUNTIME_IFINDEX_LIST_H
#define CLEAVE_RUNTIME_IFINDEX_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packet_list;

struct ifindex_list {
	const char *text; /* NULL: every packet arrives on interface 1 */
};

bool ifindex_list_is_valid(const struct ifindex_list *ifindexes);
/* The n-th of them, from 0. */
uint32_t ifindex_list_at(const struct ifindex_list *ifindexes, size_t n);
/* Sets the packets' ifindex. */
void ifindex_list_apply(const struct ifindex_list *ifindexes, struct packet_list *list);

#endif
