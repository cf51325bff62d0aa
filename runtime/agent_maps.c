#include "runtime/agent_maps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/agent.h"
#include "runtime/agent_programs.h"
#include "runtime/host_trace.h"
#include "runtime/map_init.h"
#include "support/exit_codes.h"

struct agent_maps {
	int *map_fds, *value_fds; /* by index in the manifest */
	uint8_t **globals;
	struct map_set *set;
	struct agent_programs *programs;
	struct cleave_env *env[PORTS_MAX];
	uint32_t env_count;
};

static void find_fds(const struct agent *agent, struct agent_maps *maps)
{
	char name[256];

	for (size_t i = 0; i < agent->bundle->map_count; i++) {
		const struct bundle_map *map = &agent->bundle->maps[i];

		maps->map_fds[i] = kernel_part_map_fd(agent->kernel, map->name);
		snprintf(name, sizeof name, CLEAVE_VALUES_PREFIX "%s", map->name);
		maps->value_fds[i] = kernel_part_map_fd(agent->kernel, name);
	}
}

static int find_globals(struct agent *agent, struct agent_maps *maps)
{
	for (size_t i = 0; i < agent->bundle->global_count; i++) {
		const struct bundle_global *g = &agent->bundle->globals[i];

		maps->globals[i] = kernel_part_global(agent->kernel, g->section, g->name, g->size);
		if (!maps->globals[i]) {
			diag_error(&agent->diag, NO_LOC,
				   "the kernel part has no variable '%s' in %s", g->name,
				   g->section);
			return -ENOENT;
		}
	}
	return 0;
}

static int attach_set(struct agent *agent, struct agent_maps *maps)
{
	const struct cleave_order *order = agent_order(agent);
	int err;
	struct map_set_attachment attachment = {
	    .map_fds = maps->map_fds,
	    .value_fds = maps->value_fds,
	    .batch_prog_fd = kernel_part_program_fd(agent->kernel, CLEAVE_PROG_BATCH),
	    .batch_fd = kernel_part_map_fd(agent->kernel, CLEAVE_MAP_BATCH),
	    .output_prog_fd = kernel_part_program_fd(agent->kernel, CLEAVE_PROG_OUTPUT),
	    .output_fd = kernel_part_map_fd(agent->kernel, CLEAVE_MAP_OUTPUT),
	    .epoch = order ? (const uint64_t *)&order->epoch : NULL,
	    .globals = maps->globals,
	};

	err = map_set_new_attached(agent->bundle, &attachment, &maps->set, &agent->diag);
	if (!err && agent->first)
		map_set_share(maps->set, agent->first->maps->set);
	return err;
}

static int make_environments(struct agent *agent, struct agent_maps *maps)
{
	for (uint32_t w = 0; w < agent->worker_count; w++) {
		uint32_t before = agent->first ? agent->first->worker_count : 0;
		int cpu = agent_worker_cpu(before + w);
		int err = env_new(maps->set, cpu < 0 ? 0 : (uint32_t)cpu, &maps->env[w]);

		if (err)
			return err;
		env_set_trace(maps->env[w], host_trace_write, NULL);
		maps->env_count++;
	}
	return 0;
}

/* A dead agent's state is worth more than what maps start with: it is not overwritten. */
static int load_start_state(struct agent *agent, struct agent_maps *maps)
{
	if (!agent->options->map_init || agent->first)
		return 0;
	if (kernel_part_adopted(agent->kernel)) {
		diag_note(&agent->diag, NO_LOC,
			  "%s is not loaded: the state of the agent that died goes on",
			  agent->options->map_init);
		return 0;
	}
	return map_init_write(&agent->start_state, agent->bundle, map_set_maps(maps->set),
			      &agent->diag);
}

int agent_maps_new(struct agent *agent)
{
	struct agent_maps *maps = calloc(1, sizeof *maps);
	size_t map_count = agent->bundle->map_count + 1;
	int err;

	if (!maps)
		return EXIT_CLEAVE_HOST;
	agent->maps = maps;
	maps->map_fds = calloc(map_count, sizeof *maps->map_fds);
	maps->value_fds = calloc(map_count, sizeof *maps->value_fds);
	maps->globals = calloc(agent->bundle->global_count + 1, sizeof *maps->globals);
	if (!maps->map_fds || !maps->value_fds || !maps->globals) {
		agent_maps_free(agent);
		return EXIT_CLEAVE_HOST;
	}
	find_fds(agent, maps);
	err = find_globals(agent, maps);
	if (!err)
		err = attach_set(agent, maps);
	if (!err)
		err = make_environments(agent, maps);
	if (!err)
		err = agent_programs_new(&maps->programs, agent, maps->set, maps->map_fds);
	if (err) {
		agent_maps_free(agent);
		return EXIT_CLEAVE_HOST;
	}
	if (load_start_state(agent, maps)) {
		agent_maps_free(agent);
		return EXIT_CLEAVE_INPUT;
	}
	return EXIT_CLEAVE_OK;
}

void agent_maps_free(struct agent *agent)
{
	struct agent_maps *maps = agent->maps;

	if (!maps)
		return;
	for (uint32_t w = 0; w < maps->env_count; w++)
		env_free(&maps->env[w]);
	agent_programs_free(&maps->programs);
	map_set_free(&maps->set);
	free(maps->map_fds);
	free(maps->value_fds);
	free(maps->globals);
	free(maps);
	agent->maps = NULL;
}

const int *agent_maps_fds(const struct agent_maps *maps)
{
	return maps->map_fds;
}

struct cleave_env *agent_maps_env(const struct agent_maps *maps, uint32_t worker)
{
	return maps->env[worker];
}

void agent_maps_follow(struct agent *agent)
{
	agent_programs_follow(agent->maps->programs);
}
