/*
 * Maps that take events: ring buffers and perf event arrays. They have neither keys nor values
 * here; what they are asked is whether there is room. The events go through env_output.c.
 */
#ifndef CLEAVE_RUNTIME_MAP_EVENTS_H
#define CLEAVE_RUNTIME_MAP_EVENTS_H

#include "runtime/map_ops.h"

/* Bytes that a record of so many takes up in a ring: header and padding. */
static inline uint64_t map_ring_record_bytes(uint64_t size)
{
	return (size + 8 + 7) & ~7ull;
}

/*
 * Would the ring take a record of size bytes, when `pending` bytes are promised already? What a
 * native ring has been given since map_ring_drain counts too.
 */
bool map_ring_has_room(const struct cleave_map *map, uint64_t size, uint64_t pending);
/* Native rings: a record is there; the consumer has read all. */
void map_ring_fill(struct cleave_map *map, uint64_t size);
void map_ring_drain(struct cleave_map *map);

#endif
