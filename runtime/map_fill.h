/*
 * Maps that begin filled at random: `--map-fill N`. By its type a map gets
 *
 *   hash, LRU        keys made of fields of the packets that will be sent (runtime/key_draw.h)
 *   LPM              the same, with lengths from short to whole
 *   array            every index, at most N of them
 *   queue, stack, Bloom filter     values of the same kind
 *   device maps      interfaces 1 to 3
 *   a map of maps    maps that are filled likewise
 *
 * at most N elements and half of what it has room for (a quarter where the kernel chooses what to
 * drop), so that look-ups find something and miss something. A map that --map-init names is left as
 * it says.
 * What is drawn follows from the seed, the map's name and the packets alone.
 *
 *     struct map_fill fill = {.elements = 64, .seed = 1, .packets = &packets};
 *     err = map_fill_add(&init, arena, bundle, &fill, diag);    then map_init_write as ever
 */
#ifndef CLEAVE_RUNTIME_MAP_FILL_H
#define CLEAVE_RUNTIME_MAP_FILL_H

#include <stdint.h>
#include <stdio.h>

struct arena;
struct bundle;
struct diag;
struct map_init;
struct packet_list;

enum { MAP_FILL_ELEMENTS_MAX = 1 << 16 };

struct map_fill {
	uint32_t elements; /* of each map at most */
	uint64_t seed;
	const struct packet_list *packets;
};

/* Adds to init; everything is in the arena. 0 or a negative errno, reported to diag. */
int map_fill_add(struct map_init *init, struct arena *arena, const struct bundle *bundle,
		 const struct map_fill *fill, struct diag *diag);

/* One line: the seed, and how many elements each map has got. */
void map_fill_print(FILE *out, const struct map_init *init, const struct bundle *bundle,
		    const struct map_fill *fill);

/*
 * All of init, drawn or not, as a file for --map-init. 0 or a negative errno, reported to diag.
 */
int map_fill_save(const char *path, const struct map_init *init, const struct bundle *bundle,
		  struct diag *diag);

#endif
