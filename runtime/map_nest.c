/*
 * ARRAY_OF_MAPS and HASH_OF_MAPS: the packet's look-up gives the map that stands at the key, on
 * which the packet's next call works.
 *
 * Native: a table of pointers. The maps in it are the set's, or its own (map_nest_put).
 *
 * Attached: bpf() tells the id of the map at a key; a map of that id is opened once and kept, since
 * packets may still work on one that was just replaced. An id that nobody asked for a while goes.
 */
#include "runtime/map_nest.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/host_bpf.h"

enum { OPEN_MAX = 1024, UNUSED_S = 10 };

/* A map of the kernel's that was found by its id. */
struct opened {
	uint32_t id;
	int64_t used_s;
	struct cleave_map *map;
};

struct nest {
	struct cleave_map map;
	struct bundle_inner inner;
	uint32_t cpus;
	struct cleave_map *table; /* native: key -> pointer */
	struct cleave_map **own;
	uint32_t own_count;
	uint32_t lock;
	struct opened *opened; /* attached */
	uint32_t opened_count;
};

static int64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

static struct bundle_map inner_spec(const struct nest *n, enum map_home home)
{
	return (struct bundle_map){.name = n->map.name,
				   .type = n->inner.type,
				   .key_size = n->inner.key_size,
				   .value_size = n->inner.value_size,
				   .max_entries = n->inner.max_entries,
				   .flags = n->inner.flags,
				   .home = home};
}

static void *native_lookup(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	const struct nest *n = (const struct nest *)map;
	struct cleave_map **held = map_lookup(env, n->table, key);

	return held ? *held : NULL;
}

static void close_opened(struct opened *o)
{
	int fd = o->map->fd;

	map_free(&o->map);
	close(fd);
}

/* Room for one more: of those that nobody asked for lately, the first goes. */
static struct opened *make_room(struct nest *n)
{
	int64_t now = now_s();

	if (n->opened_count < OPEN_MAX)
		return &n->opened[n->opened_count++];
	for (uint32_t i = 0; i < n->opened_count; i++)
		if (now - n->opened[i].used_s > UNUSED_S) {
			close_opened(&n->opened[i]);
			return &n->opened[i];
		}
	return NULL;
}

static struct cleave_map *open_by_id(struct nest *n, uint32_t id)
{
	struct bundle_map spec = inner_spec(n, MAP_HOME_KERNEL_BATCHED);
	/* no case of the batch program knows it */
	struct map_attachment attachment = {
	    .fd = host_map_open(id), .values_fd = -1, .index = MAP_INDEX_NONE};
	struct opened *o = attachment.fd < 0 ? NULL : make_room(n);

	if (!o) {
		if (attachment.fd >= 0)
			close(attachment.fd);
		return NULL;
	}
	*o = (struct opened){.id = id, .used_s = now_s()};
	if (map_new_attached(&spec, &attachment, &o->map)) {
		close(attachment.fd);
		*o = n->opened[--n->opened_count];
		return NULL;
	}
	return o->map;
}

static void *attached_lookup(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	struct nest *n = (struct nest *)map;
	struct cleave_map *found = NULL;
	uint32_t id;

	if (host_map_lookup(map->fd, key, &id))
		return NULL;
	map_lock(&n->lock);
	for (uint32_t i = 0; i < n->opened_count && !found; i++)
		if (n->opened[i].id == id) {
			n->opened[i].used_s = now_s();
			found = n->opened[i].map;
		}
	if (!found)
		found = open_by_id(n, id);
	map_unlock(&n->lock);
	return found;
}

static int native_next_key(struct cleave_map *map, const void *key, void *next)
{
	return map_next_key(((const struct nest *)map)->table, key, next);
}

static int attached_next_key(struct cleave_map *map, const void *key, void *next)
{
	return host_map_next_key(map->fd, key, next);
}

static void nest_free(struct cleave_map *map)
{
	struct nest *n = (struct nest *)map;

	for (uint32_t i = 0; i < n->own_count; i++)
		map_free(&n->own[i]);
	for (uint32_t i = 0; i < n->opened_count; i++)
		close_opened(&n->opened[i]);
	map_free(&n->table);
	free(n->own);
	free(n->opened);
	free(n);
}

static const struct map_ops native_ops = {
    .lookup = native_lookup, .next_key = native_next_key, .free = nest_free};
static const struct map_ops attached_ops = {
    .lookup = attached_lookup, .next_key = attached_next_key, .free = nest_free};

struct cleave_map *map_nest_get(struct cleave_map *map, const void *key)
{
	struct cleave_env nobody = {0};

	return map_type_holds(map->type) == MAP_HOLDS_MAPS ? map->ops->lookup(&nobody, map, key)
							   : NULL;
}

int map_nest_hold(struct cleave_map *map, const void *key, struct cleave_map *held)
{
	return map_write(((struct nest *)map)->table, key, &held, BPF_ANY);
}

static int put_native(struct nest *n, const void *key, struct cleave_map **made)
{
	struct bundle_map spec = inner_spec(n, MAP_HOME_USER);
	struct cleave_map **own = reallocarray(n->own, n->own_count + 1, sizeof *own);
	int err;

	if (!own)
		return -ENOMEM;
	n->own = own;
	err = map_new_native(&spec, n->cpus, &own[n->own_count]);
	if (err)
		return err;
	*made = own[n->own_count++];
	return map_nest_hold(&n->map, key, *made);
}

static int put_attached(struct nest *n, const void *key, struct cleave_map **made)
{
	int fd = host_map_create(n->inner.type, n->inner.key_size, n->inner.value_size,
				 n->inner.max_entries, n->inner.flags);
	int err = fd < 0 ? fd : host_map_update(n->map.fd, key, &fd, BPF_ANY);

	if (fd >= 0)
		close(fd); /* it lives where it stands now */
	if (err)
		return err;
	*made = map_nest_get(&n->map, key);
	return *made ? 0 : -ENOENT;
}

int map_nest_put(struct cleave_map *map, const void *key, struct cleave_map **made)
{
	struct nest *n = (struct nest *)map;

	return map->fd >= 0 ? put_attached(n, key, made) : put_native(n, key, made);
}

static struct nest *new_nest(const struct bundle_map *spec, const struct map_ops *ops,
			     uint32_t cpus)
{
	struct nest *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	map_head_init(&n->map, ops, spec, 1);
	n->inner = *spec->inner;
	n->cpus = cpus;
	return n;
}

int map_nest_new(const struct bundle_map *spec, uint32_t cpus, struct cleave_map **map)
{
	struct bundle_map table = *spec;
	struct nest *n;
	int err;

	if (!spec->inner_count || map_type_holds(spec->inner->type) == MAP_HOLDS_MAPS)
		return -EINVAL;
	n = new_nest(spec, &native_ops, cpus);
	if (!n)
		return -ENOMEM;
	table.type =
	    spec->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_HASH;
	table.value_size = sizeof(struct cleave_map *);
	table.flags = 0;
	err = map_new_native(&table, 1, &n->table);
	if (err)
		nest_free(&n->map);
	else
		*map = &n->map;
	return err;
}

int map_nest_attach(const struct bundle_map *spec, const struct map_attachment *attachment,
		    struct cleave_map **map)
{
	struct nest *n;

	if (!spec->inner_count || map_type_holds(spec->inner->type) == MAP_HOLDS_MAPS)
		return -EINVAL;
	n = new_nest(spec, &attached_ops, 1);
	if (!n)
		return -ENOMEM;
	n->map.fd = attachment->fd;
	n->map.index = attachment->index;
	n->opened = calloc(OPEN_MAX, sizeof *n->opened);
	if (!n->opened) {
		nest_free(&n->map);
		return -ENOMEM;
	}
	*map = &n->map;
	return 0;
}
