#include "runtime/check_touches.h"

#include <string.h>

void check_touches_clear(struct check_touches *touches)
{
	touches->count = 0;
	touches->overflow = false;
}

void check_touches_add(struct check_touches *touches, uint32_t map, const void *key, uint32_t size)
{
	struct check_touch *t = touches->touch;

	if (size > sizeof t->key)
		return;
	for (; t < touches->touch + touches->count; t++)
		if (t->map == map && t->size == size && !memcmp(t->key, key, size))
			return;
	if (touches->count == CHECK_TOUCHES_MAX) {
		touches->overflow = true;
		return;
	}
	t->map = map;
	t->size = size;
	memcpy(t->key, key, size);
	touches->count++;
}

void check_touches_merge(struct check_touches *touches, const struct check_touches *more)
{
	for (unsigned i = 0; i < more->count; i++)
		check_touches_add(touches, more->touch[i].map, more->touch[i].key,
				  more->touch[i].size);
	touches->overflow |= more->overflow;
}
