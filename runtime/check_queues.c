#include "runtime/check_queues.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/map.h"

/* What came out of one map, the next one first. */
struct taken {
	struct cleave_map *map;
	uint8_t *values;
	size_t value_bytes;
	uint32_t count, capacity;
};

static bool make_room(struct taken *t)
{
	uint32_t capacity = t->capacity ? 2 * t->capacity : 64;
	uint8_t *values;

	if (t->count < t->capacity)
		return true;
	values = reallocarray(t->values, capacity, t->value_bytes);
	if (!values)
		return false;
	t->values = values;
	t->capacity = capacity;
	return true;
}

static void take_all(struct taken *t)
{
	while (make_room(t) && !map_pop(t->map, t->values + t->count * t->value_bytes))
		t->count++;
}

/* What comes out of a stack first has to go in last. */
static void put_back(struct taken *t)
{
	bool stack = map_type(t->map) == BPF_MAP_TYPE_STACK;

	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t next = stack ? t->count - 1 - i : i;

		map_push(t->map, t->values + next * t->value_bytes, BPF_ANY);
	}
	free(t->values);
}

bool check_queues_differ(struct cleave_map *a, struct cleave_map *b, uint32_t *at)
{
	struct taken from_a = {.map = a, .value_bytes = map_value_bytes(a)};
	struct taken from_b = {.map = b, .value_bytes = map_value_bytes(b)};
	uint32_t same = 0;
	bool differ;

	take_all(&from_a);
	take_all(&from_b);
	while (same < from_a.count && same < from_b.count &&
	       !memcmp(from_a.values + same * from_a.value_bytes,
		       from_b.values + same * from_b.value_bytes, from_a.value_bytes))
		same++;
	differ = same < from_a.count || same < from_b.count;
	*at = same;
	put_back(&from_a);
	put_back(&from_b);
	return differ;
}
