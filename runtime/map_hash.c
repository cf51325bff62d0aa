/*
 * Native hash tables: HASH, PERCPU_HASH, their LRU forms and DEVMAP_HASH.
 *
 * Everything is allocated when the map is made. An element is laid out like a slot of a `shared
 * values` array (struct cleave_value_slot, key padded to 8, value padded to 8), so that a value
 * pointer tells its index in either home; the header's other words hold the chain and the hash.
 * Look-ups take no lock: a chain ends in its bucket's number, so a reader whose element moved to
 * another chain under its feet notices at the end and starts again (the kernel's hlist_nulls).
 * Changes lock their bucket.
 *
 * As in the kernel, replacing the value of a plain hash puts a new element in front of the old one,
 * from a spare element that each CPU has; per-CPU values and DEVMAP_HASH's are changed in place or
 * anew as there.
 */
#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "bundle/kernel_abi.h"
#include "runtime/map_lru.h"
#include "runtime/map_ops.h"

enum {
	NONE = 0xffffffffu,
	END = 0x80000000u, /* a chain's last link: END | bucket */
};

struct bucket {
	uint32_t first, lock;
};

struct element {
	uint32_t index; /* where struct cleave_value_slot has it */
	uint32_t next, hash;
	uint32_t present;
};
static_assert(sizeof(struct element) == sizeof(struct cleave_value_slot) &&
		  offsetof(struct element, index) == offsetof(struct cleave_value_slot, index),
	      "elements look like slots");

struct hash {
	struct cleave_map map;
	uint32_t elements, buckets, key_bytes, element_bytes;
	uint32_t used; /* elements in the table */
	uint8_t *memory;
	size_t memory_bytes;
	uint8_t *percpu; /* per-CPU types: value of (cpu, element) at (cpu * elements + element) *
			    stride */
	size_t percpu_bytes;
	struct bucket *table;
	size_t table_bytes;
	/* Free elements: a stack; and one more for each CPU to replace with. Unused in LRU tables.
	 */
	uint32_t *free_stack, *spare;
	size_t free_bytes;
	uint32_t free_count, free_lock, cpus;
	struct lru *lru;
};

static struct element *element_at(const struct hash *h, uint32_t i)
{
	return (struct element *)(h->memory + (size_t)i * h->element_bytes);
}

static uint8_t *element_key(struct element *e)
{
	return (uint8_t *)(e + 1);
}

static uint8_t *element_value(const struct hash *h, uint32_t i, uint32_t cpu)
{
	if (h->percpu)
		return h->percpu + ((size_t)cpu * h->elements + i) * h->map.stride;
	return element_key(element_at(h, i)) + h->key_bytes;
}

static uint32_t env_cpu(const struct hash *h, const struct cleave_env *env)
{
	uint32_t cpu = env ? env->cpu : 0;

	assert(cpu < h->cpus);
	return cpu;
}

static uint32_t hash_key(const struct hash *h, const void *key)
{
	return (uint32_t)XXH3_64bits(key, h->map.key_size);
}

static struct bucket *bucket_of(const struct hash *h, uint32_t hash)
{
	return &h->table[hash & (h->buckets - 1)];
}

static uint32_t find(const struct hash *h, const void *key, uint32_t hash)
{
	uint32_t end = END | (hash & (h->buckets - 1)), i;

	do {
		i = __atomic_load_n(&bucket_of(h, hash)->first, __ATOMIC_ACQUIRE);
		while (!(i & END)) {
			struct element *e = element_at(h, i);

			if (e->hash == hash && !memcmp(element_key(e), key, h->map.key_size))
				return i;
			i = __atomic_load_n(&e->next, __ATOMIC_ACQUIRE);
		}
	} while (i != end);
	return NONE;
}

/* The bucket is locked. */
static void chain(struct hash *h, uint32_t i)
{
	struct element *e = element_at(h, i);
	struct bucket *bucket = bucket_of(h, e->hash);

	__atomic_store_n(&e->next, bucket->first, __ATOMIC_RELAXED);
	e->present = 1;
	__atomic_store_n(&bucket->first, i, __ATOMIC_RELEASE);
}

static void unchain(struct hash *h, uint32_t i)
{
	struct element *e = element_at(h, i);
	uint32_t *link = &bucket_of(h, e->hash)->first;

	while (*link != i)
		link = &element_at(h, *link)->next;
	__atomic_store_n(link, e->next, __ATOMIC_RELEASE);
	e->present = 0;
}

static void count_add(struct hash *h, uint32_t change)
{
	__atomic_fetch_add(&h->used, change, __ATOMIC_RELAXED);
}

static void set_key(struct hash *h, uint32_t i, const void *key, uint32_t hash)
{
	struct element *e = element_at(h, i);

	e->index = i;
	e->hash = hash;
	memcpy(element_key(e), key, h->map.key_size);
}

static uint32_t pop_free(struct hash *h)
{
	uint32_t i;

	map_lock(&h->free_lock);
	i = h->free_count ? h->free_stack[--h->free_count] : NONE;
	map_unlock(&h->free_lock);
	return i;
}

static void push_free(struct hash *h, uint32_t i)
{
	map_lock(&h->free_lock);
	h->free_stack[h->free_count++] = i;
	map_unlock(&h->free_lock);
}

/* An element that left the table. */
static void give_back(struct hash *h, uint32_t i)
{
	if (h->lru)
		lru_push(h->lru, i);
	else
		push_free(h, i);
}

static bool evict(void *table, uint32_t i)
{
	struct hash *h = table;
	struct element *e = element_at(h, i);
	struct bucket *bucket = bucket_of(h, __atomic_load_n(&e->hash, __ATOMIC_RELAXED));
	bool present;

	map_lock(&bucket->lock);
	/* it may be on its way into another bucket: then it is not in this one */
	present = e->present && bucket_of(h, e->hash) == bucket;
	if (present) {
		unchain(h, i);
		count_add(h, -1u);
	}
	map_unlock(&bucket->lock);
	return present;
}

static int check_flags(uint32_t old, uint64_t flags)
{
	if (old != NONE && flags == MAP_NOEXIST)
		return -EEXIST;
	if (old == NONE && flags == MAP_EXIST)
		return -ENOENT;
	return 0;
}

/* Who asks, and for what. cpu ALL_CPUS: a process, which sets the values of all CPUs. */
enum { ALL_CPUS = 0xffffffffu };
struct request {
	const void *key, *value;
	uint64_t flags;
	uint32_t hash, cpu;
};

static void set_percpu(struct hash *h, uint32_t i, const struct request *r, bool fresh)
{
	for (uint32_t cpu = 0; cpu < h->map.cpus; cpu++) {
		uint8_t *value = element_value(h, i, cpu);

		if (r->cpu == ALL_CPUS)
			memcpy(value, (const uint8_t *)r->value + (size_t)cpu * h->map.stride,
			       h->map.value_size);
		else if (cpu == r->cpu)
			memcpy(value, r->value, h->map.value_size);
		else if (fresh)
			memset(value, 0, h->map.stride);
	}
}

static uint32_t request_cpu(const struct request *r)
{
	return r->cpu == ALL_CPUS ? 0 : r->cpu;
}

/* Under the bucket's lock. Plain hash: the new element goes before the old one, which becomes the
 * spare. */
static int replace_or_add(struct hash *h, const struct request *r, uint32_t old)
{
	uint32_t i, *spare = &h->spare[request_cpu(r)];

	if (old != NONE) {
		map_lock(&h->free_lock);
		i = *spare;
		*spare = old;
		map_unlock(&h->free_lock);
	} else {
		i = pop_free(h);
		if (i == NONE)
			return -E2BIG;
		count_add(h, 1);
	}
	set_key(h, i, r->key, r->hash);
	memcpy(element_value(h, i, 0), r->value, h->map.value_size);
	chain(h, i);
	if (old != NONE)
		unchain(h, old);
	return 0;
}

static int set_percpu_or_add(struct hash *h, const struct request *r, uint32_t old)
{
	uint32_t i = old;

	if (old == NONE) {
		i = pop_free(h);
		if (i == NONE)
			return -E2BIG;
		set_key(h, i, r->key, r->hash);
		count_add(h, 1);
	}
	set_percpu(h, i, r, old == NONE);
	if (old == NONE)
		chain(h, i);
	return 0;
}

static int put(struct hash *h, const struct request *r)
{
	struct bucket *bucket = bucket_of(h, r->hash);
	uint32_t old;
	int err;

	map_lock(&bucket->lock);
	old = find(h, r->key, r->hash);
	err = check_flags(old, r->flags);
	if (!err)
		err = h->percpu ? set_percpu_or_add(h, r, old) : replace_or_add(h, r, old);
	map_unlock(&bucket->lock);
	return err;
}

/* LRU: the element comes first, and may cost another key its own, even when the flags then refuse.
 */
static int put_lru(struct hash *h, const struct request *r)
{
	struct bucket *bucket = bucket_of(h, r->hash);
	uint32_t old, i = lru_pop(h->lru, request_cpu(r)), unused = NONE;
	int err;

	if (i == LRU_NONE)
		return -ENOMEM;
	set_key(h, i, r->key, r->hash);
	memcpy(element_value(h, i, 0), r->value, h->map.value_size);
	map_lock(&bucket->lock);
	old = find(h, r->key, r->hash);
	err = check_flags(old, r->flags);
	if (err) {
		unused = i;
	} else {
		chain(h, i);
		if (old == NONE) {
			count_add(h, 1);
		} else {
			lru_touch(h->lru, i);
			unchain(h, old);
			unused = old;
		}
	}
	map_unlock(&bucket->lock);
	if (unused != NONE)
		lru_push(h->lru, unused);
	return err;
}

static int put_lru_percpu(struct hash *h, const struct request *r)
{
	struct bucket *bucket = bucket_of(h, r->hash);
	uint32_t old, i = NONE;
	int err;

	if (r->flags != MAP_EXIST) {
		i = lru_pop(h->lru, request_cpu(r));
		if (i == LRU_NONE)
			return -ENOMEM;
		set_key(h, i, r->key, r->hash);
	}
	map_lock(&bucket->lock);
	old = find(h, r->key, r->hash);
	err = check_flags(old, r->flags);
	if (!err && old != NONE) {
		lru_touch(h->lru, old);
		set_percpu(h, old, r, false);
	} else if (!err) {
		set_percpu(h, i, r, true);
		chain(h, i);
		count_add(h, 1);
		i = NONE;
	}
	map_unlock(&bucket->lock);
	if (i != NONE)
		lru_push(h->lru, i);
	return err;
}

/* DEVMAP_HASH: interface 0 cannot be stored, and BPF_EXIST does not ask for the key to exist. */
static int put_device(struct hash *h, struct request *r)
{
	uint32_t ifindex;

	memcpy(&ifindex, r->value, sizeof ifindex);
	if (r->flags > MAP_EXIST || !ifindex)
		return -EINVAL;
	r->flags &= MAP_NOEXIST;
	return put(h, r);
}

static int dispatch_put(struct hash *h, struct request *r)
{
	r->hash = hash_key(h, r->key);
	if (h->map.type == BPF_MAP_TYPE_DEVMAP_HASH)
		return put_device(h, r);
	if (r->flags > MAP_EXIST) /* BPF_F_LOCK too: no value here has a bpf_spin_lock */
		return -EINVAL;
	if (!h->lru)
		return put(h, r);
	return h->percpu ? put_lru_percpu(h, r) : put_lru(h, r);
}

static int hash_update(struct cleave_env *env, struct cleave_map *map, const void *key,
		       const void *value, uint64_t flags)
{
	struct hash *h = (struct hash *)map;
	struct request r = {.key = key, .value = value, .flags = flags, .cpu = env_cpu(h, env)};

	return dispatch_put(h, &r);
}

static int hash_write(struct cleave_map *map, const void *key, const void *value, uint64_t flags)
{
	struct request r = {.key = key, .value = value, .flags = flags, .cpu = ALL_CPUS};

	return dispatch_put((struct hash *)map, &r);
}

static int hash_erase(struct cleave_map *map, const void *key)
{
	struct hash *h = (struct hash *)map;
	uint32_t hash = hash_key(h, key), i;
	struct bucket *bucket = bucket_of(h, hash);

	map_lock(&bucket->lock);
	i = find(h, key, hash);
	if (i != NONE) {
		unchain(h, i);
		count_add(h, -1u);
	}
	map_unlock(&bucket->lock);
	if (i == NONE)
		return -ENOENT;
	give_back(h, i);
	return 0;
}

static int hash_delete(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	return hash_erase(map, key);
}

static void *hash_lookup(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	struct hash *h = (struct hash *)map;
	uint32_t i = find(h, key, hash_key(h, key));

	if (i == NONE)
		return NULL;
	if (h->lru)
		lru_touch(h->lru, i);
	return element_value(h, i, h->percpu ? env_cpu(h, env) : 0);
}

static void *hash_value(struct cleave_map *map, uint32_t index)
{
	struct hash *h = (struct hash *)map;

	return index < h->elements && !h->percpu ? element_value(h, index, 0) : NULL;
}

static int hash_read(struct cleave_map *map, const void *key, void *value)
{
	struct hash *h = (struct hash *)map;
	uint32_t i = find(h, key, hash_key(h, key));

	if (i == NONE)
		return -ENOENT;
	if (!h->percpu)
		memcpy(value, element_value(h, i, 0), map->value_size);
	for (uint32_t cpu = 0; h->percpu && cpu < map->cpus; cpu++)
		memcpy((uint8_t *)value + (size_t)cpu * map->stride, element_value(h, i, cpu),
		       map->stride);
	return 0;
}

static int hash_next_key(struct cleave_map *map, const void *key, void *next)
{
	struct hash *h = (struct hash *)map;
	uint32_t hash = key ? hash_key(h, key) : 0, bucket = 0;
	uint32_t i = key ? find(h, key, hash) : NONE;

	if (i != NONE) {
		bucket = (hash & (h->buckets - 1)) + 1;
		i = __atomic_load_n(&element_at(h, i)->next, __ATOMIC_ACQUIRE);
	} else {
		i = END;
	}
	while ((i & END) && bucket < h->buckets)
		i = __atomic_load_n(&h->table[bucket++].first, __ATOMIC_ACQUIRE);
	if (i & END)
		return -ENOENT;
	memcpy(next, element_key(element_at(h, i)), map->key_size);
	return 0;
}

static uint32_t hash_count(struct cleave_map *map)
{
	return __atomic_load_n(&((struct hash *)map)->used, __ATOMIC_RELAXED);
}

static void hash_free(struct cleave_map *map)
{
	struct hash *h = (struct hash *)map;

	lru_free(&h->lru);
	map_memory_free(h->memory, h->memory_bytes);
	map_memory_free(h->percpu, h->percpu_bytes);
	map_memory_free(h->table, h->table_bytes);
	map_memory_free(h->free_stack, h->free_bytes);
	free(h->spare);
	free(h);
}

static const struct map_ops hash_ops = {
    .lookup = hash_lookup,
    .update = hash_update,
    .delete = hash_delete,
    .value = hash_value,
    .read = hash_read,
    .write = hash_write,
    .erase = hash_erase,
    .next_key = hash_next_key,
    .count = hash_count,
    .free = hash_free,
};

static int init_order(struct hash *h, bool is_lru)
{
	if (is_lru) {
		h->lru =
		    lru_new(h->elements, h->cpus, h->map.flags & BPF_F_NO_COMMON_LRU, evict, h);
		return h->lru ? 0 : -ENOMEM;
	}
	h->free_stack = map_memory_new(h->elements, sizeof *h->free_stack, &h->free_bytes);
	h->spare = calloc(h->cpus, sizeof *h->spare);
	if (!h->free_stack || !h->spare)
		return -ENOMEM;
	for (uint32_t i = 0; i < h->map.max_entries; i++)
		h->free_stack[i] = h->map.max_entries - 1 - i;
	h->free_count = h->map.max_entries;
	for (uint32_t cpu = 0; cpu < h->cpus; cpu++)
		h->spare[cpu] = h->map.max_entries + cpu;
	return 0;
}

static int init_tables(struct hash *h)
{
	bool percpu = map_type_is_percpu(h->map.type);

	h->key_bytes = map_pad8(h->map.key_size);
	h->element_bytes = sizeof(struct element) + h->key_bytes + (percpu ? 0 : h->map.stride);
	for (h->buckets = 1; h->buckets < h->map.max_entries;)
		h->buckets *= 2;
	h->memory = map_memory_new(h->elements, h->element_bytes, &h->memory_bytes);
	h->table = map_memory_new(h->buckets, sizeof *h->table, &h->table_bytes);
	if (percpu)
		h->percpu =
		    map_memory_new((size_t)h->elements * h->cpus, h->map.stride, &h->percpu_bytes);
	if (!h->memory || !h->table || (percpu && !h->percpu))
		return -ENOMEM;
	for (uint32_t bucket = 0; bucket < h->buckets; bucket++)
		h->table[bucket].first = END | bucket;
	return 0;
}

int map_hash_new(const struct bundle_map *spec, uint32_t cpus, struct cleave_map **map)
{
	bool is_lru =
	    spec->type == BPF_MAP_TYPE_LRU_HASH || spec->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	struct hash *h = calloc(1, sizeof *h);
	int err;

	if (!h)
		return -ENOMEM;
	map_head_init(&h->map, &hash_ops, spec, cpus);
	h->cpus = cpus ? cpus : 1;
	if (is_lru && (spec->flags & BPF_F_NO_COMMON_LRU)) /* each CPU gets as many */
		h->map.max_entries = (spec->max_entries + h->cpus - 1) / h->cpus * h->cpus;
	h->elements = h->map.max_entries + (is_lru ? 0 : h->cpus);
	err = spec->type == BPF_MAP_TYPE_DEVMAP_HASH &&
		      (spec->key_size != 4 || (spec->value_size != 4 && spec->value_size != 8))
		  ? -EINVAL
		  : init_tables(h);
	if (!err)
		err = init_order(h, is_lru);
	if (err) {
		hash_free(&h->map);
		return err;
	}
	*map = &h->map;
	return 0;
}
