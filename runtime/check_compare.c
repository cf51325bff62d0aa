/* Comparing outcomes and maps of two sides. */
#include "runtime/check_compare.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check_touches.h"
#include "runtime/map.h"

enum {
	/*
	 * A full LRU map makes room for this many at once (kernel/bpf/bpf_lru_list.c,
	 * LOCAL_FREE_TARGET), so it may have dropped some when it holds as many fewer than its
	 * maximum. Twice, for the local list.
	 */
	LRU_ROOM = 256,
};

const char *check_verdict_text(uint32_t verdict)
{
	static const char *const names[] = {"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX",
					    "XDP_REDIRECT"};

	if (verdict == CHECK_CRASHED)
		return "a crash";
	return verdict < sizeof names / sizeof *names ? names[verdict] : "an unknown verdict";
}

static bool differ(struct check_diff *diff, enum check_difference kind, uint32_t index)
{
	*diff = (struct check_diff){.kind = kind, .index = index};
	return true;
}

/* Actions above XDP_REDIRECT are aborts to the kernel (net/core/filter.c). */
static uint32_t effective(uint32_t verdict)
{
	return verdict <= XDP_REDIRECT || verdict == CHECK_CRASHED ? verdict : XDP_ABORTED;
}

bool check_compare_outcomes(const struct check_outcome *a, const struct check_outcome *b,
			    struct check_diff *diff)
{
	if (effective(a->verdict) != effective(b->verdict))
		return differ(diff, CHECK_VERDICT, 0);
	if (a->size != b->size || memcmp(a->bytes, b->bytes, a->size))
		return differ(diff, CHECK_PACKET, 0);
	if (a->verdict == XDP_REDIRECT && a->redirect_known && b->redirect_known &&
	    (a->redirect_kind != b->redirect_kind || a->redirect_target != b->redirect_target ||
	     a->redirect_map != b->redirect_map || a->redirect_flags != b->redirect_flags))
		return differ(diff, CHECK_REDIRECT, 0);
	return false;
}

static bool is_lru(const struct bundle_map *map)
{
	return map->type == BPF_MAP_TYPE_LRU_HASH || map->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_array(const struct bundle_map *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY || map->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* Maps whose elements a program can change and an operator can read. */
static bool is_comparable(const struct check_side *a, const struct check_side *b, uint32_t index)
{
	const struct bundle_map *map = &b->bundle->maps[index];

	if (!a->maps[index] || !b->maps[index] || map->key_size > CLEAVE_BATCH_KEY_MAX ||
	    map_value_bytes(a->maps[index]) != map_value_bytes(b->maps[index]))
		return false;
	return is_array(map) || is_lru(map) || map->type == BPF_MAP_TYPE_HASH ||
	       map->type == BPF_MAP_TYPE_PERCPU_HASH || map->type == BPF_MAP_TYPE_LPM_TRIE;
}

struct values {
	uint8_t *a, *b;
	size_t size;
};

static bool values_new(struct values *v, struct cleave_map *map)
{
	v->size = map_value_bytes(map);
	v->a = calloc(2, v->size ? v->size : 1);
	v->b = v->a + v->size;
	return v->a != NULL;
}

static bool entry_differs(struct cleave_map *a, struct cleave_map *b, const void *key,
			  const struct values *v)
{
	int err_a = map_read(a, key, v->a), err_b = map_read(b, key, v->b);

	return !err_a != !err_b || (!err_a && memcmp(v->a, v->b, v->size));
}

/* One element that both sides should agree on. */
static bool compare_entry(const struct check_side *a, const struct check_side *b, uint32_t index,
			  const void *key, struct check_diff *diff)
{
	struct values v;
	bool different;

	if (!is_comparable(a, b, index) || !values_new(&v, a->maps[index]))
		return false;
	different = entry_differs(a->maps[index], b->maps[index], key, &v);
	free(v.a);
	if (!different)
		return false;
	differ(diff, CHECK_ENTRY, index);
	memcpy(diff->key, key, b->bundle->maps[index].key_size);
	return true;
}

bool check_compare_touched(const struct check_side *a, const struct check_side *b,
			   const struct check_touches *touches, struct check_diff *diff)
{
	for (unsigned i = 0; i < touches->count; i++)
		if (compare_entry(a, b, touches->touch[i].map, touches->touch[i].key, diff))
			return true;
	return false;
}

/* Every key of `walked` has the same value in the other. */
static bool walk_differs(struct cleave_map *walked, struct cleave_map *other,
			 const struct values *v, uint8_t *key)
{
	uint8_t next[CLEAVE_BATCH_KEY_MAX];
	bool first = true;

	while (!map_next_key(walked, first ? NULL : key, next)) {
		memcpy(key, next, map_key_bytes(walked));
		if (entry_differs(walked, other, key, v))
			return true;
		first = false;
	}
	return false;
}

static bool compare_map(const struct check_side *a, const struct check_side *b, uint32_t index,
			struct check_diff *diff)
{
	uint8_t key[CLEAVE_BATCH_KEY_MAX];
	struct values v;
	bool different;

	if (!values_new(&v, a->maps[index]))
		return false;
	different = walk_differs(a->maps[index], b->maps[index], &v, key) ||
		    (!is_array(&b->bundle->maps[index]) &&
		     walk_differs(b->maps[index], a->maps[index], &v, key));
	free(v.a);
	if (!different)
		return false;
	differ(diff, CHECK_ENTRY, index);
	memcpy(diff->key, key, b->bundle->maps[index].key_size);
	return true;
}

bool check_compare_state(const struct check_side *a, const struct check_side *b,
			 uint32_t entries_max, struct check_diff *diff)
{
	const struct bundle *bundle = b->bundle;

	for (uint32_t i = 0; i < bundle->map_count; i++)
		if (bundle->maps[i].max_entries <= entries_max && is_comparable(a, b, i) &&
		    compare_map(a, b, i, diff))
			return true;
	for (uint32_t i = 0; i < bundle->global_count; i++)
		if (a->globals[i] && b->globals[i] && !bundle->globals[i].constant &&
		    memcmp(a->globals[i], b->globals[i], bundle->globals[i].size))
			return differ(diff, CHECK_GLOBAL, i);
	return false;
}

/* Is a key of `walked` missing in the other? */
static bool has_missing(struct cleave_map *walked, struct cleave_map *other, uint8_t *value)
{
	uint8_t key[CLEAVE_BATCH_KEY_MAX], next[CLEAVE_BATCH_KEY_MAX];
	bool first = true;

	while (!map_next_key(walked, first ? NULL : key, next)) {
		memcpy(key, next, map_key_bytes(walked));
		if (map_read(other, key, value) == -ENOENT)
			return true;
		first = false;
	}
	return false;
}

static bool map_diverged(struct cleave_map *a, struct cleave_map *b, uint32_t entries_max)
{
	uint32_t count_a = map_count(a), count_b = map_count(b);
	uint8_t *value;
	bool missing;

	if ((count_a > count_b ? count_a : count_b) + LRU_ROOM < entries_max)
		return false;
	value = malloc(map_value_bytes(a));
	missing = value && (has_missing(a, b, value) || has_missing(b, a, value));
	free(value);
	return missing;
}

bool check_lru_diverged(const struct check_side *a, const struct check_side *b)
{
	for (uint32_t i = 0; i < b->bundle->map_count; i++)
		if (is_lru(&b->bundle->maps[i]) && is_comparable(a, b, i) &&
		    map_diverged(a->maps[i], b->maps[i], b->bundle->maps[i].max_entries))
			return true;
	return false;
}
