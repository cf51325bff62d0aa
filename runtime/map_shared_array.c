/*
 * Home `shared array`: the user side of a BPF_F_MMAPABLE array is its mapping. A look-up is pointer
 * arithmetic; the kernel lays the values out at value_size padded to 8 (kernel/bpf/arraymap.c).
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/host_bpf.h"
#include "runtime/map_ops.h"

struct shared_array {
	struct cleave_map map;
	uint8_t *memory;
	size_t bytes;
};

static void *shared_array_value(struct cleave_map *map, uint32_t index)
{
	struct shared_array *a = (struct shared_array *)map;

	return index < map->max_entries ? a->memory + (size_t)index * map->stride : NULL;
}

static void *shared_array_lookup(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof index);
	return shared_array_value(map, index);
}

static int shared_array_write(struct cleave_map *map, const void *key, const void *value,
			      uint64_t flags)
{
	uint32_t index;
	int err;

	memcpy(&index, key, sizeof index);
	err = map_check_array_update(map, index, flags);
	if (!err && map->flags & BPF_F_RDONLY_PROG)
		return host_map_update(map->fd, key, value, flags);
	if (!err)
		memcpy(shared_array_value(map, index), value, map->value_size);
	return err;
}

static int shared_array_update(struct cleave_env *env, struct cleave_map *map, const void *key,
			       const void *value, uint64_t flags)
{
	return shared_array_write(map, key, value, flags);
}

static int shared_array_delete(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	return -EINVAL;
}

static int shared_array_erase(struct cleave_map *map, const void *key)
{
	return -EINVAL;
}

static int shared_array_read(struct cleave_map *map, const void *key, void *value)
{
	const void *found = shared_array_lookup(NULL, map, key);

	if (!found)
		return -ENOENT;
	memcpy(value, found, map->value_size);
	return 0;
}

static uint32_t shared_array_count(struct cleave_map *map)
{
	return map->max_entries;
}

static uint8_t *shared_array_memory(const struct cleave_map *map, uint32_t cpu)
{
	return ((const struct shared_array *)map)->memory;
}

static void shared_array_free(struct cleave_map *map)
{
	struct shared_array *a = (struct shared_array *)map;

	host_map_munmap(a->memory, a->bytes);
	free(a);
}

static const struct map_ops shared_array_ops = {
    .lookup = shared_array_lookup,
    .update = shared_array_update,
    .delete = shared_array_delete,
    .value = shared_array_value,
    .read = shared_array_read,
    .write = shared_array_write,
    .erase = shared_array_erase,
    .next_key = map_array_next_key,
    .count = shared_array_count,
    .memory = shared_array_memory,
    .free = shared_array_free,
};

int map_shared_array_new(const struct bundle_map *spec, const struct map_attachment *attachment,
			 struct cleave_map **map)
{
	struct shared_array *a;
	int err;

	if (spec->type != BPF_MAP_TYPE_ARRAY || spec->key_size != sizeof(uint32_t))
		return -EINVAL;
	a = calloc(1, sizeof *a);
	if (!a)
		return -ENOMEM;
	map_head_init(&a->map, &shared_array_ops, spec, 1);
	a->map.fd = attachment->fd;
	a->map.index = attachment->index;
	err = (spec->flags & BPF_F_RDONLY_PROG ? host_map_mmap_read : host_map_mmap)(
	    attachment->fd, spec->max_entries, a->map.stride, (void **)&a->memory, &a->bytes);
	if (err) {
		free(a);
		return err;
	}
	*map = &a->map;
	return 0;
}
