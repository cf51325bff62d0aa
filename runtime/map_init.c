/* The start state of maps and global variables. */
#include "runtime/map_init.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "bundle/bundle.h"
#include "runtime/host_btf.h"
#include "runtime/json_source.h"
#include "runtime/map.h"
#include "runtime/map_init_value.h"
#include "support/arena.h"
#include "support/diag.h"

struct reading {
	struct map_init *init;
	struct arena *arena;
	const struct bundle *bundle;
	struct map_init_reader r;
};

static int read_key(struct reading *g, const struct bundle_map *map, const json_t *value,
		    uint32_t type, uint8_t *bytes)
{
	if (map->type == BPF_MAP_TYPE_LPM_TRIE && (map->key_size == 8 || map->key_size == 20) &&
	    json_object_get(value, "prefix"))
		return map_init_prefix(&g->r, value, bytes, map->key_size);
	return map_init_value(&g->r, value, type, bytes, map->key_size);
}

static int read_part(struct reading *g, const struct bundle_map *map, json_t *entry,
		     const char *name, uint32_t type, uint8_t *bytes)
{
	json_t *value = json_object_get(entry, name);
	int err;

	if (!value)
		return json_source_error(g->r.src, g->r.diag, "an entry needs a \"%s\"", name);
	json_source_enter(g->r.src, name, 0);
	err = !strcmp(name, "key") ? read_key(g, map, value, type, bytes)
				   : map_init_value(&g->r, value, type, bytes, map->value_size);
	if (!err)
		json_source_leave(g->r.src);
	return err;
}

static int read_entry(struct reading *g, uint32_t index, size_t at, json_t *value,
		      uint32_t key_type, uint32_t value_type)
{
	const struct bundle_map *map = &g->bundle->maps[index];
	uint8_t *key_bytes = arena_alloc(g->arena, map->key_size);
	uint8_t *value_bytes = arena_alloc(g->arena, map->value_size);
	struct map_init_entry *entry;
	const char *name;
	json_t *part;
	int err;

	if (!json_is_object(value))
		return json_source_error(g->r.src, g->r.diag,
					 "expected {\"key\": ..., \"value\": ...}");
	json_object_foreach(value, name, part)
	{
		if (!strcmp(name, "key") || !strcmp(name, "value"))
			continue;
		json_source_enter(g->r.src, name, 0);
		return json_source_error(g->r.src, g->r.diag,
					 "an entry has \"key\" and \"value\", not \"%s\"", name);
	}
	err = read_part(g, map, value, "key", key_type, key_bytes);
	if (!err)
		err = read_part(g, map, value, "value", value_type, value_bytes);
	if (err)
		return err;
	entry =
	    ARENA_PUSH(g->arena, g->init->entries, g->init->entry_count, g->init->entry_capacity);
	*entry = (struct map_init_entry){index, key_bytes, value_bytes, at};
	return 0;
}

static int read_map(struct reading *g, const char *name, json_t *list)
{
	uint32_t index = 0, key_type, value_type;
	int err = 0;

	while (index < g->bundle->map_count && strcmp(g->bundle->maps[index].name, name))
		index++;
	if (index == g->bundle->map_count || !host_btf_map(g->r.btf, name, &key_type, &value_type))
		return json_source_error(g->r.src, g->r.diag, "the program has no map \"%s\"",
					 name);
	if (!json_is_array(list))
		return json_source_error(g->r.src, g->r.diag,
					 "expected a list of {\"key\": ..., \"value\": ...}");
	for (size_t i = 0; i < json_array_size(list) && !err; i++) {
		json_source_enter(g->r.src, NULL, i);
		err = read_entry(g, index, i, json_array_get(list, i), key_type, value_type);
		if (!err)
			json_source_leave(g->r.src);
	}
	return err;
}

static int read_global(struct reading *g, const char *name, const json_t *value)
{
	const struct bundle *b = g->bundle;
	struct map_init_global *global;
	uint8_t *bytes;
	uint32_t i = 0;
	int err;

	while (i < b->global_count && strcmp(b->globals[i].name, name))
		i++;
	if (i == b->global_count)
		return json_source_error(g->r.src, g->r.diag,
					 "the program has no global variable \"%s\"", name);
	bytes = arena_alloc(g->arena, b->globals[i].size);
	err = map_init_value(&g->r, value, host_btf_global(g->r.btf, name), bytes,
			     b->globals[i].size);
	if (err)
		return err;
	global =
	    ARENA_PUSH(g->arena, g->init->globals, g->init->global_count, g->init->global_capacity);
	*global = (struct map_init_global){i, bytes, b->globals[i].size};
	return 0;
}

static int read_globals(struct reading *g, json_t *object)
{
	const char *name;
	json_t *value;
	int err = 0;

	if (!json_is_object(object))
		return json_source_error(g->r.src, g->r.diag, "\"globals\" is an object");
	json_object_foreach(object, name, value)
	{
		json_source_enter(g->r.src, name, 0);
		err = read_global(g, name, value);
		if (err)
			break;
		json_source_leave(g->r.src);
	}
	return err;
}

static int read_file(struct reading *g)
{
	const char *name;
	json_t *value;
	int err = 0;

	json_object_foreach(g->r.src->root, name, value)
	{
		json_source_enter(g->r.src, name, 0);
		err = !strcmp(name, "globals") ? read_globals(g, value) : read_map(g, name, value);
		if (err)
			break;
		json_source_leave(g->r.src);
	}
	return err;
}

int map_init_read(struct map_init *init, struct arena *arena, const char *path,
		  const struct bundle *bundle, struct diag *diag)
{
	const struct bundle_member *object = bundle_find(bundle, BUNDLE_MEMBER_SOURCE);
	struct host_btf *btf = NULL;
	struct json_source src;
	struct reading g = {init, arena, bundle, {&src, NULL, diag}};
	int err = json_source_read(&src, path, diag);

	*init = (struct map_init){.path = arena_strdup(arena, path)};
	if (!err && !object) {
		diag_error(diag, NO_LOC, "the bundle has no %s", BUNDLE_MEMBER_SOURCE);
		err = -EINVAL;
	}
	if (!err)
		err = host_btf_open(object->bytes, object->size, &btf, diag);
	if (!err) {
		g.r.btf = btf;
		err = read_file(&g);
	}
	host_btf_close(&btf);
	json_source_free(&src);
	return err;
}

/* Lines are found when one is asked for: it takes a walk through the text. */
static unsigned line_of(const struct map_init *init, const struct map_init_entry *entry,
			const char *map)
{
	struct diag quiet = {.out = NULL};
	struct json_source src;
	unsigned line = 0;

	quiet.out = fopen("/dev/null", "w");
	if (!quiet.out)
		return 0;
	if (!json_source_read(&src, init->path, &quiet)) {
		json_source_enter(&src, map, 0);
		json_source_enter(&src, NULL, entry->index);
		line = json_source_line(&src);
	}
	json_source_free(&src);
	fclose(quiet.out);
	return line;
}

static int write_entry(const struct map_init *init, const struct map_init_entry *entry,
		       struct cleave_map *map, uint32_t value_bytes_one, uint8_t *value,
		       struct diag *diag)
{
	size_t size = map_value_bytes(map);
	uint32_t stride = (value_bytes_one + 7) & ~7u;
	int err;

	if (map_type_is_percpu(map_type(map)))
		for (size_t at = 0; at < size; at += stride)
			memcpy(value + at, entry->value, value_bytes_one);
	else
		memcpy(value, entry->value, value_bytes_one);
	err = map_write(map, entry->key, value, BPF_ANY);
	if (err)
		diag_error(
		    diag, (struct src_loc){init->path, line_of(init, entry, map_name(map)), 0},
		    "map \"%s\" does not take this entry: %s", map_name(map), strerror(-err));
	return err;
}

int map_init_write(const struct map_init *init, const struct bundle *bundle,
		   struct cleave_map *const *maps, struct diag *diag)
{
	struct arena *arena = arena_new();
	int err = 0;

	for (size_t i = 0; i < init->entry_count && !err; i++) {
		const struct map_init_entry *e = &init->entries[i];
		struct cleave_map *map = maps[e->map];

		if (map)
			err = write_entry(init, e, map, bundle->maps[e->map].value_size,
					  arena_alloc(arena, map_value_bytes(map) + 8), diag);
	}
	arena_free(&arena);
	return err;
}
