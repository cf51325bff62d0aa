/* The maps of a running bundle: made once, an environment for each worker. */
#ifndef CLEAVE_RUNTIME_AGENT_MAPS_H
#define CLEAVE_RUNTIME_AGENT_MAPS_H

#include <stdint.h>

struct agent;
struct agent_maps;
struct cleave_env;

/* Returns an exit code, reported. Kernel part loaded, worker_count known. */
int agent_maps_new(struct agent *agent);
void agent_maps_free(struct agent *agent);
/* By index in the manifest; -1 where the kernel has no such map. */
const int *agent_maps_fds(const struct agent_maps *maps);
/* Takes over what others changed in the kernel's maps and user has a copy of. */
void agent_maps_follow(struct agent *agent);
struct cleave_env *agent_maps_env(const struct agent_maps *maps, uint32_t worker);

#endif
