/*
 * What the kinds of maps share: the head of every map object, the table of its functions, the
 * memory behind it and the lock. Only the map_*.c and env*.c files include this.
 */
#ifndef CLEAVE_RUNTIME_MAP_OPS_H
#define CLEAVE_RUNTIME_MAP_OPS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bundle/user_abi.h"
#include "runtime/map.h"

/* bpf.h's update flags, here so that native maps need no BPF header. */
enum { MAP_ANY = 0, MAP_NOEXIST = 1, MAP_EXIST = 2, MAP_LOCK = 4 };

/* NULL entries: the kind has no such operation; map.c answers with the kernel's error. */
struct map_ops {
	void *(*lookup)(struct cleave_env *env, struct cleave_map *map, const void *key);
	int (*update)(struct cleave_env *env, struct cleave_map *map, const void *key,
		      const void *value, uint64_t flags);
	int (*delete)(struct cleave_env *env, struct cleave_map *map, const void *key);
	void (*add)(struct cleave_env *env, struct cleave_map *map, const void *key,
		    uint32_t offset, uint32_t size, uint64_t operand);
	void *(*value)(struct cleave_map *map, uint32_t index);
	int (*push)(struct cleave_map *map, const void *value, uint64_t flags);
	int (*pop)(struct cleave_map *map, void *value);
	int (*peek)(struct cleave_map *map, void *value);
	int (*read)(struct cleave_map *map, const void *key, void *value);
	int (*write)(struct cleave_map *map, const void *key, const void *value, uint64_t flags);
	int (*erase)(struct cleave_map *map, const void *key);
	int (*next_key)(struct cleave_map *map, const void *key, void *next);
	uint32_t (*count)(struct cleave_map *map); /* NULL: counted by walking */
	/* NULL, or -EOPNOTSUPP before any visit: key by key */
	int (*dump)(struct cleave_map *map, map_visit *visit, void *context);
	uint8_t *(*memory)(const struct cleave_map *map, uint32_t cpu);
	void (*free)(struct cleave_map *map);
};

/* The index of a map that the manifest does not have. */
#define MAP_INDEX_NONE UINT32_MAX

struct cleave_map {
	const struct map_ops *ops;
	char name[64];
	enum map_home home;
	uint32_t type, key_size, value_size, max_entries, flags;
	uint32_t stride; /* value_size padded to 8 */
	uint32_t cpus;   /* values per element; 1 unless per-CPU */
	uint32_t index;  /* in the manifest; attached maps only */
	int fd;          /* of the BPF map; -1 for native maps */
};

/* Fills the head from the manifest. */
void map_head_init(struct cleave_map *map, const struct map_ops *ops, const struct bundle_map *spec,
		   uint32_t cpus);

int map_array_new(const struct bundle_map *spec, uint32_t cpus, struct cleave_map **map);
/* An array of programs, as user looks into it: map_programs.c. */
int map_programs_new(const struct bundle_map *spec, struct cleave_map **map);
int map_devices_new(const struct bundle_map *spec, struct cleave_map **map);
int map_hash_new(const struct bundle_map *spec, uint32_t cpus, struct cleave_map **map);
int map_lpm_new(const struct bundle_map *spec, struct cleave_map **map);
int map_queue_new(const struct bundle_map *spec, struct cleave_map **map);
int map_nest_new(const struct bundle_map *spec, uint32_t cpus, struct cleave_map **map);
int map_nest_attach(const struct bundle_map *spec, const struct map_attachment *attachment,
		    struct cleave_map **map);
int map_events_new(const struct bundle_map *spec, struct cleave_map **map);
int map_events_attach(const struct bundle_map *spec, const struct map_attachment *attachment,
		      struct cleave_map **map);
int map_bloom_new(const struct bundle_map *spec, struct cleave_map **map);
int map_shared_array_new(const struct bundle_map *spec, const struct map_attachment *attachment,
			 struct cleave_map **map);
int map_shared_values_new(const struct bundle_map *spec, const struct map_attachment *attachment,
			  struct cleave_map **map);
int map_kernel_new(const struct bundle_map *spec, const struct map_attachment *attachment,
		   struct cleave_map **map);

/* The checks every array makes of an update's index and flags, in the kernel's order. */
int map_check_array_update(const struct cleave_map *map, uint32_t index, uint64_t flags);
/* bpf()'s next_key of every array: also of those with holes. */
int map_array_next_key(struct cleave_map *map, const void *key, void *next);

/*
 * Zeroed memory for count elements of stride bytes; pages are taken when first touched, so that a
 * table declared for millions costs what it holds. Returns NULL when the product overflows or
 * memory is short.
 */
void *map_memory_new(size_t count, size_t stride, size_t *bytes);
void map_memory_free(void *memory, size_t bytes);

static inline uint32_t map_pad8(uint32_t bytes)
{
	return (bytes + 7) & ~7u;
}

/* A spin lock that yields: its holder may be descheduled. */
static inline void map_lock(uint32_t *lock)
{
	for (unsigned spins = 0; __atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE); spins++)
		if (spins % 128 == 127)
			sched_yield();
}

static inline void map_unlock(uint32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

#endif
