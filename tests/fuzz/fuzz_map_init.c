/*
 * Fuzz target of the reader of start state (`--map-init`), typed by an object with every kind of
 * map and member (map_init.bpf.c, its path in FUZZ_OBJECT). What is accepted is written into maps,
 * where bytes outside of a key or a value would be seen.
 */
#include <string.h>

#include "bundle/bundle.h"
#include "runtime/map.h"
#include "runtime/map_init.h"
#include "support/arena.h"
#include "support/file.h"
#include "tests/fuzz/fuzz_file.h"
#include "tests/fuzz/map_init.h"

#define MAP(name_, map_type, key_type, value_type)                                                 \
	{.name = #name_,                                                                           \
	 .type = BPF_MAP_TYPE_##map_type,                                                          \
	 .key_size = sizeof(key_type),                                                             \
	 .value_size = sizeof(value_type),                                                         \
	 .max_entries = ENTRIES,                                                                   \
	 .flags = MAP_FLAGS(map_type),                                                             \
	 .home = MAP_HOME_USER},
static struct bundle_map specs[] = {MAPS(MAP)};

enum { MAP_COUNT = sizeof specs / sizeof *specs };

static struct bundle_global globals[] = {
    {"timeout_s", ".rodata", 4, true}, {"mode", ".data", 4}, {"text", ".bss", 12}};

static struct bundle *make_bundle(void)
{
	struct bundle *b = bundle_new();
	const char *path = getenv("FUZZ_OBJECT");
	char *bytes;
	size_t size;

	require(path && !file_read(b->arena, path, &bytes, &size), "FUZZ_OBJECT cannot be read");
	bundle_add(b, BUNDLE_MEMBER_SOURCE, bytes, size);
	b->maps = specs;
	b->map_count = MAP_COUNT;
	b->globals = globals;
	b->global_count = sizeof globals / sizeof *globals;
	return b;
}

static void write_maps(const struct map_init *init, const struct bundle *bundle, struct diag *diag)
{
	struct cleave_map *maps[MAP_COUNT] = {NULL};

	for (size_t m = 0; m < MAP_COUNT; m++)
		require(!map_new_native(&specs[m], 2, &maps[m]), "a map cannot be made");
	map_init_write(init, bundle, maps, diag);
	for (size_t m = 0; m < MAP_COUNT; m++)
		map_free(&maps[m]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bundle *bundle;
	struct arena *arena = arena_new();
	struct diag diag = fuzz_diag();
	struct map_init init;
	int err;

	if (!bundle)
		bundle = make_bundle();
	err = map_init_read(&init, arena, fuzz_file(data, size), bundle, &diag);
	require(!err == !diag.errors, "refused without a message, or accepted with one");
	if (!err)
		write_maps(&init, bundle, &diag);
	arena_free(&arena);
	return 0;
}
