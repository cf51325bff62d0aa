/* Maps of maps: what stands at a key, and putting a map there. */
#ifndef CLEAVE_RUNTIME_MAP_NEST_H
#define CLEAVE_RUNTIME_MAP_NEST_H

#include "runtime/map_ops.h"

/* The map at the key, or NULL: also when `map` is no map of maps. Not to be freed. */
struct cleave_map *map_nest_get(struct cleave_map *map, const void *key);
/* Native maps of maps: the element becomes `held`, which stays the caller's. */
int map_nest_hold(struct cleave_map *map, const void *key, struct cleave_map *held);
/* The element becomes a new, empty map, as the definition says. */
int map_nest_put(struct cleave_map *map, const void *key, struct cleave_map **made);

#endif
