/* How many bytes of metadata a cut needs: header, ticket, live values by alignment. */
#ifndef CLEAVE_PARTITIONER_HANDOFF_H
#define CLEAVE_PARTITIONER_HANDOFF_H

#include "partitioner/map_homes.h"

/* Bytes under the modes of the maps. *sum (may be NULL) gets the sum of the live sizes. */
uint32_t handoff_bytes(const struct ir_program *program, int edge, const enum map_mode *modes,
		       uint32_t ordered_maps, uint32_t *sum);

#endif
