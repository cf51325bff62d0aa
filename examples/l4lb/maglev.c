/*
 * Fills the rings of l4lb: the maps of a services file and, for each of its pools, a Maglev look-up
 * table over the pool's backends (Eisenbud et al., Maglev, NSDI 2016, section 3.4).
 *
 *     cc -o maglev maglev.c -ljansson
 *     ./maglev traffic/services.json > traffic/maps.json
 *
 * "pools" in the services file: [{"vip": NUMBER, "backends": [NUMBER, ...]}, ...]. Everything else
 * is passed on.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { RING_SIZE = 509, POOL_MAX = 256 }; /* RING_SIZE is that of l4lb.bpf.c */

struct turn {
	unsigned backend, offset, skip, tried;
};

/* splitmix64 (Steele, Lea, Flood 2014): a backend's permutation depends on its number alone. */
static uint64_t scramble(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* The backends take turns; each takes the next free slot of its own permutation. */
static void fill_ring(unsigned ring[RING_SIZE], struct turn *turns, size_t count)
{
	bool taken[RING_SIZE] = {false};

	for (size_t filled = 0; filled < RING_SIZE; filled++) {
		struct turn *turn = &turns[filled % count];
		unsigned slot;

		do {
			slot = (turn->offset + turn->tried++ * turn->skip) % RING_SIZE;
		} while (taken[slot]);
		taken[slot] = true;
		ring[slot] = turn->backend;
	}
}

static int add_ring(json_t *rings, json_t *pool)
{
	json_t *backends = json_object_get(pool, "backends");
	unsigned vip = json_integer_value(json_object_get(pool, "vip")), ring[RING_SIZE];
	size_t count = json_array_size(backends);
	struct turn turns[POOL_MAX];

	if (!count || count > POOL_MAX)
		return -1;
	for (size_t i = 0; i < count; i++) {
		unsigned backend = json_integer_value(json_array_get(backends, i));

		turns[i] = (struct turn){
		    .backend = backend,
		    .offset = scramble(backend) % RING_SIZE,
		    .skip = scramble(~(uint64_t)backend) % (RING_SIZE - 1) + 1,
		};
	}
	fill_ring(ring, turns, count);
	for (unsigned i = 0; i < RING_SIZE; i++)
		json_array_append_new(
		    rings, json_pack("{s:i, s:i}", "key", vip * RING_SIZE + i, "value", ring[i]));
	return 0;
}

/* One map a line, and one entry a line but for the rings. */
static void print_maps(json_t *maps)
{
	const char *name, *gap = "{";
	json_t *entries, *entry;
	size_t i;

	json_object_foreach(maps, name, entries)
	{
		bool ring = !strcmp(name, "rings");

		printf("%s\n\"%s\": [", gap, name);
		json_array_foreach(entries, i, entry)
		{
			printf("%s%s", i ? "," : "", ring && i % 8 ? " " : "\n");
			json_dumpf(entry, stdout, JSON_COMPACT);
		}
		printf("]");
		gap = ",";
	}
	printf("\n}\n");
}

int main(int argc, char **argv)
{
	json_t *maps, *rings = json_array(), *pool;
	json_error_t error;
	size_t i;

	if (argc != 2) {
		fprintf(stderr, "usage: maglev SERVICES.json > MAPS.json\n");
		return 2;
	}
	maps = json_load_file(argv[1], 0, &error);
	if (!maps) {
		fprintf(stderr, "%s:%d: %s\n", argv[1], error.line, error.text);
		return 1;
	}
	json_array_foreach(json_object_get(maps, "pools"), i, pool)
	{
		if (add_ring(rings, pool)) {
			fprintf(stderr, "%s: pool %zu has no backends, or more than %d\n", argv[1],
				i, POOL_MAX);
			return 1;
		}
	}
	json_object_del(maps, "pools");
	json_object_set_new(maps, "rings", rings);
	print_maps(maps);
	json_decref(maps);
	return fflush(stdout) ? 1 : 0;
}
