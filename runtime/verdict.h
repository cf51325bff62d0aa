/* What becomes of a packet when the user part has decided. */
#ifndef CLEAVE_RUNTIME_VERDICT_H
#define CLEAVE_RUNTIME_VERDICT_H

#include <stdint.h>

#include "runtime/worker.h"

/* Counts the action and gives the frame away: to a ring, or back to the spare chunks. */
void verdict_apply(struct worker *worker, struct worker_port *port, struct cleave_packet *packet,
		   uint32_t action);
/* Makes everything that was sent visible; false: some of it is still in a ring. */
bool verdict_kick_all(struct worker *worker);
/* Frames the kernel still owns for transmit. */
uint32_t verdict_in_flight(const struct worker *worker);
/* Closes the ways out that were opened on the way. */
void verdict_close(struct worker *worker);

#endif
