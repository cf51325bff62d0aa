/*
 * What the agents of a pair's two programs divide between them: the bundle, ports, CPUs, and what
 * orders packets. Of a bundle with one program the one agent has all of it.
 */
#ifndef CLEAVE_RUNTIME_AGENT_PAIR_H
#define CLEAVE_RUNTIME_AGENT_PAIR_H

#include "runtime/agent.h"

/* A step and its undo: the second program's agent is made, and reads its part of the bundle. */
int agent_join_second(struct agent *agent);
void agent_leave_second(struct agent *agent);
/* Ports of all its interfaces; 0 for NULL. */
uint32_t agent_count_ports(const struct agent *agent);
/* Sets worker_count. Returns an exit code. */
int agent_choose_workers(struct agent *agent);

#endif
