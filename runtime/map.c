/* One map behind one interface: choosing its kind, and what is the same for every kind. */
#include "runtime/map.h"

#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/host_bpf.h"
#include "runtime/map_ops.h"

static_assert((int)MAP_NOEXIST == (int)BPF_NOEXIST && (int)MAP_EXIST == (int)BPF_EXIST &&
		  (int)MAP_LOCK == (int)BPF_F_LOCK,
	      "flags are the kernel's");

void map_head_init(struct cleave_map *map, const struct map_ops *ops, const struct bundle_map *spec,
		   uint32_t cpus)
{
	map->ops = ops;
	snprintf(map->name, sizeof map->name, "%s", spec->name ? spec->name : "");
	map->home = spec->home;
	map->type = spec->type;
	map->key_size = spec->key_size;
	map->value_size = spec->value_size;
	map->max_entries = spec->max_entries;
	map->flags = spec->flags;
	map->stride = map_pad8(spec->value_size);
	map->cpus = map_type_is_percpu(spec->type) && cpus ? cpus : 1;
	map->fd = -1;
}

/* The sizes come from a file: keep every product below in range. */
static bool check_sizes(const struct bundle_map *spec)
{
	enum {
		KEY_BYTES_MAX = 512,
		VALUE_BYTES_MAX = 1 << 22
	}; /* the kernel's: KMALLOC_MAX_SIZE, stack */

	const struct map_type_row *row = map_type_find(spec->type);
	bool events = row && row->holds == MAP_HOLDS_EVENTS;

	bool unsized = events || (row && row->key == MAP_KEY_OBJECT);

	return row && (spec->max_entries || unsized) && spec->max_entries <= 1u << 30 &&
	       (spec->key_size || row->key == MAP_KEY_NONE) && spec->key_size <= KEY_BYTES_MAX &&
	       (spec->value_size || events) && spec->value_size <= VALUE_BYTES_MAX;
}

int map_new_native(const struct bundle_map *spec, uint32_t cpus, struct cleave_map **map)
{
	*map = NULL;
	if (!check_sizes(spec))
		return -EINVAL;
	switch (spec->type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return map_array_new(spec, cpus, map);
	case BPF_MAP_TYPE_PROG_ARRAY:
		return map_programs_new(spec, map);
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_CPUMAP:
	case BPF_MAP_TYPE_XSKMAP:
		return map_devices_new(spec, map);
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_DEVMAP_HASH:
		return map_hash_new(spec, cpus, map);
	case BPF_MAP_TYPE_LPM_TRIE:
		return map_lpm_new(spec, map);
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		return map_queue_new(spec, map);
	case BPF_MAP_TYPE_BLOOM_FILTER:
		return map_bloom_new(spec, map);
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		return map_nest_new(spec, cpus, map);
	case BPF_MAP_TYPE_RINGBUF:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
		return map_events_new(spec, map);
	default:
		return -EOPNOTSUPP;
	}
}

/*
 * The kernel reads and writes as many bytes as the map has, whatever the manifest says: every
 * buffer of ours is made by the manifest.
 */
static int check_layout(const struct bundle_map *spec, int fd)
{
	struct host_map_layout layout;
	uint32_t value_size =
	    spec->home == MAP_HOME_SHARED_VALUES ? sizeof(uint32_t) : spec->value_size;
	int err = host_map_read_layout(fd, &layout);

	if (err)
		return err;
	return layout.type == spec->type && layout.key_size == spec->key_size &&
		       layout.value_size == value_size
		   ? 0
		   : -EBADMSG;
}

int map_new_attached(const struct bundle_map *spec, const struct map_attachment *attachment,
		     struct cleave_map **map)
{
	int err;

	*map = NULL;
	if (!check_sizes(spec) || attachment->fd < 0)
		return -EINVAL;
	err = check_layout(spec, attachment->fd);
	if (err)
		return err;
	switch (spec->home) {
	case MAP_HOME_SHARED_ARRAY:
		return map_shared_array_new(spec, attachment, map);
	case MAP_HOME_SHARED_VALUES:
		return map_shared_values_new(spec, attachment, map);
	case MAP_HOME_KERNEL:
	case MAP_HOME_KERNEL_BATCHED:
		if (spec->type == BPF_MAP_TYPE_RINGBUF ||
		    spec->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			return map_events_attach(spec, attachment, map);
		if (map_type_holds(spec->type) == MAP_HOLDS_MAPS)
			return map_nest_attach(spec, attachment, map);
		return map_kernel_new(spec, attachment, map);
	default:
		return -EINVAL;
	}
}

void map_free(struct cleave_map **map)
{
	if (*map)
		(*map)->ops->free(*map);
	*map = NULL;
}

void *map_lookup(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	return map->ops->lookup(env, map, key);
}

int map_update(struct cleave_env *env, struct cleave_map *map, const void *key, const void *value,
	       uint64_t flags)
{
	return map->ops->update(env, map, key, value, flags);
}

int map_delete(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	return map->ops->delete(env, map, key);
}

void map_add(struct cleave_env *env, struct cleave_map *map, const void *key, uint32_t offset,
	     uint32_t size, uint64_t operand)
{
	uint8_t *value;

	assert((size == 4 || size == 8) && (uint64_t)offset + size <= map->value_size);
	if (map->ops->add) {
		map->ops->add(env, map, key, offset, size, operand);
		return;
	}
	value = map->ops->lookup(env, map, key);
	if (!value)
		return;
	if (size == 4)
		__atomic_fetch_add((uint32_t *)(value + offset), (uint32_t)operand,
				   __ATOMIC_RELAXED);
	else
		__atomic_fetch_add((uint64_t *)(value + offset), operand, __ATOMIC_RELAXED);
}

void *map_value(struct cleave_map *map, uint32_t index)
{
	return map->ops->value ? map->ops->value(map, index) : NULL;
}

int map_push(struct cleave_map *map, const void *value, uint64_t flags)
{
	return map->ops->push ? map->ops->push(map, value, flags) : -EOPNOTSUPP;
}

int map_pop(struct cleave_map *map, void *value)
{
	return map->ops->pop ? map->ops->pop(map, value) : -EOPNOTSUPP;
}

int map_peek(struct cleave_map *map, void *value)
{
	return map->ops->peek ? map->ops->peek(map, value) : -EOPNOTSUPP;
}

int map_read(struct cleave_map *map, const void *key, void *value)
{
	return map->ops->read ? map->ops->read(map, key, value) : -EOPNOTSUPP;
}

int map_write(struct cleave_map *map, const void *key, const void *value, uint64_t flags)
{
	/* bpf() looks at this flag first; no value of a native map has a bpf_spin_lock */
	if (map->fd < 0 && (flags & MAP_LOCK))
		return -EINVAL;
	return map->ops->write ? map->ops->write(map, key, value, flags) : -EOPNOTSUPP;
}

int map_erase(struct cleave_map *map, const void *key)
{
	return map->ops->erase ? map->ops->erase(map, key) : -EOPNOTSUPP;
}

int map_next_key(struct cleave_map *map, const void *key, void *next)
{
	return map->ops->next_key ? map->ops->next_key(map, key, next) : -EOPNOTSUPP;
}

static int count_one(void *context, const void *key, const void *value, size_t value_bytes)
{
	++*(uint32_t *)context;
	return 0;
}

uint32_t map_count(struct cleave_map *map)
{
	uint32_t count = 0;

	if (map->ops->count)
		return map->ops->count(map);
	map_dump(map, count_one, &count);
	return count;
}

static int dump_by_keys(struct cleave_map *map, map_visit *visit, void *context)
{
	size_t key_bytes = map_pad8(map->key_size), value_bytes = map_value_bytes(map);
	uint8_t *keys = calloc(2, key_bytes), *value = calloc(1, value_bytes);
	uint8_t *key = NULL, *next = keys;
	int err = !map->ops->next_key || !map->ops->read ? -EOPNOTSUPP
		  : keys && value                        ? 0
							 : -ENOMEM;

	while (!err && !(err = map->ops->next_key(map, key, next))) {
		key = next;
		next = key == keys ? keys + key_bytes : keys;
		err = map->ops->read(map, key, value);
		if (err == -ENOENT) /* a hole, or deleted in between */
			err = 0;
		else if (!err)
			err = visit(context, key, value, value_bytes);
	}
	free(keys);
	free(value);
	return err == -ENOENT ? 0 : err;
}

int map_dump(struct cleave_map *map, map_visit *visit, void *context)
{
	int err = map->ops->dump ? map->ops->dump(map, visit, context) : -EOPNOTSUPP;

	return err == -EOPNOTSUPP ? dump_by_keys(map, visit, context) : err;
}

const char *map_name(const struct cleave_map *map)
{
	return map->name;
}

uint32_t map_type(const struct cleave_map *map)
{
	return map->type;
}

uint32_t map_key_bytes(const struct cleave_map *map)
{
	return map->key_size;
}

size_t map_value_bytes(const struct cleave_map *map)
{
	return map_type_is_percpu(map->type) ? (size_t)map->cpus * map->stride : map->value_size;
}

uint8_t *map_memory(const struct cleave_map *map, uint32_t cpu)
{
	return map->ops->memory ? map->ops->memory(map, cpu) : NULL;
}

void *map_memory_new(size_t count, size_t stride, size_t *bytes)
{
	void *memory;

	if (__builtin_mul_overflow(count, stride, bytes) || !*bytes)
		return NULL;
	memory = mmap(NULL, *bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void map_memory_free(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, bytes);
}
