/* What an interface's driver takes off the stack's hands, and taking it back for a while. */
#ifndef CLEAVE_RUNTIME_HOST_OFFLOAD_H
#define CLEAVE_RUNTIME_HOST_OFFLOAD_H

#include <stdint.h>

enum host_offload {
	OFFLOAD_CHECKSUM = 1, /* of what is sent */
	OFFLOAD_SCATTER = 2,
	OFFLOAD_TSO = 4,
	OFFLOAD_GSO = 8,
	OFFLOAD_GRO = 16,
};

/* Switches those off; returns the ones that were on before. An interface without them has none. */
uint32_t host_offload_off(const char *name, uint32_t offloads);
void host_offload_on(const char *name, uint32_t offloads);

/*
 * How many segments the stack may leave in one packet of that interface; TCP makes such packets
 * whatever the driver can do. Returns what it was before.
 */
uint32_t host_segments_set(const char *name, uint32_t segments);

#endif
