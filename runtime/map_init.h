/*
 * The state that maps and global variables start with: `--map-init FILE`.
 *
 *     { "vips":    [ {"key": {"addr": "192.0.2.10", "port": 80}, "value": {"pool": 3}} ],
 *       "routes":  [ {"key": {"prefix": "10.0.0.0/8"}, "value": {"port": 2}} ],
 *       "globals": { "timeout_s": 30 } }
 *
 * Typed by the BTF of the NF's own object: numbers; members by name; arrays as lists, "0x..." bytes
 * or text (char arrays); addresses ("10.0.0.1", "2001:db8::1", "02:00:00:00:00:01") where 4, 16 or
 * 6 bytes are due, in network order; __be16 and __be32 take the host's number and are stored big
 * endian. The key of an LPM map may be {"prefix": "ADDRESS/LENGTH"}. A per-CPU value is the same on
 * each CPU. What is not given is zero; a name that does not exist is an error with its line.
 *
 * An entry of a queue, a stack or a Bloom filter has a "value" only, and they go in one after the
 * other. The "value" of a map of maps is the list of entries of a new map that is put there:
 *
 *     { "tenants": [ {"key": 3, "value": [ {"key": "10.0.0.1", "value": 7} ]} ],
 *       "ports":   [ {"value": 1024}, {"value": 1025} ] }
 */
#ifndef CLEAVE_RUNTIME_MAP_INIT_H
#define CLEAVE_RUNTIME_MAP_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct bundle;
struct cleave_map;
struct diag;

struct map_init_entry {
	uint32_t map;         /* index in the bundle */
	const uint8_t *key;   /* key_size bytes */
	const uint8_t *value; /* value_size bytes; NULL: a map with these entries */
	const struct map_init_entry *inner;
	size_t inner_count;
	size_t index; /* in the file's list for the map */
	bool drawn;   /* by runtime/map_fill.c: what the map does not take is left out */
};

struct map_init_global {
	uint32_t global; /* index in the bundle */
	const uint8_t *bytes;
	uint32_t size;
};

struct map_init {
	const char *path;
	struct map_init_entry *entries;
	size_t entry_count, entry_capacity;
	struct map_init_global *globals;
	size_t global_count, global_capacity;
};

/* Everything is in the arena. Returns 0 or a negative errno, reported to diag. */
int map_init_read(struct map_init *init, struct arena *arena, const char *path,
		  const struct bundle *bundle, struct diag *diag);

/*
 * Writes the entries into maps[index in the bundle]; entries of maps that are NULL there are left
 * out. Returns 0 or a negative errno, reported to diag.
 */
int map_init_write(const struct map_init *init, const struct bundle *bundle,
		   struct cleave_map *const *maps, struct diag *diag);

#endif
