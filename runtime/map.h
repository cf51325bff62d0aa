/*
 * The maps of one NF as its user part sees them. A map has the same meaning wherever it lives:
 * results and errors are those of the kernel's map of its type
 * (kernel/bpf/{arraymap,hashtab,lpm_trie,devmap}.c, bpf_lru_list.c), so that code compiled for the
 * kernel does not notice the difference.
 *
 * Two views of one map:
 *   - the packet's view (map_lookup, map_update, map_delete): what a BPF program sees. Value
 * pointers stay valid until the packet's end. Per-CPU maps show the value of env->cpu.
 *   - the operator's view (map_read, map_write, map_erase, map_next_key, map_count, map_dump): what
 * a process sees through bpf(). Values are copied; those of per-CPU maps are map_value_bytes()
 * long, one value padded to 8 bytes for each CPU.
 *
 *     struct cleave_map *m;
 *     int err = map_new_native(&bundle->maps[0], 1, &m);
 *     err = map_write(m, &key, &value, BPF_ANY);
 *     map_free(&m);
 *
 * Native maps allocate everything when they are made and may be shared by any number of workers
 * whose env->cpu differ: look-ups take no lock, changes lock one bucket. As in the kernel, a
 * pointer that was looked up before its element was deleted or replaced stays readable and is given
 * to another key later.
 */
#ifndef CLEAVE_RUNTIME_MAP_H
#define CLEAVE_RUNTIME_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "bundle/user_abi.h"
#include "support/map_types.h"

/*
 * A map in the memory of this process, whatever home the plan gave it; needs no privilege.
 * cpus: how many values an element of a per-CPU map has (0 means 1). Returns 0, -ENOMEM, -EINVAL
 * (sizes no map of this type can have) or -EOPNOTSUPP (type without a native form).
 */
int map_new_native(const struct bundle_map *spec, uint32_t cpus, struct cleave_map **map);

/* What attached maps need beside their own descriptor. -1 or NULL where there is none. */
struct map_attachment {
	int fd;        /* the BPF map */
	int values_fd; /* shared values: its cv_ array */
	const uint64_t
	    *epoch;     /* struct cleave_order's; NULL: reuse of slots waits by the clock alone */
	uint32_t index; /* of the map in the manifest */
};

/*
 * The user side of a map that lives in the kernel (every home but `user` and `packet-local`).
 * Descriptors stay the caller's and must outlive the map. Returns 0 or a negative errno.
 */
int map_new_attached(const struct bundle_map *spec, const struct map_attachment *attachment,
		     struct cleave_map **map);

/* Sets *map to NULL. *map may be NULL. */
void map_free(struct cleave_map **map);

/* The packet's view; see bpf-helpers(7). */
void *map_lookup(struct cleave_env *env, struct cleave_map *map, const void *key);
int map_update(struct cleave_env *env, struct cleave_map *map, const void *key, const void *value,
	       uint64_t flags);
int map_delete(struct cleave_env *env, struct cleave_map *map, const void *key);
/* Adds operand to the size (4 or 8) bytes at offset of key's value, if the key exists. */
void map_add(struct cleave_env *env, struct cleave_map *map, const void *key, uint32_t offset,
	     uint32_t size, uint64_t operand);
/* The value with this index (struct cleave_value_slot's, or the array's), or NULL when out of
 * range. */
void *map_value(struct cleave_map *map, uint32_t index);

/*
 * Maps without keys: queues, stacks, Bloom filters. Both views are the same. map_pop and map_peek
 * fill in the value; of a Bloom filter, map_peek tells whether it has the value that is there.
 * -EOPNOTSUPP: not that kind of map.
 */
int map_push(struct cleave_map *map, const void *value, uint64_t flags);
int map_pop(struct cleave_map *map, void *value);
int map_peek(struct cleave_map *map, void *value);

/* The operator's view; see bpf(2). 0 or a negative errno; -ENOENT: no such key, or no next one. */
int map_read(struct cleave_map *map, const void *key, void *value);
int map_write(struct cleave_map *map, const void *key, const void *value, uint64_t flags);
int map_erase(struct cleave_map *map, const void *key);
/* key NULL, or one that is not there: the first. Order is unspecified but stable while nothing
 * changes. */
int map_next_key(struct cleave_map *map, const void *key, void *next);
uint32_t map_count(struct cleave_map *map);

/* Calls visit for every element until it returns non-zero; returns that, 0, or a negative errno. */
typedef int map_visit(void *context, const void *key, const void *value, size_t value_bytes);
int map_dump(struct cleave_map *map, map_visit *visit, void *context);

const char *map_name(const struct cleave_map *map);
uint32_t map_type(const struct cleave_map *map);
uint32_t map_key_bytes(const struct cleave_map *map);
/* Of the operator's view: value_size, or CPUs times value_size padded to 8. */
size_t map_value_bytes(const struct cleave_map *map);
/* Puts the program with this number, less one, into an array of programs; 0: none. */
void map_programs_set(struct cleave_map *map, uint32_t index, uint32_t number);
/* First value of an array in memory as this CPU sees it (stride: value_size padded to 8), or NULL.
 */
uint8_t *map_memory(const struct cleave_map *map, uint32_t cpu);

#endif
