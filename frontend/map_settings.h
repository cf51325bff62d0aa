/*
 * What a program's own loader sets before it loads its maps, and the source leaves open: how many
 * elements a map has (bpf_map__set_max_entries), and what the maps in a map of maps look like
 * (bpf_map__set_inner_map_fd).
 */
#ifndef CLEAVE_FRONTEND_MAP_SETTINGS_H
#define CLEAVE_FRONTEND_MAP_SETTINGS_H

#include "ir/ir.h"
#include "support/diag.h"

/* What is taken, with a warning, where nobody says how many. */
#define MAP_ENTRIES_DEFAULT 1024

struct map_settings {
	const char *entries; /* --map-entries: "MAP=N,..."; or NULL */
	const char *inner;   /* --map-inner: "MAP=TYPE:KEY:VALUE:ENTRIES[:FLAGS],..."; or NULL */
};

/*
 * Both change what the definition says. Returns 0 or -EINVAL (reported): the option's text is
 * wrong. map->max_entries stays 0, map->inner.type 0, where nothing is said.
 */
int map_settings_apply(const struct map_settings *settings, struct ir_map *map, struct diag *diag);

/* The first name that `exists` knows nothing of, as the options have it, or NULL. In the arena. */
const char *map_settings_unknown(struct arena *arena, const struct map_settings *settings,
				 bool (*exists)(const void *context, const char *map),
				 const void *context);

#endif
