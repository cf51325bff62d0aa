/*
 * Region memory for one compilation. Everything a compilation makes lives in one arena and is freed
 * with it; nothing is freed singly. Allocation failure ends the process (exit 70): a compiler has
 * nothing better to do.
 *
 *     struct arena *a = arena_new();
 *     char *s = arena_printf(a, "%s:%u", file, line);
 *     arena_free(&a);
 */
#ifndef CLEAVE_SUPPORT_ARENA_H
#define CLEAVE_SUPPORT_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
/* Frees everything and sets *arena to NULL. *arena may be NULL. */
void arena_free(struct arena **arena);

/* Zeroed memory of size bytes, aligned for any type. Owned by the arena. */
void *arena_alloc(struct arena *arena, size_t size);
/* count * size with the multiplication checked. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* A copy of old_count elements in a zeroed array of new_count. */
void *arena_grow(struct arena *arena, const void *old, size_t old_count, size_t new_count,
		 size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Appends one element: ARENA_PUSH(a, vec, count, cap) makes room and yields a pointer to the new,
 * zeroed element of the array `vec`.
 */
#define ARENA_PUSH(arena, vec, count, cap)                                                         \
	(((count) == (cap) ? (void)((vec) = arena_grow((arena), (vec), (count),                    \
						       (cap) ? (cap) * 2 : 8, sizeof *(vec)),      \
				    (cap) = (cap) ? (cap) * 2 : 8)                                 \
			   : (void)0),                                                             \
	 &(vec)[(count)++])

#endif
