/*
 * Native arrays: ARRAY, PERCPU_ARRAY (one array per CPU, one after the other), and the arrays of
 * things to redirect to (DEVMAP, CPUMAP, XSKMAP), of which only the values are kept: an element
 * whose first word is 0 is absent, as an interface 0 or a queue of length 0 is in the kernel.
 */
#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/map_ops.h"

struct array {
	struct cleave_map map;
	uint8_t *memory; /* value of (cpu, index) at (cpu * max_entries + index) * stride */
	size_t bytes;
};

static uint32_t read_index(const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof index);
	return index;
}

static uint8_t *element(const struct cleave_map *map, uint32_t cpu, uint32_t index)
{
	const struct array *a = (const struct array *)map;

	assert(cpu < map->cpus);
	return a->memory + ((size_t)cpu * map->max_entries + index) * map->stride;
}

static uint32_t env_cpu(const struct cleave_env *env, const struct cleave_map *map)
{
	return map->cpus > 1 ? env->cpu : 0;
}

static void *array_lookup(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	uint32_t index = read_index(key);

	return index < map->max_entries ? element(map, env_cpu(env, map), index) : NULL;
}

int map_check_array_update(const struct cleave_map *map, uint32_t index, uint64_t flags)
{
	bool may_lock = map->type == BPF_MAP_TYPE_ARRAY || map->type == BPF_MAP_TYPE_PERCPU_ARRAY;

	if ((flags & ~(may_lock ? (uint64_t)MAP_LOCK : 0)) > MAP_EXIST)
		return -EINVAL;
	if (index >= map->max_entries)
		return -E2BIG;
	if (flags & MAP_NOEXIST)
		return -EEXIST;
	return flags & MAP_LOCK ? -EINVAL : 0; /* no value here has a bpf_spin_lock */
}

static int array_update(struct cleave_env *env, struct cleave_map *map, const void *key,
			const void *value, uint64_t flags)
{
	uint32_t index = read_index(key);
	int err = map_check_array_update(map, index, flags);

	if (!err)
		memcpy(element(map, env_cpu(env, map), index), value, map->value_size);
	return err;
}

static int array_delete(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	return -EINVAL;
}

static int array_erase(struct cleave_map *map, const void *key)
{
	return -EINVAL;
}

static void *array_value(struct cleave_map *map, uint32_t index)
{
	return index < map->max_entries && map->cpus == 1 ? element(map, 0, index) : NULL;
}

static int array_read(struct cleave_map *map, const void *key, void *value)
{
	uint32_t index = read_index(key);

	if (index >= map->max_entries)
		return -ENOENT;
	if (!map_type_is_percpu(map->type)) {
		memcpy(value, element(map, 0, index), map->value_size);
		return 0;
	}
	for (uint32_t cpu = 0; cpu < map->cpus; cpu++)
		memcpy((uint8_t *)value + (size_t)cpu * map->stride, element(map, cpu, index),
		       map->stride);
	return 0;
}

static int array_write(struct cleave_map *map, const void *key, const void *value, uint64_t flags)
{
	uint32_t index = read_index(key);
	int err = map_check_array_update(map, index, flags);

	if (err)
		return err;
	for (uint32_t cpu = 0; cpu < map->cpus; cpu++)
		memcpy(element(map, cpu, index), (const uint8_t *)value + (size_t)cpu * map->stride,
		       map->value_size);
	return 0;
}

int map_array_next_key(struct cleave_map *map, const void *key, void *next)
{
	uint32_t index = key ? read_index(key) : UINT32_MAX;

	if (index == map->max_entries - 1)
		return -ENOENT;
	index = index >= map->max_entries ? 0 : index + 1;
	memcpy(next, &index, sizeof index);
	return 0;
}

static uint32_t array_count(struct cleave_map *map)
{
	return map->max_entries;
}

static uint8_t *array_memory(const struct cleave_map *map, uint32_t cpu)
{
	return element(map, map->cpus > 1 ? cpu : 0, 0);
}

static void array_free(struct cleave_map *map)
{
	struct array *a = (struct array *)map;

	map_memory_free(a->memory, a->bytes);
	free(a);
}

static const struct map_ops array_ops = {
    .lookup = array_lookup,
    .update = array_update,
    .delete = array_delete,
    .value = array_value,
    .read = array_read,
    .write = array_write,
    .erase = array_erase,
    .next_key = map_array_next_key,
    .count = array_count,
    .memory = array_memory,
    .free = array_free,
};

static int new_array(const struct bundle_map *spec, const struct map_ops *ops, uint32_t cpus,
		     struct cleave_map **map)
{
	struct array *a;

	if (spec->key_size != sizeof(uint32_t))
		return -EINVAL;
	a = calloc(1, sizeof *a);
	if (!a)
		return -ENOMEM;
	map_head_init(&a->map, ops, spec, cpus);
	a->memory =
	    map_memory_new((size_t)a->map.cpus * a->map.max_entries, a->map.stride, &a->bytes);
	if (!a->memory) {
		free(a);
		return -ENOMEM;
	}
	*map = &a->map;
	return 0;
}

int map_array_new(const struct bundle_map *spec, uint32_t cpus, struct cleave_map **map)
{
	return new_array(spec, &array_ops, cpus, map);
}

/* Arrays of devices. */

static bool is_present(const uint8_t *value)
{
	return __atomic_load_n((const uint32_t *)value, __ATOMIC_ACQUIRE) != 0;
}

static void *devices_lookup(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	uint8_t *value = array_lookup(env, map, key);

	return value && is_present(value) ? value : NULL;
}

static int devices_read(struct cleave_map *map, const void *key, void *value)
{
	void *found = devices_lookup(NULL, map, key);

	if (!found)
		return -ENOENT;
	memcpy(value, found, map->value_size);
	return 0;
}

static int devices_erase(struct cleave_map *map, const void *key)
{
	uint32_t index = read_index(key);

	if (index >= map->max_entries)
		return -EINVAL;
	memset(element(map, 0, index), 0, map->stride);
	return 0;
}

static int devices_delete(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	return devices_erase(map, key);
}

static const struct map_ops devices_ops = {
    .lookup = devices_lookup,
    .update = array_update,
    .delete = devices_delete,
    .value = array_value,
    .read = devices_read,
    .write = array_write,
    .erase = devices_erase,
    .next_key = map_array_next_key,
    .free = array_free,
};

int map_devices_new(const struct bundle_map *spec, struct cleave_map **map)
{
	if (spec->value_size != 4 && spec->value_size != 8)
		return -EINVAL;
	return new_array(spec, &devices_ops, 1, map);
}
