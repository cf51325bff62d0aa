/* What the agent does differently for a TC program. */
#ifndef CLEAVE_RUNTIME_AGENT_TC_H
#define CLEAVE_RUNTIME_AGENT_TC_H

#include "runtime/agent.h"

bool agent_is_tc(const struct agent *agent);
bool agent_is_egress(const struct agent *agent);
/* What the interface's lock, pins and status go by: there is one program at a hook. */
void agent_name_interface(struct agent *agent, uint32_t interface);
/*
 * A step and its undo. Sockets are at the far ends of private pairs, not on the interfaces. Returns
 * an exit code.
 */
int agent_open_tc_ways(struct agent *agent);
void agent_close_tc_ways(struct agent *agent);

#endif
