#include "runtime/agent_programs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "bundle/kernel_abi.h"
#include "runtime/agent.h"
#include "runtime/env.h"
#include "runtime/host_bpf.h"
#include "runtime/host_program.h"
#include "runtime/map.h"
#include "support/map_types.h"

enum { FOREIGN = UINT32_MAX };

struct watched {
	struct cleave_map *copy;
	int fd;
	uint32_t entries, *id; /* of the program in each element when last looked at; 0: none */
};

struct agent_programs {
	struct watched *arrays;
	size_t array_count, program_count;
	uint32_t *program_id; /* by number in the manifest */
	uint32_t callee_id;   /* the first program's, as it is called */
};

static uint32_t read_id(const struct watched *w, uint32_t index)
{
	uint32_t id = 0;

	return host_map_lookup(w->fd, &index, &id) == 0 ? id : 0;
}

static int watch(struct agent_programs *p, const struct bundle_map *spec, struct cleave_map *copy,
		 int fd)
{
	struct watched *w = &p->arrays[p->array_count];

	*w = (struct watched){.copy = copy, .fd = fd, .entries = spec->max_entries};
	w->id = calloc(w->entries, sizeof *w->id);
	if (!w->id)
		return -ENOMEM;
	p->array_count++;
	for (uint32_t i = 0; i < w->entries; i++)
		w->id[i] = read_id(w, i);
	return 0;
}

static int find_programs(struct agent_programs *p, const struct agent *agent)
{
	const struct bundle *bundle = agent->bundle;

	p->program_id = calloc(bundle->program_count + 1, sizeof *p->program_id);
	if (!p->program_id)
		return -ENOMEM;
	p->program_count = bundle->program_count;
	for (size_t i = 0; i < p->program_count; i++)
		p->program_id[i] =
		    host_program_id(kernel_part_program_fd(agent->kernel, bundle->programs[i]));
	p->callee_id = host_program_id(kernel_part_program_fd(agent->kernel, CLEAVE_PROG_CALLEE));
	return 0;
}

int agent_programs_new(struct agent_programs **out, const struct agent *agent, struct map_set *set,
		       const int *map_fds)
{
	const struct bundle *bundle = agent->bundle;
	struct agent_programs *p;
	int err;

	*out = NULL;
	if (!bundle->program_count)
		return 0;
	p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	*out = p;
	p->arrays = calloc(bundle->map_count + 1, sizeof *p->arrays);
	err = p->arrays ? find_programs(p, agent) : -ENOMEM;
	for (size_t m = 0; m < bundle->map_count && !err; m++)
		if (map_type_holds(bundle->maps[m].type) == MAP_HOLDS_PROGRAMS && map_fds[m] >= 0)
			err = watch(p, &bundle->maps[m], map_set_maps(set)[m], map_fds[m]);
	if (err)
		agent_programs_free(out);
	return err;
}

void agent_programs_free(struct agent_programs **out)
{
	struct agent_programs *p = *out;

	*out = NULL;
	if (!p)
		return;
	for (size_t a = 0; a < p->array_count; a++)
		free(p->arrays[a].id);
	free(p->arrays);
	free(p->program_id);
	free(p);
}

/* As user's copy has it: a number + 1, 0 or FOREIGN. */
static uint32_t number_of(const struct agent_programs *p, uint32_t id)
{
	if (!id)
		return 0;
	if (id == p->callee_id)
		return 1;
	for (size_t i = 0; i < p->program_count; i++)
		if (p->program_id[i] == id)
			return (uint32_t)i + 1;
	return FOREIGN;
}

void agent_programs_follow(struct agent_programs *p)
{
	for (size_t a = 0; p && a < p->array_count; a++) {
		struct watched *w = &p->arrays[a];

		for (uint32_t i = 0; i < w->entries; i++) {
			uint32_t id = read_id(w, i);

			/* What did not change may be a program that only user has. */
			if (id == w->id[i])
				continue;
			w->id[i] = id;
			map_programs_set(w->copy, i, number_of(p, id));
		}
	}
}
