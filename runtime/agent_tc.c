#include "runtime/agent_tc.h"

#include <stdio.h>
#include <string.h>

#include "support/exit_codes.h"

bool agent_is_tc(const struct agent *agent)
{
	return bundle_is_tc(agent->bundle);
}

bool agent_is_egress(const struct agent *agent)
{
	const char *hook = agent->options->hook;

	return agent_is_tc(agent) &&
	       (hook ? !strcmp(hook, "egress") : bundle_is_egress(agent->bundle));
}

void agent_name_interface(struct agent *agent, uint32_t i)
{
	struct agent_interface *it = &agent->interfaces[i];

	snprintf(it->lock_name, sizeof it->lock_name, "%s%s", agent->options->ifnames[i],
		 !agent_is_tc(agent)      ? ""
		 : agent_is_egress(agent) ? "+egress"
					  : "+ingress");
	agent->names[i] = it->lock_name;
}

void agent_close_tc_ways(struct agent *agent)
{
	for (uint32_t i = 0; i < agent->interface_count; i++)
		tc_way_close(&agent->interfaces[i].way);
}

int agent_open_tc_ways(struct agent *agent)
{
	for (uint32_t i = 0; agent_is_tc(agent) && agent->user && i < agent->interface_count; i++) {
		struct agent_interface *it = &agent->interfaces[i];

		if (tc_way_open(&it->way, &it->host, agent_is_egress(agent), &agent->diag)) {
			agent_close_tc_ways(agent);
			return EXIT_CLEAVE_HOST;
		}
		agent->ways[i] = it->way;
		agent->devices[i] = *tc_way_far(it->way);
	}
	return EXIT_CLEAVE_OK;
}
