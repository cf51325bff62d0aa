/*
 * Native QUEUE and STACK: a ring with one element more than it holds, as in
 * kernel/bpf/queue_stack_maps.c. A push with BPF_EXIST into a full one drops the oldest.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/map_ops.h"

struct queue {
	struct cleave_map map;
	uint32_t lock;
	uint32_t head, tail, size; /* head: where the next one goes; tail: the oldest */
	uint8_t *memory;
	size_t bytes;
};

static uint8_t *element(const struct queue *q, uint32_t index)
{
	return q->memory + (size_t)index * q->map.stride;
}

static uint32_t after(const struct queue *q, uint32_t index)
{
	return index + 1 == q->size ? 0 : index + 1;
}

static int queue_push(struct cleave_map *map, const void *value, uint64_t flags)
{
	struct queue *q = (struct queue *)map;
	int err = 0;

	if (flags != BPF_ANY && flags != BPF_EXIST)
		return -EINVAL;
	map_lock(&q->lock);
	if (after(q, q->head) == q->tail) {
		if (flags == BPF_EXIST)
			q->tail = after(q, q->tail);
		else
			err = -E2BIG;
	}
	if (!err) {
		memcpy(element(q, q->head), value, map->value_size);
		q->head = after(q, q->head);
	}
	map_unlock(&q->lock);
	return err;
}

static int take(struct cleave_map *map, void *value, bool keep)
{
	struct queue *q = (struct queue *)map;
	bool stack = map->type == BPF_MAP_TYPE_STACK;
	uint32_t last, index;
	int err = 0;

	map_lock(&q->lock);
	last = q->head ? q->head - 1 : q->size - 1;
	index = stack ? last : q->tail;
	if (q->head == q->tail) {
		memset(value, 0, map->value_size);
		err = -ENOENT;
	} else {
		memcpy(value, element(q, index), map->value_size);
		if (!keep && stack)
			q->head = last;
		else if (!keep)
			q->tail = after(q, q->tail);
	}
	map_unlock(&q->lock);
	return err;
}

static int queue_pop(struct cleave_map *map, void *value)
{
	return take(map, value, false);
}

static int queue_peek(struct cleave_map *map, void *value)
{
	return take(map, value, true);
}

static uint32_t queue_count(struct cleave_map *map)
{
	const struct queue *q = (const struct queue *)map;

	return q->head >= q->tail ? q->head - q->tail : q->head + q->size - q->tail;
}

static void queue_free(struct cleave_map *map)
{
	struct queue *q = (struct queue *)map;

	map_memory_free(q->memory, q->bytes);
	free(q);
}

static const struct map_ops queue_ops = {
    .push = queue_push,
    .pop = queue_pop,
    .peek = queue_peek,
    .count = queue_count,
    .free = queue_free,
};

int map_queue_new(const struct bundle_map *spec, struct cleave_map **map)
{
	struct queue *q;

	if (spec->key_size)
		return -EINVAL;
	q = calloc(1, sizeof *q);
	if (!q)
		return -ENOMEM;
	map_head_init(&q->map, &queue_ops, spec, 1);
	q->size = spec->max_entries + 1;
	q->memory = map_memory_new(q->size, q->map.stride, &q->bytes);
	if (!q->memory) {
		free(q);
		return -ENOMEM;
	}
	*map = &q->map;
	return 0;
}
