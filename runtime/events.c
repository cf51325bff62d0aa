#include "runtime/events.h"

#include <stdlib.h>
#include <string.h>

struct head {
	uint32_t map, size;
};

static size_t padded(uint32_t size)
{
	return ((size_t)size + 7) & ~(size_t)7;
}

void events_clear(struct events *events)
{
	events->used = 0;
	events->lost = false;
}

void events_free(struct events *events)
{
	free(events->bytes);
	*events = (struct events){0};
}

static uint8_t *make_room(struct events *events, size_t bytes)
{
	size_t wanted = events->used + bytes, capacity = events->capacity ? events->capacity : 512;
	uint8_t *memory;

	while (capacity < wanted)
		capacity *= 2;
	if (capacity > events->capacity) {
		memory = realloc(events->bytes, capacity);
		if (!memory) {
			events->lost = true;
			return NULL;
		}
		events->bytes = memory;
		events->capacity = capacity;
	}
	memory = events->bytes + events->used;
	events->used = wanted;
	return memory;
}

void events_add(struct events *events, uint32_t map, const void *bytes, uint32_t size)
{
	struct head head = {map, size};
	uint8_t *at = make_room(events, sizeof head + padded(size));

	if (!at)
		return;
	memcpy(at, &head, sizeof head);
	memcpy(at + sizeof head, bytes, size);
	memset(at + sizeof head + size, 0, padded(size) - size);
}

void events_append(struct events *events, const struct events *more)
{
	uint8_t *at = more->used ? make_room(events, more->used) : NULL;

	if (at)
		memcpy(at, more->bytes, more->used);
	events->lost |= more->lost;
}

bool events_next(const struct events *events, size_t *at, struct event *event)
{
	struct head head;

	if (*at >= events->used)
		return false;
	memcpy(&head, events->bytes + *at, sizeof head);
	*event = (struct event){head.map, head.size, events->bytes + *at + sizeof head};
	*at += sizeof head + padded(head.size);
	return true;
}

/* The next event of the map. */
static bool next_of(const struct events *events, uint32_t map, size_t *at, struct event *event)
{
	while (events_next(events, at, event))
		if (event->map == map)
			return true;
	return false;
}

static bool map_differs(const struct events *a, const struct events *b, uint32_t map)
{
	struct event from_a, from_b;
	size_t at_a = 0, at_b = 0;

	for (;;) {
		bool more_a = next_of(a, map, &at_a, &from_a);
		bool more_b = next_of(b, map, &at_b, &from_b);

		if (!more_a || !more_b)
			return more_a != more_b;
		if (from_a.size != from_b.size || memcmp(from_a.bytes, from_b.bytes, from_a.size))
			return true;
	}
}

bool events_differ(const struct events *a, const struct events *b)
{
	struct event event;
	size_t at = 0;

	if (a->lost || b->lost || a->used != b->used)
		return true;
	if (!a->used || !memcmp(a->bytes, b->bytes, a->used))
		return false;
	while (events_next(a, &at, &event))
		if (map_differs(a, b, event.map))
			return true;
	return false;
}
