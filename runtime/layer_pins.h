/*
 * What survives the agent: a folder in bpffs per interface, /sys/fs/bpf/cleave/<netns>-<ifname>/,
 * with the link, the program and every map of the kernel part but its read-only data and its socket
 * map.
 *
 *     link                        only when Cleave made the link
 *     prog                        tells an orphan of ours from somebody else's program
 *     map_<name>_<layout>         layout: a map is only taken over by the same layout and home
 *
 * A folder whose interface has no living agent (lock.h) is left by a crash; the next agent adopts
 * it.
 */
#ifndef CLEAVE_RUNTIME_LAYER_PINS_H
#define CLEAVE_RUNTIME_LAYER_PINS_H

#include <stdbool.h>
#include <stdint.h>

struct diag;

enum { PINS_PATH_MAX = 256 };

struct pins {
	bool available;
	char folder[PINS_PATH_MAX];
};

/*
 * Finds a bpffs that outlives this process (mounts one if there is none) and names the interface's
 * folder in it; the folder need not exist. Without bpffs pins->available is false and a warning
 * says what that means.
 */
void pins_find(struct pins *pins, const char *ifname, struct diag *diag);

/* The pinned object, or a negative errno. */
int pins_get(const struct pins *pins, const char *name);
int pins_put(const struct pins *pins, int fd, const char *name);
/* Removes every pin but the one named keep (may be NULL); and the folder when it is empty. */
void pins_clear(const struct pins *pins, const char *keep);

/* Where the bpffs is, mounted if need be; NULL: nowhere. */
const char *pins_root(void);

/* Name of a map's pin. */
void pins_map_name(char *name, uint32_t size, const char *map, uint64_t layout);

#endif
