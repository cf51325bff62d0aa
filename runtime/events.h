/*
 * Events that a program wrote for its consumers, in the order in which they were read, as one piece
 * of memory. Those of one map have an order; those of different maps have none.
 */
#ifndef CLEAVE_RUNTIME_EVENTS_H
#define CLEAVE_RUNTIME_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct events {
	uint8_t *bytes; /* each: map, size, then its bytes padded to 8 */
	size_t used, capacity;
	bool lost; /* there was no memory, or the consumer came too late */
};

void events_clear(struct events *events);
void events_free(struct events *events);
void events_add(struct events *events, uint32_t map, const void *bytes, uint32_t size);
/* Appends those of more. */
void events_append(struct events *events, const struct events *more);
bool events_differ(const struct events *a, const struct events *b);

struct event {
	uint32_t map, size;
	const uint8_t *bytes;
};
/* The event at *at, which moves on; false behind the last. */
bool events_next(const struct events *events, size_t *at, struct event *event);

#endif
