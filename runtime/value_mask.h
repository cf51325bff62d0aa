/*
 * Which bits of a map's values mean something: all but the padding of their struct. A program may
 * store that as its stack held it, so it differs between two runs that are both right.
 *
 *     uint8_t **masks = value_masks_new(bundle);
 *     value_same(masks[map], value_size, a, b, bytes)
 *     value_masks_free(&masks, bundle);
 */
#ifndef CLEAVE_RUNTIME_VALUE_MASK_H
#define CLEAVE_RUNTIME_VALUE_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bundle;

/* By map, by the types of the program's BTF; NULL for a map whose values are compared whole. */
uint8_t **value_masks_new(const struct bundle *bundle);
void value_masks_free(uint8_t ***masks, const struct bundle *bundle);

/* The same value, or the same values of all CPUs one behind the other. mask may be NULL. */
bool value_same(const uint8_t *mask, uint32_t value_size, const void *a, const void *b,
		size_t bytes);

#endif
