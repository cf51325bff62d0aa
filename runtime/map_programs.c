/*
 * The user side of an array of programs: a number + 1 for each that is ours, 0 where there is
 * none. Tail calls in user look here; the kernel's array is another, which the agent fills with
 * the same.
 */
#include "runtime/map.h"
#include "runtime/map_ops.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

void map_programs_set(struct cleave_map *map, uint32_t index, uint32_t number)
{
	uint8_t *values = map_memory(map, 0);

	if (index < map->max_entries)
		__atomic_store_n((uint32_t *)(values + (size_t)index * map->stride), number,
				 __ATOMIC_RELAXED);
}

int map_programs_new(const struct bundle_map *spec, struct cleave_map **map)
{
	struct bundle_map array = *spec;
	int err;

	if (spec->key_size != sizeof(uint32_t) || spec->value_size != sizeof(uint32_t))
		return -EINVAL;
	array.type = BPF_MAP_TYPE_ARRAY;
	array.home = MAP_HOME_USER;
	array.flags = 0;
	err = map_array_new(&array, 1, map);
	if (err)
		return err;
	(*map)->type = spec->type;
	(*map)->home = spec->home;
	for (size_t i = 0; i < spec->call_count; i++)
		map_programs_set(*map, spec->calls[i].index, spec->calls[i].program + 1);
	return 0;
}
