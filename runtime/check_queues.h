/*
 * Comparing maps without keys. A queue or a stack shows its elements only by giving them away: all
 * of both sides' are taken, compared and put back, so nothing may be in flight.
 */
#ifndef CLEAVE_RUNTIME_CHECK_QUEUES_H
#define CLEAVE_RUNTIME_CHECK_QUEUES_H

#include <stdbool.h>
#include <stdint.h>

struct cleave_map;

/*
 * Do the two give the same values in the same order? If not, *at is the first that differs,
 * counted from the next one out.
 */
bool check_queues_differ(struct cleave_map *a, struct cleave_map *b, uint32_t *at);

#endif
