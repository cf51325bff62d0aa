/* The start state of maps and global variables. */
#include "runtime/map_init.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "runtime/host_btf.h"
#include "runtime/json_source.h"
#include "runtime/map.h"
#include "runtime/map_init_value.h"
#include "runtime/map_nest.h"
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

/* A map as the file's entries see it. */
struct shape {
	const char *name;
	struct bundle_map spec; /* type and sizes count */
	uint32_t key_type, value_type;
	const struct bundle_inner *inner; /* of a map of maps */
};

static int check_names(struct reading *g, json_t *value, bool keyed)
{
	const char *name;
	json_t *part;

	if (!json_is_object(value))
		return json_source_error(g->r.src, g->r.diag,
					 keyed ? "expected {\"key\": ..., \"value\": ...}"
					       : "expected {\"value\": ...}");
	json_object_foreach(value, name, part)
	{
		if ((keyed && !strcmp(name, "key")) || !strcmp(name, "value"))
			continue;
		json_source_enter(g->r.src, name, 0);
		return json_source_error(g->r.src, g->r.diag,
					 "an entry has %s\"value\", not \"%s\"",
					 keyed ? "\"key\" and " : "a ", name);
	}
	return 0;
}

static int read_entries(struct reading *g, const struct shape *shape, json_t *list,
			struct map_init_entry *entries);

/* The entries of a map that stands in another one. */
static int read_inner(struct reading *g, const struct shape *outer, json_t *entry,
		      struct map_init_entry *out)
{
	const struct bundle_inner *i = outer->inner;
	struct shape shape = {
	    .name = outer->name,
	    .spec = {.type = i->type, .key_size = i->key_size, .value_size = i->value_size}};
	json_t *list = json_object_get(entry, "value");
	struct map_init_entry *entries;
	int err;

	if (!json_is_array(list) || !map_type_has_keys(i->type) ||
	    !host_btf_inner(g->r.btf, outer->name, &shape.key_type, &shape.value_type))
		return json_source_error(g->r.src, g->r.diag,
					 "the value of a map of maps is a list of entries");
	json_source_enter(g->r.src, "value", 0);
	entries = arena_array(g->arena, json_array_size(list) + 1, sizeof *entries);
	err = read_entries(g, &shape, list, entries);
	if (err)
		return err;
	json_source_leave(g->r.src);
	out->inner = entries;
	out->inner_count = json_array_size(list);
	return 0;
}

static int read_entry(struct reading *g, const struct shape *shape, json_t *value,
		      struct map_init_entry *entry)
{
	bool keyed = map_type_has_keys(shape->spec.type);
	uint8_t *key_bytes = arena_alloc(g->arena, shape->spec.key_size + 1);
	uint8_t *value_bytes = arena_alloc(g->arena, shape->spec.value_size + 1);
	int err = check_names(g, value, keyed);

	if (!err && keyed)
		err = read_part(g, &shape->spec, value, "key", shape->key_type, key_bytes);
	if (err)
		return err;
	entry->key = key_bytes;
	if (shape->inner)
		return read_inner(g, shape, value, entry);
	entry->value = value_bytes;
	return read_part(g, &shape->spec, value, "value", shape->value_type, value_bytes);
}

static int read_entries(struct reading *g, const struct shape *shape, json_t *list,
			struct map_init_entry *entries)
{
	int err = 0;

	for (size_t i = 0; i < json_array_size(list) && !err; i++) {
		json_source_enter(g->r.src, NULL, i);
		entries[i].index = i;
		err = read_entry(g, shape, json_array_get(list, i), &entries[i]);
		if (!err)
			json_source_leave(g->r.src);
	}
	return err;
}

static bool takes_entries(uint32_t type)
{
	enum map_holds holds = map_type_holds(type);

	return holds == MAP_HOLDS_VALUES || holds == MAP_HOLDS_MAPS || holds == MAP_HOLDS_DEVICES ||
	       holds == MAP_HOLDS_QUEUE || holds == MAP_HOLDS_SET;
}

static int read_map(struct reading *g, const char *name, json_t *list)
{
	struct shape shape = {.name = name};
	struct map_init_entry *entries;
	uint32_t index = 0;
	int err;

	while (index < g->bundle->map_count && strcmp(g->bundle->maps[index].name, name))
		index++;
	if (index == g->bundle->map_count ||
	    !host_btf_map(g->r.btf, name, &shape.key_type, &shape.value_type))
		return json_source_error(g->r.src, g->r.diag, "the program has no map \"%s\"",
					 name);
	shape.spec = g->bundle->maps[index];
	shape.inner = shape.spec.inner_count ? shape.spec.inner : NULL;
	if (!takes_entries(shape.spec.type))
		return json_source_error(g->r.src, g->r.diag,
					 "a map of type %s has no entries to start with",
					 map_type_text(shape.spec.type));
	if (!json_is_array(list))
		return json_source_error(g->r.src, g->r.diag,
					 "expected a list of {\"key\": ..., \"value\": ...}");
	entries = arena_array(g->arena, json_array_size(list) + 1, sizeof *entries);
	err = read_entries(g, &shape, list, entries);
	for (size_t i = 0; i < json_array_size(list) && !err; i++) {
		entries[i].map = index;
		*ARENA_PUSH(g->arena, g->init->entries, g->init->entry_count,
			    g->init->entry_capacity) = entries[i];
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

static int write_plain(struct cleave_map *map, const struct map_init_entry *entry,
		       uint32_t value_bytes_one)
{
	size_t size = map_value_bytes(map);
	uint32_t stride = (value_bytes_one + 7) & ~7u;
	uint8_t *value = calloc(1, size + 8);
	int err;

	if (!value)
		return -ENOMEM;
	if (map_type_is_percpu(map_type(map)))
		for (size_t at = 0; at < size; at += stride)
			memcpy(value + at, entry->value, value_bytes_one);
	else
		memcpy(value, entry->value, value_bytes_one);
	err = map_type_has_keys(map_type(map)) ? map_write(map, entry->key, value, BPF_ANY)
					       : map_push(map, value, BPF_ANY);
	free(value);
	return err;
}

/* A new map, and what is in it. */
static int write_inner(struct cleave_map *map, const struct map_init_entry *entry,
		       const struct bundle_inner *inner)
{
	struct cleave_map *made;
	int err = map_nest_put(map, entry->key, &made);

	for (size_t i = 0; i < entry->inner_count && !err; i++)
		err = write_plain(made, &entry->inner[i], inner->value_size);
	return err;
}

static int write_entry(const struct map_init *init, const struct map_init_entry *entry,
		       struct cleave_map *map, const struct bundle_map *spec, struct diag *diag)
{
	int err = spec->inner_count ? write_inner(map, entry, spec->inner)
				    : write_plain(map, entry, spec->value_size);

	if (entry->drawn)
		return 0; /* another one was there, or there is no room: on both sides alike */
	if (err)
		diag_error(
		    diag, (struct src_loc){init->path, line_of(init, entry, map_name(map)), 0},
		    "map \"%s\" does not take this entry: %s", map_name(map), strerror(-err));
	return err;
}

int map_init_write(const struct map_init *init, const struct bundle *bundle,
		   struct cleave_map *const *maps, struct diag *diag)
{
	int err = 0;

	for (size_t i = 0; i < init->entry_count && !err; i++) {
		const struct map_init_entry *e = &init->entries[i];

		if (maps[e->map])
			err = write_entry(init, e, maps[e->map], &bundle->maps[e->map], diag);
	}
	return err;
}
