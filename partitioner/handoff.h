/* How many bytes of metadata a cut needs: header, ticket, live values in order, each aligned. */
#ifndef CLEAVE_PARTITIONER_HANDOFF_H
#define CLEAVE_PARTITIONER_HANDOFF_H

#include "partitioner/map_homes.h"

/* Alignment of a live value of this size: its own for 1, 2, 4 and 8 bytes, else 8. */
uint32_t handoff_align(uint32_t size);

/*
 * Bytes under the modes of the maps; UINT32_MAX when a live value cannot travel under them.
 * *sum (may be NULL) gets the sum of the live sizes.
 */
uint32_t handoff_bytes(const struct ir_program *program, int edge, const enum map_mode *modes,
		       uint32_t ordered_maps, uint32_t *sum);

#endif
