/* Comparing outcomes and maps of two sides. */
#include "runtime/check_compare.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/check_queues.h"
#include "runtime/check_touches.h"
#include "runtime/map.h"
#include "runtime/map_nest.h"
#include "runtime/value_mask.h"
#include "runtime/verdict_text.h"

enum {
	/*
	 * A full LRU map makes room for this many at once (kernel/bpf/bpf_lru_list.c,
	 * LOCAL_FREE_TARGET), so it may have dropped some when it holds as many fewer than its
	 * maximum. Twice, for the local list.
	 */
	LRU_ROOM = 256,
};

const char *check_verdict_text(bool tc, uint32_t verdict)
{
	return verdict == CHECK_CRASHED ? "a crash" : verdict_text(tc, verdict);
}

static bool differ(struct check_diff *diff, enum check_difference kind, uint32_t index)
{
	*diff = (struct check_diff){.kind = kind, .index = index};
	return true;
}

/* Actions above XDP_REDIRECT are aborts to the kernel (net/core/filter.c). */
static uint32_t effective(bool tc, uint32_t verdict)
{
	if (tc)
		return verdict;
	return verdict <= XDP_REDIRECT || verdict == CHECK_CRASHED ? verdict : XDP_ABORTED;
}

/* Where the linear part ends and what a packet's interface is, the kernel decides. */
const char *check_compare_skb(const struct cleave_skb *a, const struct cleave_skb *b)
{
	static const struct {
		const char *name;
		size_t offset, bytes;
	} fields[] = {
#define FIELD(name)                                                                                \
	{#name, offsetof(struct cleave_skb, name), sizeof(((struct cleave_skb *)0)->name)}
	    FIELD(tstamp),          FIELD(mark),          FIELD(priority), FIELD(ifindex),
	    FIELD(ingress_ifindex), FIELD(hash),          FIELD(cb),       FIELD(tc_index),
	    FIELD(tc_classid),      FIELD(queue_mapping), FIELD(protocol), FIELD(vlan_tci),
	    FIELD(vlan_proto),      FIELD(pkt_type),
#undef FIELD
	};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (memcmp((const char *)a + fields[i].offset, (const char *)b + fields[i].offset,
			   fields[i].bytes))
			return fields[i].name;
	return NULL;
}

/* Metadata of a packet that goes no further is nobody's. */
static bool leaves(uint32_t verdict)
{
	return verdict == XDP_PASS || verdict == XDP_TX || verdict == XDP_REDIRECT;
}

bool check_compare_outcomes(const struct check_outcome *a, const struct check_outcome *b,
			    struct check_diff *diff)
{
	if (effective(a->tc, a->verdict) != effective(b->tc, b->verdict))
		return differ(diff, CHECK_VERDICT, 0);
	if (a->size != b->size || memcmp(a->bytes, b->bytes, a->size))
		return differ(diff, CHECK_PACKET, 0);
	if (!a->tc && leaves(a->verdict) &&
	    (a->meta != b->meta || memcmp(a->meta_bytes, b->meta_bytes, a->meta)))
		return differ(diff, CHECK_METADATA, 0);
	if (a->skb_known && b->skb_known && check_compare_skb(&a->skb, &b->skb))
		return differ(diff, CHECK_FIELD, 0);
	if (verdict_redirects(a->tc, a->verdict) && a->redirect_known && b->redirect_known &&
	    (a->redirect_kind != b->redirect_kind || a->redirect_target != b->redirect_target ||
	     a->redirect_map != b->redirect_map || a->redirect_flags != b->redirect_flags))
		return differ(diff, CHECK_REDIRECT, 0);
	if (events_differ(&a->events, &b->events))
		return differ(diff, CHECK_EVENTS, 0);
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
	return map_type_holds(map->type) == MAP_HOLDS_VALUES;
}

/* How values of a map are compared. */
struct meaning {
	const uint8_t *mask;
	uint32_t value_size;
};

static struct meaning meaning_of(const struct check_side *a, const struct check_side *b,
				 uint32_t index)
{
	return (struct meaning){a->masks ? a->masks[index] : NULL,
				b->bundle->maps[index].value_size};
}

static bool same(const struct meaning *m, const void *a, const void *b, size_t bytes)
{
	return value_same(m->mask, m->value_size, a, b, bytes);
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
			  const struct values *v, const struct meaning *m)
{
	int err_a = map_read(a, key, v->a), err_b = map_read(b, key, v->b);

	return !err_a != !err_b || (!err_a && !same(m, v->a, v->b, v->size));
}

/* One element that both sides should agree on. */
static bool compare_entry(const struct check_side *a, const struct check_side *b, uint32_t index,
			  const void *key, struct check_diff *diff)
{
	struct meaning m = meaning_of(a, b, index);
	struct values v;
	bool different;

	if (!is_comparable(a, b, index) || !values_new(&v, a->maps[index]))
		return false;
	different = entry_differs(a->maps[index], b->maps[index], key, &v, &m);
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

/* A walk through one map beside the other. */
struct walk {
	struct cleave_map *walked, *other;
	uint8_t *value;                /* of the other */
	const struct meaning *meaning; /* NULL: it only has to have the key */
	uint8_t *key;                  /* the first that differs */
};

static int compare_walked(void *context, const void *key, const void *value, size_t value_bytes)
{
	const struct walk *w = context;
	int err = map_read(w->other, key, w->value);

	if (w->meaning ? !err && same(w->meaning, value, w->value, value_bytes) : err != -ENOENT)
		return 0;
	memcpy(w->key, key, map_key_bytes(w->walked));
	return 1;
}

static bool walk_differs(struct cleave_map *walked, struct cleave_map *other,
			 const struct meaning *meaning, uint8_t *key)
{
	struct walk w = {walked, other, malloc(map_value_bytes(walked) + 1), meaning, key};
	bool different = w.value && map_dump(walked, compare_walked, &w) > 0;

	free(w.value);
	return different;
}

/* An array in one piece. */
struct flat {
	uint8_t *bytes;
	size_t used, size;
};

static int copy_element(void *context, const void *key, const void *value, size_t value_bytes)
{
	struct flat *f = context;

	if (f->used + value_bytes > f->size)
		return 1;
	memcpy(f->bytes + f->used, value, value_bytes);
	f->used += value_bytes;
	return 0;
}

/* Both sides as one piece each: two elements in a row cost no more than their bytes. */
static bool arrays_differ(struct cleave_map *a, struct cleave_map *b, uint32_t entries,
			  const struct meaning *m, uint8_t *key)
{
	size_t value_bytes = map_value_bytes(a), size = value_bytes * entries, at = 0;
	struct flat flat_a = {malloc(size + 1), 0, size}, flat_b = {malloc(size + 1), 0, size};
	bool different;

	if (flat_a.bytes && flat_b.bytes) {
		map_dump(a, copy_element, &flat_a);
		map_dump(b, copy_element, &flat_b);
	}
	while (at < flat_a.used && at < flat_b.used &&
	       same(m, flat_a.bytes + at, flat_b.bytes + at, value_bytes))
		at += value_bytes;
	different = at < flat_a.used || at < flat_b.used;
	if (different) {
		uint32_t index = (uint32_t)(at / value_bytes);

		memcpy(key, &index, sizeof index);
	}
	free(flat_a.bytes);
	free(flat_b.bytes);
	return different;
}

static bool tables_differ(struct cleave_map *a, struct cleave_map *b, const struct meaning *m,
			  uint8_t *key)
{
	return walk_differs(a, b, m, key) ||
	       (map_count(a) != map_count(b) && walk_differs(b, a, NULL, key));
}

static bool compare_map(const struct check_side *a, const struct check_side *b, uint32_t index,
			struct check_diff *diff)
{
	const struct bundle_map *map = &b->bundle->maps[index];
	struct meaning m = meaning_of(a, b, index);
	uint8_t key[CLEAVE_BATCH_KEY_MAX];

	if (!(is_array(map)
		  ? arrays_differ(a->maps[index], b->maps[index], map->max_entries, &m, key)
		  : tables_differ(a->maps[index], b->maps[index], &m, key)))
		return false;
	differ(diff, CHECK_ENTRY, index);
	memcpy(diff->key, key, map->key_size);
	return true;
}

static bool compare_queue(const struct check_side *a, const struct check_side *b, uint32_t index,
			  struct check_diff *diff)
{
	uint32_t at;

	if (!a->maps[index] || !b->maps[index] ||
	    map_type_holds(b->bundle->maps[index].type) != MAP_HOLDS_QUEUE ||
	    !check_queues_differ(a->maps[index], b->maps[index], &at))
		return false;
	differ(diff, CHECK_QUEUE, index);
	memcpy(diff->key, &at, sizeof at);
	return true;
}

/* The maps at one key: there on both sides, and the same in them. */
static bool inner_differs(struct cleave_map *a, struct cleave_map *b, const void *key)
{
	struct cleave_map *in_a = map_nest_get(a, key), *in_b = map_nest_get(b, key);
	struct meaning whole = {0};
	uint8_t differs[CLEAVE_BATCH_KEY_MAX];

	if (!in_a || !in_b)
		return in_a != in_b;
	if (map_type_holds(map_type(in_a)) != MAP_HOLDS_VALUES ||
	    map_key_bytes(in_a) > CLEAVE_BATCH_KEY_MAX ||
	    map_value_bytes(in_a) != map_value_bytes(in_b))
		return false;
	return tables_differ(in_a, in_b, &whole, differs);
}

static bool compare_nest(const struct check_side *a, const struct check_side *b, uint32_t index,
			 struct check_diff *diff)
{
	struct cleave_map *from = a->maps[index], *to = b->maps[index];
	uint8_t keys[2][CLEAVE_BATCH_KEY_MAX], *key = NULL, *next = keys[0];

	if (!from || !to || map_type_holds(map_type(from)) != MAP_HOLDS_MAPS ||
	    map_key_bytes(from) > CLEAVE_BATCH_KEY_MAX)
		return false;
	while (!map_next_key(from, key, next)) {
		key = next;
		next = key == keys[0] ? keys[1] : keys[0];
		if (!inner_differs(from, to, key))
			continue;
		differ(diff, CHECK_INNER, index);
		memcpy(diff->key, key, map_key_bytes(from));
		return true;
	}
	return false;
}

bool check_compare_state(const struct check_side *a, const struct check_side *b,
			 uint32_t entries_max, struct check_diff *diff)
{
	const struct bundle *bundle = b->bundle;

	for (uint32_t i = 0; i < bundle->map_count; i++)
		if (bundle->maps[i].max_entries <= entries_max &&
		    (is_comparable(a, b, i)
			 ? compare_map(a, b, i, diff)
			 : compare_queue(a, b, i, diff) || compare_nest(a, b, i, diff)))
			return true;
	for (uint32_t i = 0; i < bundle->global_count; i++)
		if (a->globals[i] && b->globals[i] && !bundle->globals[i].constant &&
		    memcmp(a->globals[i], b->globals[i], bundle->globals[i].size))
			return differ(diff, CHECK_GLOBAL, i);
	return false;
}

static bool map_diverged(struct cleave_map *a, struct cleave_map *b, uint32_t entries_max)
{
	uint32_t count_a = map_count(a), count_b = map_count(b);
	uint8_t key[CLEAVE_BATCH_KEY_MAX];

	if ((count_a > count_b ? count_a : count_b) + LRU_ROOM < entries_max)
		return false;
	return walk_differs(a, b, NULL, key) || walk_differs(b, a, NULL, key);
}

bool check_lru_diverged(const struct check_side *a, const struct check_side *b)
{
	for (uint32_t i = 0; i < b->bundle->map_count; i++)
		if (is_lru(&b->bundle->maps[i]) && is_comparable(a, b, i) &&
		    map_diverged(a->maps[i], b->maps[i], b->bundle->maps[i].max_entries))
			return true;
	return false;
}
