#include "bundle/bundle.h"
#include "bundle/digest.h"
#include "bundle/manifest.h"
#include "support/arena.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

struct bundle *bundle_new(void)
{
	struct arena *arena = arena_new();
	struct bundle *bundle = arena_alloc(arena, sizeof *bundle);

	bundle->arena = arena;
	return bundle;
}

void bundle_free(struct bundle **bundle)
{
	struct arena *arena;

	if (!*bundle)
		return;
	arena = (*bundle)->arena; /* the bundle itself lies in it */
	arena_free(&arena);
	*bundle = NULL;
}

/* Keeps the members in file order, so that the order of calls leaves no trace in the file. */
void bundle_add(struct bundle *bundle, const char *name, const void *bytes, size_t size)
{
	size_t count = bundle->member_count, at = 0;
	int place = manifest_find_member(name);
	struct bundle_member *members;

	assert(place >= 0);
	while (at < count && manifest_find_member(bundle->members[at].name) < place)
		at++;
	if (at == count || strcmp(bundle->members[at].name, name)) {
		members =
		    arena_grow(bundle->arena, bundle->members, count, count + 1, sizeof *members);
		memmove(members + at + 1, members + at, (count - at) * sizeof *members);
		bundle->members = members;
		bundle->member_count++;
	}
	bundle->members[at] = (struct bundle_member){
	    .name = arena_strdup(bundle->arena, name), .bytes = bytes, .size = size};
	bundle_digest_compute(bytes, size, bundle->members[at].digest);
}

const struct bundle_member *bundle_find(const struct bundle *bundle, const char *name)
{
	for (size_t i = 0; i < bundle->member_count; i++)
		if (!strcmp(bundle->members[i].name, name))
			return &bundle->members[i];
	return NULL;
}

/* Hashed as text, so that it depends neither on the byte order nor on the order of enum map_home.
 */
uint64_t bundle_map_layout(const struct bundle_map *map)
{
	char text[160];
	int length = snprintf(text, sizeof text, "%u %u %u %u %u %u %s", map->type, map->key_size,
			      map->value_size, map->max_entries, map->flags, map->slots,
			      map_home_text(map->home));

	assert(length > 0 && (size_t)length < sizeof text);
	return XXH3_64bits(text, (size_t)length);
}

bool bundle_is_tc(const struct bundle *bundle)
{
	static const char *const names[] = {"tc", "classifier", "action"};

	for (size_t i = 0; bundle->section && i < sizeof names / sizeof *names; i++)
		if (!strncmp(bundle->section, names[i], strlen(names[i])))
			return true;
	return false;
}

bool bundle_is_egress(const struct bundle *bundle)
{
	return bundle_is_tc(bundle) && strstr(bundle->section, "egress");
}
