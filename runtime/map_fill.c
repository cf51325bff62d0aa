/* Random start contents by the type of a map. */
#include "runtime/map_fill.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "bundle/bundle.h"
#include "runtime/host_btf.h"
#include "runtime/key_draw.h"
#include "runtime/map_init.h"
#include "runtime/packet_list.h"
#include "runtime/packet_random.h"
#include "support/arena.h"
#include "support/diag.h"
#include "support/map_types.h"

enum { INTERFACES = 3, INNER_MAPS_MAX = 4 };

/* A map to fill: one of the bundle's, or one that another holds. */
struct target {
	uint32_t type, key_size, value_size, max_entries;
	uint32_t key_type, value_type;
};

struct filler {
	struct arena *arena;
	const struct host_btf *btf;
	const struct map_fill *fill;
	uint64_t random;
	bool coarse; /* prefixes of this map may be short, and then all is found */
	struct key_draw draw;
};

static uint64_t hash_name(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3ULL;
	return hash;
}

static bool is_named(const struct map_init *init, uint32_t map)
{
	for (size_t i = 0; i < init->entry_count; i++)
		if (init->entries[i].map == map && !init->entries[i].drawn)
			return true;
	return false;
}

/* How many elements; 0: the kernel alone or another program says what is in it. */
static uint32_t count_of(const struct filler *f, const struct target *t)
{
	enum map_holds holds = map_type_holds(t->type);
	uint32_t room = t->max_entries;

	if (holds == MAP_HOLDS_DEVICES && t->type != BPF_MAP_TYPE_DEVMAP &&
	    t->type != BPF_MAP_TYPE_DEVMAP_HASH)
		return 0;
	if (holds != MAP_HOLDS_VALUES && holds != MAP_HOLDS_MAPS && holds != MAP_HOLDS_DEVICES &&
	    holds != MAP_HOLDS_QUEUE && holds != MAP_HOLDS_SET)
		return 0;
	if (t->type == BPF_MAP_TYPE_LRU_HASH || t->type == BPF_MAP_TYPE_LRU_PERCPU_HASH)
		room = (room + 3) / 4;
	else if (map_type_find(t->type)->key != MAP_KEY_INDEX)
		room = (room + 1) / 2;
	return room < f->fill->elements ? room : f->fill->elements;
}

static void next_packet(struct filler *f)
{
	const struct packet_list *list = f->fill->packets;

	f->draw.field_count = 0;
	if (list->count)
		key_draw_begin(
		    &f->draw,
		    &list->packets[packet_random_below(&f->random, (uint32_t)list->count)]);
}

/* The first four bytes of such a key are its length in bits. */
static void draw_prefix(struct filler *f, const struct target *t, uint8_t *key)
{
	uint32_t bits = (t->key_size - 4) * 8, length;
	uint8_t *address = key + 4;

	key_draw_fill(&f->draw, t->key_type, key, t->key_size);
	if (!t->key_type || (bits == 32 && packet_random_percent(&f->random, 80))) {
		memset(address, 0, t->key_size - 4);
		key_draw_fill(&f->draw, 0, address, t->key_size - 4);
	}
	length = packet_random_percent(&f->random, 50) ? bits
		 : f->coarse                           ? packet_random_below(&f->random, bits + 1)
						       : bits - packet_random_below(&f->random, 8);
	memcpy(key, &length, sizeof length);
}

static void draw_key(struct filler *f, const struct target *t, uint32_t number, uint8_t *key)
{
	enum map_key kind = map_type_find(t->type)->key;

	if (kind == MAP_KEY_INDEX && t->key_size >= 4)
		memcpy(key, &number, sizeof number);
	else if (kind == MAP_KEY_PREFIX && t->key_size > 4)
		draw_prefix(f, t, key);
	else
		key_draw_fill(&f->draw, t->key_type, key, t->key_size);
}

static void draw_value(struct filler *f, const struct target *t, uint8_t *value)
{
	uint32_t ifindex = packet_random_below(&f->random, INTERFACES) + 1;

	next_packet(f);
	if (map_type_holds(t->type) == MAP_HOLDS_DEVICES && t->value_size >= 4)
		memcpy(value, &ifindex, sizeof ifindex);
	else if (map_type_holds(t->type) == MAP_HOLDS_SET)
		key_draw_fill(&f->draw, t->value_type, value, t->value_size);
	else
		key_draw_value(&f->draw, t->value_type, value, t->value_size);
}

static struct map_init_entry *draw_entries(struct filler *f, const struct target *t, uint32_t count)
{
	struct map_init_entry *entries = arena_array(f->arena, count + 1, sizeof *entries);

	for (uint32_t i = 0; i < count; i++) {
		uint8_t *key = arena_alloc(f->arena, t->key_size + 8);
		uint8_t *value = arena_alloc(f->arena, t->value_size + 8);

		memset(key, 0, t->key_size + 8);
		memset(value, 0, t->value_size + 8);
		next_packet(f);
		draw_key(f, t, i, key);
		draw_value(f, t, value);
		entries[i] =
		    (struct map_init_entry){.key = key, .value = value, .index = i, .drawn = true};
	}
	return entries;
}

static void draw_inner(struct filler *f, struct map_init_entry *entry, const struct bundle_map *map)
{
	const struct bundle_inner *i = map->inner;
	struct target t = {.type = i->type,
			   .key_size = i->key_size,
			   .value_size = i->value_size,
			   .max_entries = i->max_entries};

	if (!host_btf_inner(f->btf, map->name, &t.key_type, &t.value_type))
		t.key_type = t.value_type = 0;
	entry->value = NULL;
	entry->inner_count = map_type_has_keys(t.type) ? count_of(f, &t) : 0;
	entry->inner = draw_entries(f, &t, (uint32_t)entry->inner_count);
}

static void fill_map(struct filler *f, struct map_init *init, const struct bundle *bundle,
		     uint32_t index)
{
	const struct bundle_map *map = &bundle->maps[index];
	struct target t = {.type = map->type,
			   .key_size = map->key_size,
			   .value_size = map->value_size,
			   .max_entries = map->max_entries};
	struct map_init_entry *entries;
	uint32_t count;

	if (!map_type_find(t.type) || map->flags & (BPF_F_RDONLY | BPF_F_WRONLY))
		return;
	if (!host_btf_map(f->btf, map->name, &t.key_type, &t.value_type))
		return;
	count = count_of(f, &t);
	if (map->inner_count && count > INNER_MAPS_MAX)
		count = INNER_MAPS_MAX;
	f->random = packet_random_seed(f->fill->seed ^ hash_name(map->name));
	f->coarse = packet_random_percent(&f->random, 40);
	entries = draw_entries(f, &t, count);
	for (uint32_t i = 0; i < count; i++) {
		entries[i].map = index;
		if (map->inner_count)
			draw_inner(f, &entries[i], map);
		*ARENA_PUSH(f->arena, init->entries, init->entry_count, init->entry_capacity) =
		    entries[i];
	}
}

int map_fill_add(struct map_init *init, struct arena *arena, const struct bundle *bundle,
		 const struct map_fill *fill, struct diag *diag)
{
	const struct bundle_member *object = bundle_find(bundle, BUNDLE_MEMBER_SOURCE);
	struct filler f = {.arena = arena, .fill = fill};
	struct host_btf *btf = NULL;
	int err;

	if (!object) {
		diag_error(diag, NO_LOC, "the bundle has no %s", BUNDLE_MEMBER_SOURCE);
		return -EINVAL;
	}
	err = host_btf_open(object->bytes, object->size, &btf, diag);
	if (err)
		return err;
	f.btf = f.draw.btf = btf;
	f.draw.random = &f.random;
	for (uint32_t i = 0; i < bundle->map_count; i++)
		if (!is_named(init, i))
			fill_map(&f, init, bundle, i);
	host_btf_close(&btf);
	return 0;
}

void map_fill_print(FILE *out, const struct map_init *init, const struct bundle *bundle,
		    const struct map_fill *fill)
{
	unsigned shown = 0;

	fprintf(out, "Filled at random (--map-fill %u --seed %llu):", fill->elements,
		(unsigned long long)fill->seed);
	for (uint32_t m = 0; m < bundle->map_count; m++) {
		unsigned count = 0;

		for (size_t i = 0; i < init->entry_count; i++)
			count += init->entries[i].map == m && init->entries[i].drawn;
		if (count)
			fprintf(out, "%s %s %u", shown++ ? "," : "", bundle->maps[m].name, count);
	}
	fprintf(out, "%s\n", shown ? "" : " no map");
}
