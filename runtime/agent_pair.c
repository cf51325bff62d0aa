#include "runtime/agent_pair.h"

#include <sched.h>
#include <stdlib.h>

#include "runtime/agent_tc.h"
#include "support/exit_codes.h"

/* A pair's second program: it has read nothing yet, the first has read all. */
static int read_second(struct agent *agent)
{
	const char *init = agent->options->map_init;

	agent->bundle = agent->first->bundle->second;
	if (agent->options->hook && agent_is_tc(agent) && agent_is_tc(agent->first)) {
		diag_error(&agent->diag, NO_LOC,
			   "--hook: this bundle has a program for either hook");
		return EXIT_CLEAVE_USAGE;
	}
	return init && map_init_read(&agent->start_state, agent->bundle->arena, init, agent->bundle,
				     &agent->diag)
		   ? EXIT_CLEAVE_INPUT
		   : EXIT_CLEAVE_OK;
}

int agent_join_second(struct agent *agent)
{
	struct agent *second;

	if (agent->first)
		return read_second(agent);
	if (!agent->bundle->second)
		return EXIT_CLEAVE_OK;
	second = calloc(1, sizeof *second);
	if (!second)
		return EXIT_CLEAVE_HOST;
	second->options = agent->options;
	second->diag = agent->diag;
	second->first = agent;
	agent->second = second;
	return EXIT_CLEAVE_OK;
}

void agent_leave_second(struct agent *agent)
{
	free(agent->second);
	agent->second = NULL;
}

uint32_t agent_count_ports(const struct agent *agent)
{
	uint32_t ports = 0;

	for (uint32_t i = 0; agent && i < agent->interface_count; i++)
		ports += agent->interfaces[i].host.queues;
	return ports;
}

static uint32_t count_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

/* The n-th CPU this process may use, from the second on: the first one takes most interrupts. */
int agent_worker_cpu(uint32_t worker)
{
	uint32_t cpus = count_cpus(), wanted = (worker + 1) % cpus, seen = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) < 0)
		return -1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && seen++ == wanted)
			return cpu;
	return -1;
}

/* Environments need a CPU each, also those of the other program of a pair. */
static uint32_t spare_cpus(const struct agent *agent)
{
	uint32_t cpus = count_cpus(), taken = 0;

	if (agent->first)
		taken = agent->first->worker_count;
	else if (agent->second && agent->second->user)
		taken = 1;
	return taken < cpus ? cpus - taken : 0;
}

int agent_choose_workers(struct agent *agent)
{
	uint32_t queues = 1, cpus = spare_cpus(agent);

	for (uint32_t i = 0; i < agent->interface_count; i++)
		if (agent->hosts[i].queues > queues)
			queues = agent->hosts[i].queues;
	agent->worker_count = agent->options->workers ? agent->options->workers : cpus;
	if (agent->worker_count > queues)
		agent->worker_count = queues;
	if (agent->worker_count > cpus)
		agent->worker_count = cpus;
	if (!agent->user)
		agent->worker_count = 0;
	if (!agent->user || agent->worker_count)
		return EXIT_CLEAVE_OK;
	diag_error(&agent->diag, NO_LOC,
		   "both programs of this pair need user, and that takes two CPUs");
	return EXIT_CLEAVE_HOST;
}

/* Of a pair, either program's: what orders packets is the same for both. */
struct cleave_order *agent_order(const struct agent *agent)
{
	const struct agent *other = agent->first ? agent->first : agent->second;
	struct cleave_order *order = kernel_part_order(agent->kernel);

	return order || !other ? order : kernel_part_order(other->kernel);
}
