#include "support/arena.h"
#include "support/exit_codes.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 * 1024 };

struct chunk {
	struct chunk *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct chunk *chunks;
};

static void die_no_memory(void)
{
	fputs("cleave: out of memory\n", stderr);
	exit(EXIT_CLEAVE_BUG);
}

struct arena *arena_new(void)
{
	struct arena *arena = calloc(1, sizeof *arena);

	if (!arena)
		die_no_memory();
	return arena;
}

void arena_free(struct arena **arena)
{
	if (!*arena)
		return;
	for (struct chunk *c = (*arena)->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(*arena);
	*arena = NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t need = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct chunk *c = arena->chunks;

	if (need < size)
		die_no_memory();
	if (!c || c->size - c->used < need) {
		size_t bytes = need > CHUNK_BYTES ? need : CHUNK_BYTES;

		c = calloc(1, sizeof *c + bytes);
		if (!c)
			die_no_memory();
		c->size = bytes;
		c->next = arena->chunks;
		arena->chunks = c;
	}
	c->used += need;
	return c->bytes + c->used - need;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		die_no_memory();
	return arena_alloc(arena, count * size);
}

void *arena_grow(struct arena *arena, const void *old, size_t old_count, size_t new_count,
		 size_t size)
{
	void *now = arena_array(arena, new_count, size);

	if (old_count)
		memcpy(now, old, old_count * size);
	return now;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	memcpy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *copy, *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		die_no_memory();
	va_end(args);
	copy = arena_strdup(arena, text);
	free(text);
	return copy;
}
