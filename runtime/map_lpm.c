/*
 * Native LPM_TRIE: a binary trie with paths compressed, as kernel/bpf/lpm_trie.c: a node stands for
 * a prefix, its children for longer ones that differ in the bit behind it; a node without a value
 * only joins two children. At most max_entries nodes have a value, so fewer than that only join.
 *
 * Changes take one lock and move a sequence number; a look-up that saw it move starts again. Nodes
 * are reused in the order they were given back, so that the value pointer of a deleted prefix stays
 * readable for as long as possible. Keys are struct bpf_lpm_trie_key: u32 length in bits, then the
 * bytes.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/map_ops.h"

enum {
	NONE = 0xffffffffu,
	SPARE_NODES = 64, /* how long a given-back node rests, at least */
};

struct node {
	uint32_t length, child[2], has_value;
};

struct lpm {
	struct cleave_map map;
	uint32_t lock, sequence, root, used;
	uint32_t data_bytes, length_max, node_bytes, nodes;
	uint8_t *memory;
	size_t bytes;
	uint32_t *free_ring; /* nodes entries: free_first .. free_first + free_count */
	size_t ring_bytes;
	uint32_t free_first, free_count;
};

static struct node *node_at(const struct lpm *t, uint32_t i)
{
	return (struct node *)(t->memory + (size_t)i * t->node_bytes);
}

static uint8_t *node_data(struct node *node)
{
	return (uint8_t *)(node + 1);
}

static uint8_t *node_value(const struct lpm *t, struct node *node)
{
	return node_data(node) + map_pad8(t->data_bytes);
}

static uint32_t key_length(const void *key)
{
	uint32_t length;

	memcpy(&length, key, sizeof length);
	return length;
}

static const uint8_t *key_data(const void *key)
{
	return (const uint8_t *)key + sizeof(uint32_t);
}

static unsigned bit_at(const uint8_t *data, uint32_t i)
{
	return data[i / 8] >> (7 - i % 8) & 1;
}

/* How many of the first limit bits agree. */
static uint32_t common_bits(const uint8_t *a, const uint8_t *b, uint32_t bytes, uint32_t limit)
{
	uint32_t at = 0;

	for (; at + 4 <= bytes && at * 8 < limit; at += 4) {
		uint32_t x, y;

		memcpy(&x, a + at, 4);
		memcpy(&y, b + at, 4);
		if (x != y) {
			uint32_t bits = at * 8 + (uint32_t)__builtin_clz(__builtin_bswap32(x ^ y));

			return bits < limit ? bits : limit;
		}
	}
	for (; at < bytes && at * 8 < limit; at++) {
		if (a[at] != b[at]) {
			uint32_t bits =
			    at * 8 + (uint32_t)__builtin_clz((uint32_t)(a[at] ^ b[at]) << 24);

			return bits < limit ? bits : limit;
		}
	}
	return limit;
}

static uint32_t matched(const struct lpm *t, struct node *node, const void *key)
{
	uint32_t length = key_length(key), own = node->length;

	return common_bits(node_data(node), key_data(key), t->data_bytes,
			   own < length ? own : length);
}

static uint32_t find_longest(const struct lpm *t, const void *key)
{
	uint32_t found = NONE, i = __atomic_load_n(&t->root, __ATOMIC_ACQUIRE);

	/* A chain of nodes only grows longer; the bound is for a reader whom a writer overtook. */
	for (uint32_t depth = 0; i != NONE && depth <= t->length_max; depth++) {
		struct node *node = node_at(t, i);
		uint32_t bits = matched(t, node, key), length = node->length;

		if (bits == t->length_max)
			return i;
		if (bits < length)
			break;
		if (node->has_value)
			found = i;
		if (length >= t->length_max)
			break;
		i = __atomic_load_n(&node->child[bit_at(key_data(key), length)], __ATOMIC_ACQUIRE);
	}
	return found;
}

static void *lpm_lookup(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	struct lpm *t = (struct lpm *)map;
	uint32_t before, i;

	if (key_length(key) > t->length_max)
		return NULL;
	for (;;) {
		before = __atomic_load_n(&t->sequence, __ATOMIC_ACQUIRE);
		if (!(before & 1)) {
			i = find_longest(t, key);
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			if (__atomic_load_n(&t->sequence, __ATOMIC_RELAXED) == before)
				break;
		} else {
			sched_yield();
		}
	}
	return i == NONE ? NULL : node_value(t, node_at(t, i));
}

static void begin_change(struct lpm *t)
{
	map_lock(&t->lock);
	__atomic_store_n(&t->sequence, t->sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void end_change(struct lpm *t)
{
	__atomic_store_n(&t->sequence, t->sequence + 1, __ATOMIC_RELEASE);
	map_unlock(&t->lock);
}

/* There is always one: see the count in map_lpm_new. */
static uint32_t take_node(struct lpm *t, uint32_t length, const uint8_t *data)
{
	uint32_t i = t->free_ring[t->free_first];
	struct node *node = node_at(t, i);

	t->free_first = (t->free_first + 1) % t->nodes;
	t->free_count--;
	node->length = length;
	node->child[0] = node->child[1] = NONE;
	node->has_value = 0;
	memcpy(node_data(node), data, t->data_bytes);
	return i;
}

static void give_node(struct lpm *t, uint32_t i)
{
	t->free_ring[(t->free_first + t->free_count++) % t->nodes] = i;
}

/* The link at which the key's node is, or would be put in; *bits: how far the node there agrees. */
static uint32_t *find_link(struct lpm *t, const void *key, uint32_t *bits)
{
	uint32_t *link = &t->root;

	while (*link != NONE) {
		struct node *node = node_at(t, *link);

		*bits = matched(t, node, key);
		if (*bits != node->length || node->length == key_length(key))
			break;
		link = &node->child[bit_at(key_data(key), node->length)];
	}
	return link;
}

static uint32_t new_leaf(struct lpm *t, const void *key, const void *value)
{
	uint32_t i = take_node(t, key_length(key), key_data(key));

	memcpy(node_value(t, node_at(t, i)), value, t->map.value_size);
	node_at(t, i)->has_value = 1;
	return i;
}

/* Puts a new node for key at link: alone, instead of its equal, above what is there, or beside it.
 */
static void insert(struct lpm *t, uint32_t *link, uint32_t bits, const void *key, const void *value)
{
	uint32_t there = *link, leaf = new_leaf(t, key, value), joint;
	struct node *node = there == NONE ? NULL : node_at(t, there), *new = node_at(t, leaf);

	if (!node) {
		*link = leaf;
	} else if (node->length == bits && node->length == new->length) {
		memcpy(new->child, node->child, sizeof new->child);
		*link = leaf;
		give_node(t, there);
	} else if (bits == new->length) {
		new->child[bit_at(node_data(node), bits)] = there;
		*link = leaf;
	} else {
		joint = take_node(t, bits, node_data(node));
		node_at(t, joint)->child[bit_at(node_data(node), bits)] = there;
		node_at(t, joint)->child[bit_at(key_data(key), bits)] = leaf;
		*link = joint;
	}
}

static int lpm_write(struct cleave_map *map, const void *key, const void *value, uint64_t flags)
{
	struct lpm *t = (struct lpm *)map;
	uint32_t bits = 0, *link;
	struct node *node;
	int err = 0;

	if (flags > MAP_EXIST || key_length(key) > t->length_max)
		return -EINVAL;
	begin_change(t);
	link = find_link(t, key, &bits);
	node = *link == NONE ? NULL : node_at(t, *link);
	if (node && node->has_value && node->length == bits && bits == key_length(key)) {
		if (flags == MAP_NOEXIST)
			err = -EEXIST;
	} else if (flags == MAP_EXIST) {
		err = -ENOENT;
	} else if (t->used == map->max_entries) {
		err = -ENOSPC;
	} else {
		t->used++;
	}
	if (!err)
		insert(t, link, bits, key, value);
	end_change(t);
	return err;
}

static int lpm_update(struct cleave_env *env, struct cleave_map *map, const void *key,
		      const void *value, uint64_t flags)
{
	return lpm_write(map, key, value, flags);
}

/* Takes the node at link out; parent_link leads to the node that holds link, or is NULL. */
static void take_out(struct lpm *t, uint32_t *link, uint32_t *parent_link)
{
	uint32_t i = *link, parent = parent_link ? *parent_link : NONE;
	struct node *node = node_at(t, i);

	node->has_value = 0;
	if (node->child[0] != NONE && node->child[1] != NONE)
		return; /* it joins two */
	*link = node->child[0] != NONE ? node->child[0] : node->child[1];
	give_node(t, i);
	if (*link == NONE && parent != NONE && !node_at(t, parent)->has_value) {
		node = node_at(t, parent); /* joined two, one is gone */
		*parent_link = node->child[0] != NONE ? node->child[0] : node->child[1];
		give_node(t, parent);
	}
}

static int lpm_erase(struct cleave_map *map, const void *key)
{
	struct lpm *t = (struct lpm *)map;
	uint32_t *link = &t->root, *parent_link = NULL;
	int err = -ENOENT;

	if (key_length(key) > t->length_max)
		return -EINVAL;
	begin_change(t);
	while (*link != NONE) {
		struct node *node = node_at(t, *link);

		if (matched(t, node, key) != node->length)
			break;
		if (node->length == key_length(key)) {
			if (node->has_value) {
				take_out(t, link, parent_link);
				t->used--;
				err = 0;
			}
			break;
		}
		parent_link = link;
		link = &node->child[bit_at(key_data(key), node->length)];
	}
	end_change(t);
	return err;
}

static int lpm_delete(struct cleave_env *env, struct cleave_map *map, const void *key)
{
	return lpm_erase(map, key);
}

static struct node *find_exact(struct lpm *t, const void *key)
{
	uint32_t bits = 0, i;

	if (key_length(key) > t->length_max)
		return NULL;
	i = *find_link(t, key, &bits);
	if (i == NONE || !node_at(t, i)->has_value || node_at(t, i)->length != key_length(key) ||
	    bits != key_length(key))
		return NULL;
	return node_at(t, i);
}

/* bpf()'s look-up is the longest match as well. */
static int lpm_read(struct cleave_map *map, const void *key, void *value)
{
	void *found = lpm_lookup(NULL, map, key);

	if (!found)
		return -ENOENT;
	memcpy(value, found, map->value_size);
	return 0;
}

/*
 * The walk that next_key continues: a node, then what is below its bit 0, then below its bit 1.
 * Finds the first node with a value behind `key` on that walk; all of them when after is NULL.
 */
static struct node *find_next(struct lpm *t, const struct node *after, const void *key)
{
	uint32_t path[2049], depth = 0,
			     i = t->root; /* lengths go up on a path: at most 2048 of them */
	bool passed = !after;

	while (i != NONE || depth) {
		struct node *node;

		if (i == NONE) {
			i = path[--depth];
			continue;
		}
		node = node_at(t, i);
		if (passed && node->has_value)
			return node;
		if (node == after)
			passed = true;
		if (passed || node->length >= t->length_max) {
			if (node->child[1] != NONE)
				path[depth++] = node->child[1];
			i = node->child[0];
			continue;
		}
		/* on the way down to `after`: straight along its key */
		if (bit_at(key_data(key), node->length)) {
			i = node->child[1];
		} else {
			if (node->child[1] != NONE)
				path[depth++] = node->child[1];
			i = node->child[0];
		}
	}
	return NULL;
}

static int lpm_next_key(struct cleave_map *map, const void *key, void *next)
{
	struct lpm *t = (struct lpm *)map;
	struct node *node;

	map_lock(&t->lock);
	node = find_next(t, key ? find_exact(t, key) : NULL, key);
	if (node) {
		memcpy(next, &node->length, sizeof node->length);
		memcpy((uint8_t *)next + sizeof node->length, node_data(node), t->data_bytes);
	}
	map_unlock(&t->lock);
	return node ? 0 : -ENOENT;
}

static uint32_t lpm_count(struct cleave_map *map)
{
	return __atomic_load_n(&((struct lpm *)map)->used, __ATOMIC_RELAXED);
}

static void lpm_free(struct cleave_map *map)
{
	struct lpm *t = (struct lpm *)map;

	map_memory_free(t->memory, t->bytes);
	map_memory_free(t->free_ring, t->ring_bytes);
	free(t);
}

static const struct map_ops lpm_ops = {
    .lookup = lpm_lookup,
    .update = lpm_update,
    .delete = lpm_delete,
    .read = lpm_read,
    .write = lpm_write,
    .erase = lpm_erase,
    .next_key = lpm_next_key,
    .count = lpm_count,
    .free = lpm_free,
};

int map_lpm_new(const struct bundle_map *spec, struct cleave_map **map)
{
	struct lpm *t;

	if (spec->key_size < 5 || spec->key_size > 4 + 256)
		return -EINVAL;
	t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	map_head_init(&t->map, &lpm_ops, spec, 1);
	t->root = NONE;
	t->data_bytes = spec->key_size - 4;
	t->length_max = t->data_bytes * 8;
	t->node_bytes = (uint32_t)sizeof(struct node) + map_pad8(t->data_bytes) + t->map.stride;
	/* values, joints (one less), and one of each while a change is under way */
	t->nodes = 2 * spec->max_entries + SPARE_NODES;
	t->memory = map_memory_new(t->nodes, t->node_bytes, &t->bytes);
	t->free_ring = map_memory_new(t->nodes, sizeof *t->free_ring, &t->ring_bytes);
	if (!t->memory || !t->free_ring) {
		lpm_free(&t->map);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < t->nodes; i++)
		t->free_ring[i] = i;
	t->free_count = t->nodes;
	*map = &t->map;
	return 0;
}
