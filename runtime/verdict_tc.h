/* What becomes of a TC program's packet when the user part has decided. */
#ifndef CLEAVE_RUNTIME_VERDICT_TC_H
#define CLEAVE_RUNTIME_VERDICT_TC_H

#include "runtime/worker.h"

/*
 * Counts the verdict and gives the frame away: back to the kernel part with the decision in front
 * of it (struct cleave_back), or, when the packet ends here, to the spare chunks.
 */
void verdict_apply_tc(struct worker *worker, struct worker_port *port,
		      const struct cleave_packet *packet, uint32_t verdict);

#endif
