/*
 * Homes `kernel` and `kernel, batched`: a BPF map with the kernel's own semantics, seen from user.
 *
 * A look-up with a result is a bpf() call into a copy that belongs to the packet. At the packet's
 * end a changed copy is written back: as a whole where the element has one value; per-CPU elements
 * as adds of the differences, word by word, which the batch program does on this CPU, because bpf()
 * can only set the values of all CPUs at once and would undo what the others count meanwhile. Adds
 * without a result only queue. In a packet's own order its effects are visible to it: queued adds
 * run before a look-up, and an add to a copied value goes to the copy.
 *
 * After an update or a delete, older copies of the key are as the kernel's pointers are: values of
 * hashes are detached (changes go nowhere), values that are set in place show what was set.
 */
#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/env_state.h"
#include "runtime/host_bpf.h"
#include "runtime/map_ops.h"

/* The maps that the batch program knows: backends/xdp/llvm_batch.c has the same rule. */
static bool can_queue(const struct env *e, const struct cleave_map *map)
{
	return e->set->batch.prog_fd >= 0 && map->index != MAP_INDEX_NONE &&
	       map_type_is_percpu(map->type) && map->key_size <= CLEAVE_BATCH_KEY_MAX;
}

static uint8_t *take_pool(struct env *e, size_t bytes)
{
	uint8_t *memory = e->pool + e->pool_used;

	bytes = (bytes + 7) & ~(size_t)7;
	if (bytes > ENV_COPY_POOL - e->pool_used)
		return NULL;
	e->pool_used += (uint32_t)bytes;
	return memory;
}

static struct env_copy *find_copy(struct env *e, const struct cleave_map *map, const void *key)
{
	for (uint32_t i = e->copy_count; i-- > 0;) {
		struct env_copy *copy = &e->copies[i];

		if (copy->map == map && copy->live && !memcmp(copy->key, key, map->key_size))
			return copy;
	}
	return NULL;
}

static bool has_queued(const struct env *e, const struct cleave_map *map)
{
	for (uint32_t i = 0; i < e->op_count; i++)
		if (e->ops[i].map == map->index)
			return true;
	return false;
}

/* This CPU's value of an element, as it is in the kernel now. */
static int fetch(struct env *e, struct cleave_map *map, const void *key, uint8_t *value)
{
	int err;

	if (has_queued(e, map))
		env_flush(&e->env);
	err = host_map_lookup(map->fd, key, e->scratch);
	if (err)
		return err;
	assert(map->cpus == 1 || e->env.cpu < map->cpus);
	memcpy(value, e->scratch + (map->cpus > 1 ? (size_t)e->env.cpu * map->stride : 0),
	       map->value_size);
	return 0;
}

static void *kernel_lookup(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	struct env *e = env_state(env);
	struct env_copy *copy = find_copy(e, map, key);
	uint32_t pool_used = e->pool_used;

	assert(map->home == MAP_HOME_KERNEL_BATCHED);
	if (copy)
		return copy->now;
	if (e->copy_count == ENV_COPIES_MAX)
		return NULL;
	copy = &e->copies[e->copy_count];
	*copy = (struct env_copy){.map = map, .live = true};
	copy->key = take_pool(e, map->key_size);
	copy->before = take_pool(e, map->stride);
	copy->now = take_pool(e, map->stride);
	if (!copy->now || !copy->before || !copy->key || fetch(e, map, key, copy->before)) {
		e->pool_used = pool_used;
		return NULL;
	}
	memcpy(copy->key, key, map->key_size);
	memcpy(copy->now, copy->before, map->value_size);
	e->copy_count++;
	return copy->now;
}

static bool is_set_in_place(const struct cleave_map *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY || map_type_is_percpu(map->type);
}

/* Adds what turns `before` into `now` to this CPU's value; false: there is no queue for it. */
static bool queue_difference(struct env *e, const struct cleave_map *map, const void *key,
			     const uint8_t *before, const uint8_t *now)
{
	uint32_t at = 0;

	if (!can_queue(e, map))
		return false;
	while (at < map->value_size) {
		uint32_t left = map->value_size - at;
		uint32_t size = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
		uint64_t old = 0, new = 0;

		memcpy(&old, before + at, size);
		memcpy(&new, now + at, size);
		if (old != new)
			env_queue_add(e, map, key, at, size, new - old);
		at += size;
	}
	return true;
}

/* Sets this CPU's value of a per-CPU element, for what adds cannot say: keys that are new. */
static int set_this_cpu(struct env *e, struct cleave_map *map, const void *key, const void *value,
			uint64_t flags)
{
	env_flush(&e->env);
	if (host_map_lookup(map->fd, key, e->scratch))
		memset(e->scratch, 0, map_value_bytes(map));
	memcpy(e->scratch + (size_t)e->env.cpu * map->stride, value, map->value_size);
	return host_map_update(map->fd, key, e->scratch, flags);
}

void map_kernel_write_back(struct env *e, struct env_copy *copy)
{
	struct cleave_map *map = copy->map;

	if (!memcmp(copy->before, copy->now, map->value_size))
		return;
	if (!map_type_is_percpu(map->type))
		host_map_update(map->fd, copy->key, copy->now, BPF_EXIST);
	else if (!queue_difference(e, map, copy->key, copy->before, copy->now))
		set_this_cpu(e, map, copy->key, copy->now, BPF_EXIST);
	memcpy(copy->before, copy->now, map->value_size);
}

/* A per-CPU value that is there is set by the difference; one that is not, for all CPUs at once. */
static int update_percpu(struct env *e, struct cleave_map *map, const void *key, const void *value,
			 uint64_t flags)
{
	uint8_t *before = e->scratch + map_value_bytes(map);
	struct env_copy *copy = find_copy(e, map, key);
	int err = copy ? 0 : fetch(e, map, key, before);

	if (err || flags == BPF_NOEXIST || flags > BPF_EXIST) {
		err = set_this_cpu(e, map, key, value, flags);
		if (err)
			return err;
	} else if (copy) { /* what the copy has of its own is replaced: only its origin counts */
		memcpy(before, copy->before, map->value_size);
		if (!queue_difference(e, map, key, before, value))
			err = set_this_cpu(e, map, key, value, BPF_EXIST);
	} else if (!queue_difference(e, map, key, before, value)) {
		err = set_this_cpu(e, map, key, value, BPF_EXIST);
	}
	if (!err && copy) {
		memcpy(copy->before, value, map->value_size);
		memcpy(copy->now, value, map->value_size);
	}
	return err;
}

static int kernel_update(struct cleave_env *env, struct cleave_map *map, const void *key,
			 const void *value, uint64_t flags)
{
	struct env *e = env_state(env);
	struct env_copy *copy;
	int err;

	assert(map->home == MAP_HOME_KERNEL_BATCHED);
	if (map_type_is_percpu(map->type))
		return update_percpu(e, map, key, value, flags);
	if (has_queued(e, map))
		env_flush(env);
	err = host_map_update(map->fd, key, value, flags);
	copy = err ? NULL : find_copy(e, map, key);
	if (copy && is_set_in_place(map)) {
		memcpy(copy->before, value, map->value_size);
		memcpy(copy->now, value, map->value_size);
	} else if (copy) {
		copy->live = false;
	}
	return err;
}

static int kernel_delete(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	struct env *e = env_state(env);
	struct env_copy *copy;
	int err;

	assert(map->home == MAP_HOME_KERNEL_BATCHED);
	if (has_queued(e, map))
		env_flush(env);
	err = host_map_delete(map->fd, key);
	copy = err ? NULL : find_copy(e, map, key);
	if (copy)
		copy->live = false;
	return err;
}

static void kernel_add(struct cleave_env *env, struct cleave_map *map, const void *key,
		       uint32_t offset, uint32_t size, uint64_t operand)
{
	struct env *e = env_state(env);
	struct env_copy *copy = find_copy(e, map, key);
	uint64_t word = 0;
	uint8_t *value;

	assert(map->home == MAP_HOME_KERNEL_BATCHED);
	if (!copy && can_queue(e, map)) {
		env_queue_add(e, map, key, offset, size, operand);
		return;
	}
	value = kernel_lookup(env, map, key);
	if (!value)
		return;
	memcpy(&word, value + offset, size);
	word += operand;
	memcpy(value + offset, &word, size);
}

/* The kernel pads per-CPU values with whatever was behind the value that was stored. */
static void clear_padding(const struct cleave_map *map, uint8_t *value)
{
	uint32_t padding = map->stride - map->value_size;

	for (uint32_t cpu = 0; map_type_is_percpu(map->type) && cpu < map->cpus; cpu++)
		memset(value + (size_t)cpu * map->stride + map->value_size, 0, padding);
}

static int kernel_read(struct cleave_map *map, const void *key, void *value)
{
	int err = host_map_lookup(map->fd, key, value);

	if (!err)
		clear_padding(map, value);
	return err;
}

struct dumping {
	struct cleave_map *map;
	map_visit *visit;
	void *context;
};

static int dump_element(void *context, const void *key, void *value)
{
	const struct dumping *d = context;

	clear_padding(d->map, value);
	return d->visit(d->context, key, value, map_value_bytes(d->map));
}

static int kernel_dump(struct cleave_map *map, map_visit *visit, void *context)
{
	struct dumping d = {map, visit, context};

	return host_map_walk(map->fd, map->key_size, map_value_bytes(map), dump_element, &d);
}

static int kernel_write(struct cleave_map *map, const void *key, const void *value, uint64_t flags)
{
	return host_map_update(map->fd, key, value, flags);
}

static int kernel_erase(struct cleave_map *map, const void *key)
{
	return host_map_delete(map->fd, key);
}

static int kernel_next_key(struct cleave_map *map, const void *key, void *next)
{
	return host_map_next_key(map->fd, key, next);
}

static int kernel_push(struct cleave_map *map, const void *value, uint64_t flags)
{
	return host_map_push(map->fd, value, flags);
}

/* A program finds zeroes where an empty queue has nothing to give; bpf() leaves the value alone. */
static int kernel_pop(struct cleave_map *map, void *value)
{
	int err = host_map_pop(map->fd, value);

	if (err)
		memset(value, 0, map->value_size);
	return err;
}

static int kernel_peek(struct cleave_map *map, void *value)
{
	int err = host_map_peek(map->fd, value);

	if (err && map_type_holds(map->type) == MAP_HOLDS_QUEUE)
		memset(value, 0, map->value_size);
	return err;
}

static void kernel_free(struct cleave_map *map)
{
	free(map);
}

bool map_kernel_has_device(const struct cleave_map *map, uint32_t key)
{
	uint8_t value[64];
	int err;

	if (map->value_size > sizeof value)
		return true;
	err = host_map_lookup(map->fd, &key, value);
	return err != -ENOENT; /* an XSKMAP cannot be read: leave it to the transmit */
}

static const struct map_ops kernel_ops = {
    .lookup = kernel_lookup,
    .update = kernel_update,
    .delete = kernel_delete,
    .add = kernel_add,
    .push = kernel_push,
    .pop = kernel_pop,
    .peek = kernel_peek,
    .read = kernel_read,
    .write = kernel_write,
    .erase = kernel_erase,
    .next_key = kernel_next_key,
    .dump = kernel_dump,
    .free = kernel_free,
};

int map_kernel_new(const struct bundle_map *spec, const struct map_attachment *attachment,
		   struct cleave_map **map)
{
	int cpus = map_type_is_percpu(spec->type) ? host_possible_cpus() : 1;
	struct cleave_map *m;

	if (cpus < 1)
		return cpus ? cpus : -EINVAL;
	m = calloc(1, sizeof *m);
	if (!m)
		return -ENOMEM;
	map_head_init(m, &kernel_ops, spec, (uint32_t)cpus);
	m->fd = attachment->fd;
	m->index = attachment->index;
	*map = m;
	return 0;
}
